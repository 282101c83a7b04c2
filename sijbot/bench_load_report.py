"""The report of a load measurement: its figures as lines, as a page with a picture, and as a row of the table in docs/load.md."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Iterable, Iterator, Mapping, Optional, Sequence

from sijbot.bench_load_figures import (
    ANSWERED, PATIENCE_S, SHED, WINDOW_S, Losses, Outcome, error_count, final_times_s, first_times_s, percentile, served_times_s, tries_of, windows,
)  # fmt: skip
from sijbot.bench_load_plan import BOT, DANGER, DANGER_SHARE, FEWEST_MESSAGES, KINDS, LONG_CHARACTERS, LONG_SHARE, MOST_MESSAGES, OPENED, POSTGRESQL, RELOADED, ROLES, THINK_S, Load

FOLDER = Path("evaluation") / "reports"
TABLE = Path("docs") / "load.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
COLUMNS = ("run", "date", "messages", "p50", "p95", "p99", "longest", "danger texts, first answer: p99", "errors", "shed", "failures seen", "lost, doubled, swapped", "turns per core-second", "MB per 10,000 conversations")
FAILURES = "messages whose person saw something fail"
SIZE_INCHES, DOTS_PER_INCH = (9.0, 8.0), 110
BLUE, ORANGE, RED, GREY = "#2b5c8a", "#c77f1a", "#b3261e", "#8a949c"


@dataclass(frozen=True)
class Measured:
    """All of one measurement. cpu_s: by role; memory in megabytes, by role and process; mb_per_10000: of all replicas together; None where it cannot be told; events: (second, what)."""

    load: Load
    date: date
    machine: str
    where: str
    outcomes: Sequence[Outcome]
    losses: Losses
    cpu_s: Mapping[str, float]
    elapsed_s: float
    memory_before_mb: Mapping[str, Sequence[float]]
    memory_after_mb: Mapping[str, Sequence[float]]
    mb_per_10000: Optional[float]
    conversations: int
    bytes_per_conversation: float
    events: tuple[tuple[float, str], ...] = ()

    @property
    def name(self) -> str:
        load = self.load
        parts = [f"{load.users:,} users" + (f" × {load.factor}" if load.factor > 1 else ""), f"{load.minutes:g} min", f"{load.replicas} replica" + ("s" if load.replicas > 1 else ""), load.database]
        return ", ".join(parts + ([f"{load.restart.replace('_', '-')} restart"] if load.restart else []))

    @property
    def file_stem(self) -> str:
        load = self.load
        marks = (f"x{load.factor}" if load.factor > 1 else "", load.restart or "", load.database if load.database != POSTGRESQL else "", f"{load.users}" if load.users != Load.users else "")
        return "-".join(["load", self.date.isoformat(), *filter(None, marks)])

    @property
    def messages(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.kind in KINDS]

    @property
    def dangers(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.kind == DANGER]

    @property
    def turns(self) -> int:
        return sum(outcome.done_s is not None for outcome in self.messages)

    @property
    def turns_per_core_second(self) -> float:
        return self.turns / self.cpu_s[BOT] if self.cpu_s[BOT] else math.nan


def lines(measured: Measured) -> Iterator[str]:
    """Yield the figures as the command prints them."""
    yield from _header(measured)
    yield ""
    yield from _table(("times in ms", "how many", "p50", "p95", "p99", "longest"), _time_rows(measured))
    yield ""
    yield from _facts(measured)


def write_report(measured: Measured, folder: Path, root: Path) -> list[Path]:
    """Write the page and its picture into the folder and return their paths; where it is the project's own, also the row in docs/load.md."""
    folder.mkdir(parents=True, exist_ok=True)
    page, picture = folder / f"{measured.file_stem}.md", folder / f"{measured.file_stem}.png"
    picture.write_bytes(drawn(measured))
    page.write_text("\n".join(_page(measured, picture.name)) + "\n", encoding="utf-8")
    if folder.resolve() != (root / FOLDER).resolve():
        return [page, picture]
    table = root / TABLE
    table.write_text(with_row(table.read_text(encoding="utf-8"), row(measured)), encoding="utf-8")
    return [page, picture, table]


def _page(measured: Measured, picture: str) -> Iterator[str]:
    yield f"# Load, {measured.date.isoformat()}: {measured.name}"
    yield ""
    yield "Written by `sijbot bench --load`; what is measured and how: docs/load.md."
    yield ""
    yield from (f"- {line}" for line in _header(measured))
    yield ""
    yield f"![latency, requests and errors over time]({picture})"
    yield ""
    yield from _table(("times in ms", "how many", "p50", "p95", "p99", "longest"), _time_rows(measured))
    yield ""
    yield from (f"- {line}" for line in _facts(measured))


