"""From what may be offered to the exercises of one session: which, in which posture, how much."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional, Sequence

from sijbot.coaching.programme import Person, Standing, offers, suited_to
from sijbot.content.model import Amount, Content, ProgrammeNumbers

MINUTES_OFFERED = (5, 10, 15)
SECONDS_A_MINUTE = 60
UPRIGHT = ("sitting", "standing", "walking")
ALWAYS_AT_HAND = ("chair", "counter")
_WHOLE = 100


@dataclass(frozen=True)
class Item:
    """One exercise of a plan: in which posture, how many rounds of how much, and at which level."""

    exercise: str
    posture: str
    rounds: int
    count: int
    level: int = 0


def planned(
    content: Content, person: Person, phase: str, standing: Standing, minutes: int, postures: Optional[frozenset[str]] = None, equipment: frozenset[str] = frozenset(),
) -> tuple[Item, ...]:  # fmt: skip
    """Return the exercises of a session, what suits the person first and in the order of the phase, one round each, as many as fit in the minutes, the first always; rounds are added where time is left.

    postures: those that are possible now; None: all. What was dropped for now is left out, and what was done before stands at its level.
    """
    found = [offer for offer in offers(content, person, phase, postures, equipment.union(ALWAYS_AT_HAND)) if offer.exercise not in standing.left_out]
    found.sort(key=lambda offer: suited_to(content, person, offer.exercise) is None)  # what suits the person first, else in the order of the phase
    numbers, left = content.programme.numbers, minutes * SECONDS_A_MINUTE
    plan: list[Item] = []
    for offer in found:
        amount, level = content.exercises[offer.exercise].amount, standing.levels.get(offer.exercise, 0)
        count = count_at(amount, level, standing.percent)
        if amount.unit == "minutes":  # of walking there may be less
            count = max(numbers.fewest_minutes, min(count, (left - numbers.seconds_between) // SECONDS_A_MINUTE))
        item = Item(offer.exercise, offer.postures[0], 1, count, level)
        takes = numbers.seconds_between + seconds_of(numbers, amount, item.count)
        if not plan or takes <= left:
            plan.append(item)
            left -= takes
    for place, item in enumerate(plan):
        amount = content.exercises[item.exercise].amount
        most = amount.rounds if standing.percent == _WHOLE and item.level >= 0 else 1
        while plan[place].rounds < most and seconds_of(numbers, amount, item.count) <= left:
            plan[place] = replace(plan[place], rounds=plan[place].rounds + 1)
            left -= seconds_of(numbers, amount, item.count)
    return tuple(plan)


def minutes_of(content: Content, plan: Sequence[Item]) -> int:
    """Return how long a plan takes, in whole minutes, one at least."""
    numbers = content.programme.numbers
    seconds = sum(numbers.seconds_between + item.rounds * seconds_of(numbers, content.exercises[item.exercise].amount, item.count) for item in plan)
    return max(1, round(seconds / SECONDS_A_MINUTE))


def count_at(amount: Amount, level: int, percent: int = _WHOLE) -> int:
    """Return how many times, breaths or minutes of an exercise at a level: the smallest amount at 0, one more a level, one less below; never more than its most, nor less than one."""
    return max(1, min(amount.most, amount.least + level) * percent // _WHOLE)


def seconds_of(numbers: ProgrammeNumbers, amount: Amount, count: int) -> int:
    """Return how long one round takes, in seconds."""
    if amount.unit == "minutes":
        return count * SECONDS_A_MINUTE
    each = (amount.hold_s or numbers.seconds_each) + (amount.rest_s or 0)
    return count * each * (2 if amount.each_side else 1)
