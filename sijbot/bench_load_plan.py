"""What people will do in a load measurement: who comes when, and what each sends at which moment.

All of it is fixed before the first message goes out (an open loop): how fast the answers are changes nothing, so that a slow server is asked as much as a fast one. The texts are those of
evaluation/, read when this runs: what real people would send, and what nothing was built from.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Iterator, Mapping, Optional, Sequence

import yaml

QUESTION, FOLLOW_UP, SMALL_TALK, DIARY, COACH, BUTTON = "question", "follow-up", "small talk", "diary", "coach", "button"
DANGER, REGION, FORGET = "danger text", "country said", "forget me"
KINDS = (QUESTION, FOLLOW_UP, SMALL_TALK, DIARY, COACH, BUTTON, DANGER, REGION, FORGET)
OPENED, RELOADED = "page opened", "page loaded again"  # requests that are no messages

POSTGRESQL, SQLITE = "postgresql", "sqlite"
RESTARTS = ROLLING, IN_PLACE, DATABASE = ("rolling", "in_place", "database")  # what is restarted; the latter is a role as well
BOT, PROXY, GENERATOR = "bot", "proxy", "generator"
ROLES = (BOT, DATABASE, PROXY, GENERATOR)

THINK_S = 25.0  # between two messages of a person, in the mean
FEWEST_MESSAGES, MOST_MESSAGES = 6, 14  # of a conversation
OPENS_BEFORE_S = 5.0  # the first message: somebody opens the page and reads the greeting
THERE_FIRST_S = 30.0  # before the beginning: in this time those open the page who are there at it, since so many opening it at once is another load than so many talking
DANGER_SHARE = 0.04  # of all messages
LONG_SHARE, LONG_CHARACTERS = 0.1, 400  # of the danger texts: long stories; what counts as one
RELOAD_SHARE = 0.03  # of all messages: the page is loaded again before
FORGET_SHARE, REGION_SHARE = 0.01, 0.05  # of all people
ASKS, TRAINS, KEEPS_A_DIARY = 0.65, 0.2, 0.15  # what people come for
FOLLOWS, TALKS, PRESSES = 0.2, 0.1, 0.1  # of the messages of somebody who asks; the rest are questions
PRESSED_SHARE = 0.5  # of the answers to the coach, where a button says the same
FOLLOW_UPS = ("why?", "tell me more", "how often should I do that?", "how long for?", "is that safe?", "and at night?", "what else could I try?", "can you say that in other words?")
GREETINGS = ("hello", "hi", "hi there", "thanks", "ok thank you", "bye")
# Put around the longer texts, so that hardly two messages are the same: the server remembers what it read last, and people do not all write the same.
OPENINGS = ("", "hi, ", "hello, ", "hey, ", "hi there, ", "good morning, ", "good evening, ", "ok, ", "right, ", "well, ", "so, ", "sorry, ", "please, ", "hiya, ", "hello there, ", "oh, ")
CLOSINGS = ("", " thanks", " thank you", " cheers", " please", " many thanks", " ta", " thx", " thanks a lot", " thank you very much", " :)", " bye", " x", " ...", " !", " thanks again")
ADDRESSES = 2**17  # of the network that is set aside for measurements, 198.18.0.0/15


@dataclass(frozen=True)
class Load:
    """What is asked for. cores: by role, those that it is bound to. restart: rolling (one replica after the other is replaced, the new one being ready before the old one ends, as Kubernetes does), in_place (one after the other ends and is started again, as compose does), database, or None. factor: so many times the users."""

    users: int = 1000
    minutes: float = 10.0
    replicas: int = 2
    database: str = POSTGRESQL
    factor: int = 1
    seed: int = 1
    restart: Optional[str] = None
    cores: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        return self.minutes * 60


@dataclass(frozen=True)
class Texts:
    """What is sent, by what it is. scripts: what people typed in whole sessions with the coach. places: titles of countries; codes: theirs."""

    questions: tuple[str, ...]
    remarks: tuple[str, ...]
    pains: tuple[str, ...]
    diary_wishes: tuple[str, ...]
    forgetting: tuple[str, ...]
    dangers: tuple[str, ...]
    long_dangers: tuple[str, ...]
    scripts: tuple[tuple[str, ...], ...]
    places: tuple[str, ...]
    codes: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """One message. A button is pressed where there is one: the one that the text names (`is_named`), or the one of this number (`pick`); else the text is typed."""

    kind: str
    text: str
    is_named: bool = False
    pick: Optional[int] = None


@dataclass(frozen=True)
class Message:
    """When a message is typed, in seconds from the beginning, and whether the page is loaded again just before."""

    due_s: float
    step: Step
    is_reloaded: bool = False


@dataclass(frozen=True)
class Person:
    """Somebody with one conversation. opens_s: when the page is opened, of those who are there first up to THERE_FIRST_S before the beginning. address: what the proxy says of who asks."""

    number: int
    opens_s: float
    region: Optional[str]
    messages: tuple[Message, ...]

    @property
    def address(self) -> str:
        place = self.number % ADDRESSES
        return f"198.{18 + (place >> 16)}.{place >> 8 & 255}.{place & 255}"


def read_texts(root: Path) -> Texts:
    """Return what is sent, from evaluation/ and the names of the countries. Raises: OSError, KeyError, where something of it is not there."""
    heldout = root / "evaluation" / "heldout"
    questions = [entry for path in sorted(heldout.glob("questions*.yml")) for entry in _yaml(path)]
    intents = _jsonl(heldout / "coach_intents.jsonl")
    dangers = [entry["text"] for path in sorted(heldout.glob("red_flags*.yml")) for entry in _yaml(path) if entry["level"] in ("emergency", "urgent")]
    scripts = [tuple(entry["turns"]) for entry in _jsonl(root / "evaluation" / "coach" / "dialogues.jsonl")]
    regions = {path.stem: _yaml(path)["title"] for path in sorted((root / "content" / "regions").glob("*.yml"))}
    return Texts(
        questions=tuple(entry["text"] for entry in questions if entry.get("kind") != "remark"), remarks=tuple(entry["text"] for entry in questions if entry.get("kind") == "remark"),
        pains=_of(intents, "tell_pain"), diary_wishes=_of(intents, "ask_progress", "ask_summary", "missed_days", "what_is_kept"), forgetting=_of(intents, "forget_me"),
        dangers=tuple(text for text in dangers if len(text) <= LONG_CHARACTERS), long_dangers=tuple(text for text in dangers if len(text) > LONG_CHARACTERS),
        scripts=tuple(script for script in scripts if len(script) >= FEWEST_MESSAGES), places=tuple(regions[code] for code in regions if code != "unknown"), codes=tuple(regions),
    )  # fmt: skip


def schedule(users: int, seconds: float, seed: int, texts: Texts) -> list[Person]:
    """Return everybody who comes in this time, in the order of coming; at each moment about `users` of them are there.

    Each of so many places is taken by one person after another, whose messages are typed at the moments of a Poisson process. Those who are there first stay for less, so that not all go at once, and have opened the page
    before the beginning, so that not all do that at once either.
    """
    visits = [visit for seat in range(users) for visit in _visits(random.Random(f"{seed} moments {seat}"), random.Random(f"{seed} words {seat}"), seconds, texts)]
    return [replace(visit, number=number) for number, visit in enumerate(sorted(visits, key=lambda visit: visit.opens_s))]


def _visits(moments: random.Random, words: random.Random, seconds: float, texts: Texts) -> Iterator[Person]:
    """Yield the people of one place, one after another. Of two sources of chance, so that what is said never changes when."""
    at_s, is_first = 0.0, True
    while at_s < seconds:
        count = moments.randint(FEWEST_MESSAGES, MOST_MESSAGES)
        came_s, all_due_s = at_s, []
        for _ in range(moments.randint(1, count) if is_first else count):
            at_s += moments.expovariate(1 / THINK_S)
            all_due_s.append(at_s)
        opens_s = -moments.uniform(0, THERE_FIRST_S) if is_first else max(came_s, all_due_s[0] - OPENS_BEFORE_S)
        is_first = False
        steps = _steps(words, count, texts)
        messages = tuple(Message(due_s, step, words.random() < RELOAD_SHARE) for due_s, step in zip(all_due_s, steps) if due_s < seconds)
        if messages:
            yield Person(0, opens_s, words.choice((None, *texts.codes)), messages)


def _steps(words: random.Random, count: int, texts: Texts) -> list[Step]:
    """Return what one person says, in so many messages."""
    came_for = words.random()
    if came_for < ASKS:
        steps = [_asked(words, texts) for _ in range(count)]
    elif came_for < ASKS + TRAINS:
        steps = _session(words, count, texts)
    else:
        steps = _diary(words, count, texts)
    if words.random() < REGION_SHARE:
        steps[1] = Step(REGION, f"I am in {words.choice(texts.places)}")
    steps = [_danger(words, texts) if words.random() < DANGER_SHARE else step for step in steps]
    if words.random() < FORGET_SHARE:
        steps[-2:] = [Step(FORGET, words.choice(texts.forgetting)), Step(FORGET, "yes", pick=0)]
    return steps


def _asked(words: random.Random, texts: Texts) -> Step:
    kind = words.random()
    if kind < FOLLOWS:
        return Step(FOLLOW_UP, words.choice(FOLLOW_UPS))
    if kind < FOLLOWS + TALKS:
        return Step(SMALL_TALK, words.choice((*GREETINGS, *texts.remarks)))
    question = _varied(words, words.choice(texts.questions))
    return Step(QUESTION, question, pick=words.randrange(100) if kind < FOLLOWS + TALKS + PRESSES else None)


def _session(words: random.Random, count: int, texts: Texts) -> list[Step]:
    script = words.choice(texts.scripts)[:count]
    steps = [Step(COACH, text, is_named=words.random() < PRESSED_SHARE) for text in script]
    return steps + [_asked(words, texts) for _ in range(count - len(steps))]


def _diary(words: random.Random, count: int, texts: Texts) -> list[Step]:
    entry = [Step(DIARY, words.choice(texts.pains)), Step(DIARY, str(words.randint(0, 10)), pick=0), Step(DIARY, words.choice(texts.diary_wishes))]
    return entry + [_asked(words, texts) for _ in range(count - len(entry))]


def _danger(words: random.Random, texts: Texts) -> Step:
    return Step(DANGER, _varied(words, words.choice(texts.long_dangers if words.random() < LONG_SHARE else texts.dangers)))


def _varied(words: random.Random, text: str) -> str:
    return f"{words.choice(OPENINGS)}{text}{words.choice(CLOSINGS)}"


def _of(intents: Sequence[dict], *wanted: str) -> tuple[str, ...]:
    return tuple(entry["text"] for entry in intents if entry["intent"] in wanted)


def _yaml(path: Path) -> list | dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _jsonl(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