def _header(measured: Measured) -> Iterator[str]:
    load = measured.load
    yield f"{load.users * load.factor:,} people at a time for {load.minutes:g} minutes, each typing a message every {THINK_S:.0f} s in the mean (a Poisson process, fixed beforehand by seed {load.seed}), {FEWEST_MESSAGES}–{MOST_MESSAGES} messages each"
    yield f"{DANGER_SHARE:.0%} of the messages are danger texts, {LONG_SHARE:.0%} of them longer than {LONG_CHARACTERS} characters"
    yield f"{load.replicas} × `sijbot run`" + (", nginx in front" if load.replicas > 1 else "") + f", {load.database}, on {measured.machine}"
    yield measured.where


def _time_rows(measured: Measured) -> Iterator[Sequence[str]]:
    """Yield (what, how many, p50, p95, p99, longest), all from the moment of typing but where it says otherwise."""
    messages, dangers = measured.messages, measured.dangers
    yield _time_row("**all messages, until the answer**", final_times_s(messages))
    yield _time_row("all messages, until the first answer of any kind", first_times_s(messages))
    yield _time_row("**danger texts, until the first answer**", first_times_s(dangers))
    yield _time_row("danger texts, until the first answer, from when the page sent it", served_times_s(dangers))
    for kind in (*KINDS, OPENED, RELOADED):
        times_s = final_times_s(outcome for outcome in measured.outcomes if outcome.kind == kind)
        if times_s:
            yield _time_row(f"{kind}, until the answer", times_s)


def _time_row(name: str, times_s: Sequence[float]) -> Sequence[str]:
    return (name, f"{len(times_s):,}", *(_ms(percentile(times_s, share)) for share in (0.5, 0.95, 0.99, 1.0)))


def _facts(measured: Measured) -> Iterator[str]:
    messages, lost = measured.messages, measured.losses
    tries = tries_of(measured.outcomes)
    strange = ", ".join(f"{what}: {count}" for what, count in sorted(tries.items()) if what not in (ANSWERED, SHED))
    yield f"{len(messages):,} messages typed, {measured.turns:,} answered ({measured.turns / measured.elapsed_s:.1f} a second), {sum(outcome.done_s is None for outcome in messages):,} never"
    yield f"errors: {error_count(tries):,}" + (f" ({strange})" if strange else "") + f"; shed (429 with a sentence): {tries[SHED]:,}, of {sum(tries.values()):,} tries of all requests"
    heard = [outcome.has_card for outcome in measured.dangers if outcome.first_s is not None]
    refused = [outcome.has_card for outcome in measured.dangers if outcome.first_s is not None and outcome.tries[0] != ANSWERED]
    yield f"danger texts: {len(measured.dangers):,}, of which {len(heard):,} got an answer of any kind, {sum(heard):,} of these with a hand-off; {len(refused):,} were refused at first, {sum(refused):,} of these with a hand-off"
    yield f"{FAILURES} (a refusal, nobody there, or no answer within {PATIENCE_S:.0f} s of sending): {sum(outcome.is_failure_seen for outcome in messages):,}"
    yield (
        f"{lost.acknowledged:,} acknowledged messages of {lost.conversations:,} conversations compared with their history: {lost.lost} lost, {lost.doubled} doubled, {lost.out_of_order} out of order, "
        f"{lost.different} with other replies, {lost.strange} of somebody else, {lost.left_after_erasing} left after erasing; {lost.unreadable} conversations could not be read"
    )
    yield f"turns per core-second of the bot: {measured.turns_per_core_second:.1f}; CPU seconds in {measured.elapsed_s:.0f} s: " + ", ".join(
        f"{role} {measured.cpu_s[role]:.0f} ({measured.cpu_s[role] / measured.elapsed_s:.0%} of a core)" for role in ROLES if measured.cpu_s.get(role)
    )
    yield "memory in MB, what is shared counted once, before → after: " + "; ".join(
        f"{role} {' + '.join(f'{mb:.0f}' for mb in measured.memory_before_mb[role]) or '–'} → {' + '.join(f'{mb:.0f}' for mb in measured.memory_after_mb[role])}" for role in ROLES if measured.memory_after_mb.get(role)
    )
    yield f"memory per 10,000 conversations, all replicas: {_number(measured.mb_per_10000)} MB (slope in the second half of the time; of {measured.conversations:,} conversations)"
    yield f"in the database: {measured.bytes_per_conversation / 1024:.1f} KiB a conversation"
    lags = [outcome.lag_s for outcome in measured.outcomes if outcome.lag_s is not None]
    yield f"the generator itself was late by p50 {_ms(percentile(lags, 0.5))}, p99 {_ms(percentile(lags, 0.99))}, at most {_ms(percentile(lags, 1.0))} ms, which stands in the times above"
    yield from (f"at {at_s:.1f} s: {what}" for at_s, what in measured.events)


