"""What the danger screen does with held-out messages: how many dangers it catches, how often it alarms for nothing, and which it missed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterable, Iterator, Mapping, Optional, Sequence, TypeVar

import yaml

from sijbot.content.model import LEVELS
from sijbot.triage.assess import ALARM, ASK, Assessment

HELD_OUT = Path("evaluation") / "heldout" / "red_flags.yml"
NONE = "none"
Entry = TypeVar("Entry")


class EvaluationError(Exception):
    """A set of messages that cannot be used; names file and entry."""


@dataclass(frozen=True)
class Message:
    """A held-out message: `level` is the writer's, `accept` holds every level (or `ask`) that a nurse could defend, `flags` the signs in it."""

    id: str
    text: str
    level: str
    accept: tuple[str, ...]
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What the screen made of a message."""

    message: Message
    assessment: Assessment

    @property
    def caught(self) -> bool:
        """An alarm or a question, at any level."""
        return self.assessment.outcome in (ALARM, ASK)

    @property
    def at_full_level(self) -> bool:
        """An alarm at the mildest level that is accepted, or above."""
        mildest = max(LEVELS.index(level) for level in self.message.accept if level in LEVELS)
        return self.assessment.outcome == ALARM and LEVELS.index(self.assessment.level) <= mildest

    @property
    def false_alarm(self) -> bool:
        """An alarm on a harmless message, at a level that nobody would accept."""
        return self.message.level == NONE and self.assessment.outcome == ALARM and self.assessment.level not in self.message.accept

    @property
    def asked_for_nothing(self) -> bool:
        """A question on a harmless message."""
        return self.message.level == NONE and self.assessment.outcome == ASK


def held_out_files(root: Path) -> list[Path]:
    """Return every file of held-out messages for the danger screen."""
    return sorted((root / HELD_OUT.parent).glob("red_flags*.yml"))


def read_messages(path: Path) -> list[Message]:
    """Return the messages of a file.

    Raises: EvaluationError.
    """
    return read_entries(path, _message)


def _message(entry: Mapping) -> Message:
    message = Message(entry["id"], entry["text"], entry["level"], tuple(entry["accept"]), tuple(entry["flags"]))
    if message.level not in message.accept or message.level not in (*LEVELS, NONE):
        raise EvaluationError(f"level '{message.level}' is unknown or not accepted")
    return message


def read_entries(path: Path, make: Callable[[Mapping], Entry]) -> list[Entry]:
    """Return what `make` makes of every entry of a held-out file.

    Raises: EvaluationError.
    """
    try:
        entries = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except (OSError, yaml.YAMLError) as error:
        raise EvaluationError(f"{path}: cannot be read ({str(error).splitlines()[0]})") from None
    made = []
    for number, entry in enumerate(entries if isinstance(entries, list) else [], 1):
        try:
            made.append(make(entry))
        except (KeyError, TypeError, AttributeError) as error:
            raise EvaluationError(f"{path}: entry {number}: {error} is missing or of another kind") from None
        except EvaluationError as error:
            raise EvaluationError(f"{path}: entry {number}: {error}") from None
    if not made:
        raise EvaluationError(f"{path}: holds no entries")
    return made


def outcomes(messages: Iterable[Message], screen: Callable[[str], Assessment]) -> list[Outcome]:
    """Return what the screen makes of every message, each taken as the first of a conversation."""
    return [Outcome(message, screen(message.text)) for message in messages]


def report(judged: Sequence[Outcome]) -> Iterator[str]:
    """Yield the figures as lines of Markdown: by level, on harmless messages, and by flag."""
    yield "| level | messages | caught (alarm or question) | alarm at full level |"
    yield "|---|---|---|---|"
    for level in LEVELS:
        these = [outcome for outcome in judged if outcome.message.level == level]
        if these:
            yield f"| {level} | {len(these)} | {_share(these, lambda o: o.caught)} | {_share(these, lambda o: o.at_full_level)} |"
    harmless = [outcome for outcome in judged if outcome.message.level == NONE]
    if harmless:
        yield f"\nHarmless messages ({len(harmless)}): false alarms {_share(harmless, lambda o: o.false_alarm)}, questions {_share(harmless, lambda o: o.asked_for_nothing)}."
    yield "\n| flag | messages | caught | this flag found | alarms on harmless messages |\n|---|---|---|---|---|"
    by_flag: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in judged:
        for flag in outcome.message.flags if outcome.message.level != NONE else ():
            by_flag[flag].append(outcome)
    for flag, these in sorted(by_flag.items()):
        found = _share(these, lambda o, flag=flag: flag in o.assessment.flags)
        alarms = sum(outcome.false_alarm and flag == outcome.assessment.flags[0] for outcome in harmless)
        yield f"| {flag} | {len(these)} | {_share(these, lambda o: o.caught)} | {found} | {alarms} |"


def misses(judged: Iterable[Outcome]) -> Iterator[str]:
    """Yield one line for each danger that was passed over or alarmed below its level, and for each alarm or question on a harmless message."""
    for outcome in judged:
        kind = _kind_of_miss(outcome)
        if kind:
            got = f"{outcome.assessment.outcome} {outcome.assessment.level or ''} {', '.join(outcome.assessment.flags[:3])}".strip()
            yield f"{kind} · {outcome.message.id} · {outcome.message.level} ({', '.join(outcome.message.flags)}) · got {got} · {outcome.message.text}"


def _kind_of_miss(outcome: Outcome) -> Optional[str]:
    if outcome.message.level == NONE:
        return "false alarm" if outcome.false_alarm else "question" if outcome.asked_for_nothing else None
    return "missed" if not outcome.caught else "too low" if not outcome.at_full_level else None


def _share(these: Sequence[Outcome], is_so: Callable[[Outcome], bool]) -> str:
    return share(sum(map(is_so, these)), len(these))


def share(count: int, total: int) -> str:
    """Return a share in per cent with its 95 % Wilson interval. `total` is above 0."""
    from scipy.stats import binomtest  # slow to import, and needed here alone

    interval = binomtest(count, total).proportion_ci(method="wilson")
    return f"{100 * count / total:.1f} % ({100 * interval.low:.0f}–{100 * interval.high:.0f})"
