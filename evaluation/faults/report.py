"""What the runs came to, as a table of faults and tiers, and as lines for people. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping, Optional, Sequence

from evaluation.faults.checker import INVARIANTS, Violation
from evaluation.faults.record import Run

SEEDS_SHOWN = 12


@dataclass(frozen=True)
class Result:
    """What came of one run. why_not: why the fault could not be made, where it could not; is_met: it happened."""

    tier: str
    fault: str
    seed: int
    violations: tuple[Violation, ...] = ()
    is_met: bool = False
    why_not: Optional[str] = None
    took_s: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data; `from_dict` reads it."""
        return {**vars(self), "violations": [vars(each) for each in self.violations]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Result":
        return cls(**{**data, "violations": tuple(Violation(**each) for each in data["violations"])})


@dataclass
class Cell:
    """All runs of one fault on one tier. violated: in how many runs each invariant was; slow: the same where only time was lacking, which the machine took."""

    runs: int = 0
    not_met: int = 0
    violated: Counter = field(default_factory=Counter)
    slow: Counter = field(default_factory=Counter)
    why_not: Optional[str] = None

    @property
    def is_good(self) -> bool:
        """True where the fault was there, and nothing was violated."""
        return self.runs > self.not_met and not self.violated and not self.why_not

    def add(self, result: Result) -> None:
        """Count one run."""
        if result.why_not:
            self.why_not = result.why_not
            return
        self.runs += 1
        self.not_met += not result.is_met
        real = {each.invariant for each in result.violations if not each.is_slow}
        self.violated.update(real)
        self.slow.update({each.invariant for each in result.violations} - real)

    def __str__(self) -> str:
        if self.why_not and not self.runs:
            return "not there"
        if not self.runs:
            return "not run"
        found = ", ".join(f"**{invariant} {self.violated[invariant]}**" for invariant in INVARIANTS if self.violated[invariant])
        more = [f"{self.not_met} not met"] * bool(self.not_met) + [f"{sum(self.slow.values())} slow"] * bool(self.slow)
        more += ["some could not be made"] * bool(self.why_not)
        return "; ".join([f"{self.runs}: {found or '–'}", *more])


def cells(results: Sequence[Result]) -> dict[tuple[str, str], Cell]:
    """Return the cells of the table, by fault and tier."""
    found: dict[tuple[str, str], Cell] = defaultdict(Cell)
    for result in results:
        found[result.fault, result.tier].add(result)
    return dict(found)


def table(results: Sequence[Result], faults: Mapping[str, str], tiers: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a table in Markdown. faults: what each does, by name."""
    found = cells(results)
    yield "| fault | " + " | ".join(tiers) + " |"
    yield "|---" * (len(tiers) + 1) + "|"
    for fault in faults:
        row = [found.get((fault, tier)) for tier in tiers]
        if any(row):
            yield f"| `{fault}` | " + " | ".join(str(cell) if cell else "" for cell in row) + " |"
    totals = []
    for tier in tiers:
        of_tier = [cell for (_, name), cell in found.items() if name == tier]
        violated = sum((cell.violated for cell in of_tier), Counter())
        totals.append(f"{sum(cell.runs for cell in of_tier)}: " + (", ".join(f"**{invariant} {violated[invariant]}**" for invariant in INVARIANTS if violated[invariant]) or "–"))
    yield "| all | " + " | ".join(totals) + " |"


def seeds(results: Sequence[Result]) -> Iterator[str]:
    """Yield, for every fault and tier with violations, what was violated and with which seeds."""
    found: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        for kind in sorted({f"{each.invariant} {each.kind}{' (the machine was busy)' if each.is_slow else ''}" for each in result.violations}):
            found[result.fault, result.tier][kind].append(result.seed)
    for (fault, tier), kinds in found.items():
        yield f"- `{fault}` on {tier}: " + "; ".join(f"{kind} ({_shown(of_kind)})" for kind, of_kind in sorted(kinds.items()))


def _shown(of_kind: Sequence[int]) -> str:
    more = f" and {len(of_kind) - SEEDS_SHOWN} more" if len(of_kind) > SEEDS_SHOWN else ""
    return f"seed{'s' * (len(of_kind) > 1)} {', '.join(map(str, sorted(of_kind)[:SEEDS_SHOWN]))}{more}"


def not_there(results: Sequence[Result]) -> Iterator[str]:
    """Yield what could not be made, and why."""
    for reason, places in sorted(_by_reason(results).items()):
        yield f"- {', '.join(sorted(places))}: {reason}"


def _by_reason(results: Sequence[Result]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for result in results:
        if result.why_not:
            found[result.why_not].add(f"`{result.fault}` on {result.tier}")
    return found


def report(results: Sequence[Result], faults: Mapping[str, str], tiers: Sequence[str], day: str, machine: str) -> str:
    """Return the whole report in Markdown."""
    runs = [result for result in results if not result.why_not]
    lines = [
        f"# Faults, {day}",
        "",
        f"{len(runs)} runs, {machine}. `sijbot faults --tier T --fault F --seed S --runs 1` takes one of them again and shows its history.",
        "",
        "A run: three conversations at once, of two to some twenty messages each, one of them of somebody in danger, and one fault in the middle; each message is sent until it is "
        "done, as the page does; then some are sent once more, histories, tables and logs are read, and each conversation is held once more without a fault, which says what there "
        "should be. Cells: runs, and in how many of them an invariant was violated; *not met*: the fault did not happen, which is no pass; *slow*: an answer came too late by no more "
        "than the time for which the processes waited for a processor that something else used.",
        "",
        "I1 answered within 3 s; I2 danger first, within 0.5 s (1.5 s with two replicas); I3 nothing acknowledged is lost; I4 nothing of another's; I5 every effect once.",
        "",
        *table(results, faults, tiers),
        "",
        "## Violations and seeds",
        "",
        *(list(seeds(results)) or ["None."]),
        "",
        "## What could not be made",
        "",
        *(list(not_there(results)) or ["Nothing."]),
        "",
        "## Faults",
        "",
        *(f"- `{name}`: {says}" for name, says in faults.items()),
    ]
    return "\n".join(lines) + "\n"


def history(run: Run) -> Iterator[str]:
    """Yield what happened in a run, for people: its texts are those of scripts.yml."""
    yield f"{run.fault} on {run.tier}, seed {run.seed}: {'met' if run.is_met else 'not met'}"
    for since, until in run.dark:
        yield f"  no process could answer from {since:.2f} to {until:.2f} s"
    for talk in run.talks:
        yield f"{talk.name} ({talk.canary})"
        for number, message in enumerate(talk.messages, 1):
            yield f"  {number}. {'[' * (not message.is_typed)}{message.said}{']' * (not message.is_typed)}{' !' * message.is_urgent}"
            for attempt in message.attempts:
                said = " / ".join(f"{reply.get('kind')}: {str(reply.get('text'))[:60]!r}" for reply in attempt.replies)
                yield f"       {attempt.began_s:6.2f} s, {attempt.ended_s - attempt.began_s:.3f} s: {attempt.status or attempt.lost} {said}"
        places = {message.id: number for number, message in enumerate(talk.messages, 1)}
        if talk.history is not None:
            yield f"  history: {', '.join(str(places.get(exchange.message_id, '?')) for exchange in talk.history)}"
        if talk.stored:
            rows = Counter({table: sum(count for (name, _), count in talk.stored.effects.items() if name == table) for table, _ in talk.stored.effects})
            yield f"  stored: {len(talk.stored.user_texts)} messages; {', '.join(f'{table} {count}' for table, count in sorted(rows.items())) or 'no effects'}"


def is_good(results: Sequence[Result]) -> bool:
    """Return whether every fault was there at least once on every tier that was tried, and nothing was violated."""
    return all(cell.is_good for cell in cells(results).values())
