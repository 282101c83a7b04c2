"""What a load measurement makes of what it saw: times from the moment at which a message was typed, what went wrong, and what became of what was acknowledged."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Iterable, Mapping, Optional, Sequence

ANSWERED, SHED, NOBODY = "200", "429", "nobody there"  # what came of a try; anything else is its status, with what is wrong about it
PATIENCE_S = 3.0  # of the promise: an answer within it, or somebody was failed
WINDOW_S = 10.0
LEAST_FOR_A_SLOPE = 10


@dataclass(frozen=True)
class Outcome:
    """What came of one request of a person. Moments are in seconds from the beginning.

    due_s: when it was typed; sent_s: when it went out, which is later where the answer to the one before was not there; first_s: when the first answer with a sentence came, of whatever kind; done_s: the
    final one. None: never. tries: what came of each. has_card: whether a hand-off stood in the first answer. lag_s: by how much the generator itself was late, where nothing else held the message up.
    """

    person: int
    kind: str
    due_s: float
    sent_s: Optional[float]
    first_s: Optional[float]
    done_s: Optional[float]
    tries: tuple[str, ...]
    has_card: bool = False
    lag_s: Optional[float] = None

    @property
    def is_failure_seen(self) -> bool:
        """Whether the person saw something fail: a refusal, nobody there, or no answer in time."""
        return self.sent_s is None or self.done_s is None or self.done_s - self.sent_s > PATIENCE_S or any(each != ANSWERED for each in self.tries)


@dataclass(frozen=True)
class Kept:
    """A conversation at the end: what was sent, what of it was acknowledged in this order, what its history holds (None: cannot be read), in how many the replies are others than those that came.

    is_erased: the person had it erased.
    """

    sent: tuple[str, ...]
    acknowledged: tuple[str, ...]
    history: Optional[tuple[str, ...]]
    different: int = 0
    is_erased: bool = False


@dataclass(frozen=True)
class Losses:
    """Of all conversations: how many were compared, and what is wrong in them, in messages. unreadable: conversations whose history did not come."""

    conversations: int = 0
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    out_of_order: int = 0
    different: int = 0
    strange: int = 0
    left_after_erasing: int = 0
    unreadable: int = 0

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.out_of_order or self.different or self.strange or self.left_after_erasing or self.unreadable)


def losses(conversations: Iterable[Kept]) -> Losses:
    """Return what was lost, doubled, swapped or mixed up. A message that was sent and never acknowledged may stand in the history or not."""
    total: Counter[str] = Counter()
    for kept in conversations:
        total["conversations"] += 1
        if kept.is_erased:
            total["left_after_erasing"] += len(set(kept.history or ()) & set(kept.sent))
            continue
        if kept.history is None:
            total["unreadable"] += 1
            continue
        times, acknowledged = Counter(kept.history), set(kept.acknowledged)
        total["acknowledged"] += len(kept.acknowledged)
        total["lost"] += len(acknowledged - set(times))
        total["doubled"] += sum(count - 1 for count in times.values())
        total["out_of_order"] += _moved(list(kept.acknowledged), [each for each in dict.fromkeys(kept.history) if each in acknowledged])
        total["strange"] += len(set(times) - set(kept.sent))
        total["different"] += kept.different
    return Losses(**total)


def _moved(wanted: Sequence[str], found: Sequence[str]) -> int:
    """Return how many of the messages that are in both stand behind one that came after them."""
    place = {each: number for number, each in enumerate(wanted)}
    latest, moved = -1, 0
    for each in found:
        moved += place[each] < latest
        latest = max(latest, place[each])
    return moved


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest of the values that at least this share of them do not exceed; NaN of none. Infinity stands for what never came."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)] if values else math.nan


def waited_s(begun_s: Optional[float], ended_s: Optional[float]) -> float:
    """Return how long it took; infinity for what never ended or never began."""
    return math.inf if begun_s is None or ended_s is None else ended_s - begun_s


def final_times_s(outcomes: Iterable[Outcome]) -> list[float]:
    """Return the times from the moment of typing to the final answer."""
    return [waited_s(outcome.due_s, outcome.done_s) for outcome in outcomes]


def first_times_s(outcomes: Iterable[Outcome]) -> list[float]:
    """Return the times from the moment of typing to the first answer with a sentence, also one that refuses."""
    return [waited_s(outcome.due_s, outcome.first_s) for outcome in outcomes]


def served_times_s(outcomes: Iterable[Outcome]) -> list[float]:
    """Return the times from the moment at which the page sent it to the first answer with a sentence: what the server alone is responsible for."""
    return [waited_s(outcome.sent_s, outcome.first_s) for outcome in outcomes]


def tries_of(outcomes: Iterable[Outcome]) -> Counter[str]:
    """Return how often each thing came of a try."""
    return Counter(each for outcome in outcomes for each in outcome.tries)


def error_count(tries: Mapping[str, int]) -> int:
    """Return how many tries were neither answered nor shed with a sentence."""
    return sum(count for what, count in tries.items() if what not in (ANSWERED, SHED))


def slope(points: Sequence[tuple[float, float]]) -> Optional[float]:
    """Return by how much the second rises for one of the first (least squares), or None where the first hardly changes."""
    if len(points) < LEAST_FOR_A_SLOPE:
        return None
    mean_x, mean_y = (sum(values) / len(points) for values in zip(*points))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else None


def windows(outcomes: Iterable[Outcome], seconds: float) -> list[list[Outcome]]:
    """Return the outcomes by the ten seconds in which they were typed."""
    parts: list[list[Outcome]] = [[] for _ in range(max(1, math.ceil(seconds / WINDOW_S)))]
    for outcome in outcomes:
        parts[min(len(parts) - 1, int(outcome.due_s / WINDOW_S))].append(outcome)
    return parts
