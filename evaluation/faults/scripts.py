"""What people say in a run: seeded mixtures of the pieces in scripts.yml."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Mapping, Optional, Sequence

import yaml

PATH = Path(__file__).with_name("scripts.yml")
OTHERS_AT_MOST, AT_ONCE_AT_LEAST, AT_ONCE_AT_MOST = 2, 2, 16
CANARY_LETTERS, CANARY_LENGTH = "bcdfghjklmnpqrtvwxz", 11  # no vowel: no word is near it, which a spelling could be brought back to


@dataclass(frozen=True)
class Step:
    """What somebody does. says: typed words; presses: the title of a button of the latest buttons; is_urgent: the words must be answered with the emergency card first."""

    says: Optional[str] = None
    presses: Optional[str] = None
    is_urgent: bool = False


@dataclass(frozen=True)
class Script:
    """A conversation to hold. canary: the word that stands in it alone. at_once: all of it is sent at the same time."""

    name: str
    canary: str
    steps: tuple[Step, ...]
    at_once: bool = False


@lru_cache(maxsize=1)
def _file() -> Mapping[str, Any]:
    return yaml.safe_load(PATH.read_text(encoding="utf-8"))


def canary(rng: random.Random) -> str:
    """Return a word that stands nowhere else."""
    return "Zq" + "".join(rng.choices(CANARY_LETTERS, k=CANARY_LENGTH))


def mixture(rng: random.Random, name: str) -> Script:
    """Return a conversation of some pieces; every second one comes into danger at its end or in its middle."""
    file = _file()
    pieces = [rng.choice(file["openings"]), *rng.sample(file["others"], rng.randint(1, OTHERS_AT_MOST))]
    if rng.random() < 0.5:
        pieces.insert(rng.randint(1, len(pieces)), "danger")
    return _script(name, canary(rng), [step for piece in pieces for step in file["pieces"][piece]])


def alarm(rng: random.Random, name: str) -> Script:
    """Return the conversation of somebody who is in danger and says so first."""
    return _script(name, canary(rng), _file()["alarm"])


def at_once(rng: random.Random, name: str) -> Script:
    """Return messages that are sent all at the same time."""
    count = rng.randint(AT_ONCE_AT_LEAST, AT_ONCE_AT_MOST)
    texts = [rng.choice(_file()["at_once"]) for _ in range(count)]
    return _script(name, canary(rng), [{"danger" if _is_danger(text) else "say": text} for text in texts], at_once=True)


def _is_danger(text: str) -> bool:
    return any(step.get("danger") == text for piece in (*_file()["pieces"].values(), _file()["alarm"]) for step in piece)


def _script(name: str, me: str, steps: Sequence[Mapping[str, str]], at_once: bool = False) -> Script:
    return Script(name, me, tuple(_step(step, me) for step in steps), at_once)


def _step(step: Mapping[str, str], me: str) -> Step:
    (kind, text), = step.items()
    return Step(presses=text) if kind == "press" else Step(says=text.replace("{me}", me), is_urgent=kind == "danger")