def row(measured: Measured) -> Sequence[str]:
    """Return the row of the table in docs/load.md; its first entry says which run it is."""
    times, lost, tries = final_times_s(measured.messages), measured.losses, tries_of(measured.outcomes)
    return (
        measured.name, measured.date.isoformat(), f"{len(measured.messages):,}", *(_with_unit(percentile(times, share)) for share in (0.5, 0.95, 0.99, 1.0)),
        _with_unit(percentile(first_times_s(measured.dangers), 0.99)), f"{error_count(tries):,}", f"{tries[SHED]:,}", f"{sum(outcome.is_failure_seen for outcome in measured.messages):,}",
        f"{lost.lost}, {lost.doubled}, {lost.out_of_order}", f"{measured.turns_per_core_second:.1f}", _number(measured.mb_per_10000),
    )  # fmt: skip


def with_row(text: str, new: Sequence[str]) -> str:
    """Return a page whose table of figures holds the row, in place of one of the same run if there is one.

    Raises: ValueError, where the page has no place for the table.
    """
    found = re.search(f"{re.escape(BEGIN)}\n(.*?){re.escape(END)}", text, re.DOTALL)
    if found is None:
        raise ValueError(f"{TABLE}: holds no '{BEGIN}' … '{END}' for the figures")
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in found[1].splitlines()[2:]]
    rows = [list(new) if each[0] == new[0] else each for each in rows]
    rows += [] if list(new) in rows else [list(new)]
    return text[: found.start()] + "\n".join([BEGIN, *_table(COLUMNS, rows), END]) + text[found.end() :]


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    yield from (f"| {' | '.join(cells)} |" for cells in rows)


def _ms(seconds: float) -> str:
    if math.isnan(seconds):
        return "–"
    return "never" if math.isinf(seconds) else f"{seconds * 1000:,.0f}"


def _with_unit(seconds: float) -> str:
    return f"{_ms(seconds)} ms" if math.isfinite(seconds) else _ms(seconds)


def _number(value: Optional[float]) -> str:
    return "–" if value is None else f"{value:.0f}"


def drawn(measured: Measured) -> bytes:
    """Return the picture: how long messages waited, how many there were and how many went wrong, in steps of ten seconds by the moment of typing."""
    import io

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    FigureCanvasAgg(figure)
    waits, counts, wrong = figure.subplots(3, 1, sharex=True)
    parts = windows(measured.messages, measured.load.seconds)
    at_s = [(number + 0.5) * WINDOW_S for number in range(len(parts))]
    ceiling_ms = measured.elapsed_s * 1000
    for share, colour, style in ((0.5, BLUE, "-"), (0.95, BLUE, "--"), (0.99, BLUE, ":")):
        waits.plot(at_s, [_shown_ms(final_times_s(part), share, ceiling_ms) for part in parts], color=colour, linestyle=style, label=f"answer, p{share * 100:.0f}")
    dangers = [[outcome for outcome in part if outcome.kind == DANGER] for part in parts]
    waits.plot(at_s, [_shown_ms(first_times_s(part), 1.0, ceiling_ms) for part in dangers], color=RED, marker="^", markersize=4, linestyle="none", label="danger text, first answer, longest")
    waits.set_yscale("log")
    waits.yaxis.set_major_formatter("{x:g}")
    waits.set_ylabel("ms from typing")
    counts.plot(at_s, [len(part) / WINDOW_S for part in parts], color=GREY, label="typed")
    counts.plot(at_s, [sum(outcome.done_s is not None for outcome in part) / WINDOW_S for part in parts], color=BLUE, linestyle="--", label="of these answered")
    counts.set_ylabel("messages a second")
    counts.set_ylim(bottom=0)
    wrong.plot(at_s, [tries_of(part)[SHED] / WINDOW_S for part in parts], color=ORANGE, label="shed (429)")
    wrong.plot(at_s, [error_count(tries_of(part)) / WINDOW_S for part in parts], color=RED, linestyle="--", label="errors")
    wrong.set_ylabel("tries a second")
    wrong.set_xlabel("seconds from the beginning")
    wrong.set_ylim(0, max(1.0, wrong.get_ylim()[1]))
    for axes in (waits, counts, wrong):
        for event_s, _ in measured.events:
            axes.axvline(event_s, color=GREY, linewidth=0.8, linestyle=":")
        axes.grid(alpha=0.25)
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4, fontsize=8, frameon=False)
    figure.suptitle(measured.name)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return picture.getvalue()


def _shown_ms(times_s: Sequence[float], share: float, ceiling_ms: float) -> float:
    """Return the percentile in ms, at most the ceiling: what never came stands at the top."""
    return min(percentile(times_s, share) * 1000, ceiling_ms) if times_s else math.nan
