"""`python -m evaluation.faults`: what `sijbot faults` runs."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from datetime import date
from pathlib import Path
from typing import Optional, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from evaluation.faults.faults import FAULTS
from evaluation.faults.matrix import Plan, plans, results, work_through
from evaluation.faults.report import Result, cells, is_good, not_there, report, seeds, table
from evaluation.faults.tiers import TIERS

ROOT = Path(__file__).resolve().parent.parent.parent
RUNS, JOBS = 16, 2
MANY = 1_000_000


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Take the runs that were asked for, and return 0 where nothing was violated and every fault was met, else 1."""
    parser = argparse.ArgumentParser(prog="sijbot faults", description="Break the assistant on purpose, and look whether anything is lost.")
    parser.add_argument("--tier", action="append", choices=TIERS, help="only this one; may be given again")
    parser.add_argument("--fault", action="append", choices=list(FAULTS), help="only this one; may be given again")
    parser.add_argument("--seed", type=int, default=1, help="of the first run of each fault; the next ones have the numbers behind it")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"of each fault on each tier ({RUNS})")
    parser.add_argument("--sample", type=float, metavar="SECONDS", help="as many runs as fit into this time, over all faults and tiers")
    parser.add_argument("--jobs", type=int, default=JOBS, help=f"how many tiers at a time ({JOBS})")
    parser.add_argument("--report", type=Path, help="where to write the report; a complete run writes evaluation/reports/faults-<date>.md")
    parser.add_argument("--plan", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.plan:
        asyncio.run(work_through(Plan(**json.loads(given.plan)), ROOT))
        return 0
    is_one = given.runs == 1 and len(given.tier or ()) == len(given.fault or ()) == 1
    wanted = plans(given.tier or TIERS, given.fault or list(FAULTS), MANY if given.sample else given.runs, given.seed, given.sample, given.jobs, is_one)
    if not wanted:
        parser.error("none of these faults can be made on these tiers")
    out = Console(highlight=False, soft_wrap=True)
    found = _taken(wanted, given.jobs, out, bool(given.sample))
    if is_one:
        return 0 if is_good(found) else 1
    names = {name: FAULTS[name].says for name in FAULTS if any(result.fault == name for result in found)}
    tiers = [tier for tier in TIERS if any(result.tier == tier for result in found)]
    for line in (*table(found, names, tiers), "", *seeds(found), *not_there(found)):
        out.print(line, markup=False)
    is_complete = not (given.tier or given.fault or given.sample)
    path = given.report or (ROOT / "evaluation" / "reports" / f"faults-{date.today()}.md" if is_complete else None)
    if path:
        path.write_text(report(found, names, tiers, str(date.today()), f"on {os.cpu_count()} processor cores, {given.jobs} tiers at a time"), encoding="utf-8")
        out.print(f"Written: {path}", markup=False)
    return 0 if is_good(found) else 1


def _taken(wanted: Sequence[Plan], jobs: int, out: Console, is_sample: bool) -> list[Result]:
    """Take all runs, and show how far they are."""
    found: list[Result] = []
    total = None if is_sample else sum(len(plan.faults) * plan.runs for plan in wanted)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    shown_at = time.monotonic()
    with Progress(*columns, console=out, disable=not out.is_terminal) as progress:
        task = progress.add_task("runs", total=total)
        for each in results(wanted, jobs, ROOT):
            if isinstance(each, str):
                out.print(each, markup=False)
                continue
            found.append(each)
            violated = sum(bool(cell.violated) for cell in cells(found).values())
            progress.update(task, advance=1, description=f"{each.tier} {each.fault}, violations in {violated} cells")
            if not out.is_terminal and time.monotonic() - shown_at > 60:
                shown_at = time.monotonic()
                out.print(f"{len(found)}{f' of {total}' if total else ''} runs, violations in {violated} cells", markup=False)
    return found


if __name__ == "__main__":
    sys.exit(main())
