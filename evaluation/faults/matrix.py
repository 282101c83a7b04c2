"""Takes many runs: each tier in a process of its own, some of these at a time."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Queue
from typing import Iterator, Optional, Sequence

from evaluation.faults.checker import ANSWERED, Violation
from evaluation.faults.databases import CannotBreak
from evaluation.faults.faults import FAULTS
from evaluation.faults.processes import NoNursery, NotReady
from evaluation.faults.report import Result, history
from evaluation.faults.runs import take
from evaluation.faults.tiers import Tier, new_tier

STARTS_AT_MOST = 3  # of a tier, in a row
SAMPLE_TRIES = 3  # of a fault that was not met in a sample


@dataclass(frozen=True)
class Plan:
    """What is taken on one tier: every fault so often, with the seeds from `seed` on. for_s: or as much of it as fits into so many seconds, in an order that the seed gives."""

    tier: str
    faults: Sequence[str]
    runs: int
    seed: int
    for_s: Optional[float] = None
    shows: bool = False  # the history of each run, for people

    def jobs(self) -> Iterator[tuple[str, int]]:
        """Yield (fault, seed): all faults once, then all of them with the next seed."""
        rng = random.Random(self.seed)
        for number in range(self.runs):
            yield from ((fault, self.seed + number) for fault in (rng.sample(self.faults, len(self.faults)) if self.for_s else self.faults))


def plans(tiers: Sequence[str], faults: Sequence[str], runs: int, seed: int, sample_s: Optional[float], at_a_time: int, shows: bool) -> list[Plan]:
    """Return a plan for each tier on which any of the faults can be made. sample_s: for all of it, with so many tiers at a time."""
    found = {tier: [name for name in faults if tier in FAULTS[name].tiers] for tier in tiers}
    used = {tier: names for tier, names in found.items() if names}
    rounds = -(-len(used) // at_a_time) if used else 1
    return [Plan(tier, names, runs, seed, sample_s / rounds if sample_s else None, shows) for tier, names in used.items()]


def results(wanted: Sequence[Plan], at_a_time: int, root: Path) -> Iterator[Result | str]:
    """Yield every result as it comes, and lines for people."""
    queue: Queue = Queue()
    waiting, running = list(wanted), 0
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                if not waiting:
                    break
                plan = waiting.pop(0)
            _one(plan, root, queue)
        queue.put(None)

    for _ in range(min(at_a_time, len(wanted))):
        threading.Thread(target=work, daemon=True).start()
        running += 1
    while running:
        found = queue.get()
        if found is None:
            running -= 1
        else:
            yield found


def _one(plan: Plan, root: Path, queue: Queue) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "evaluation.faults", "--plan", json.dumps(asdict(plan))]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
        for line in process.stdout:
            if line.startswith("{"):
                queue.put(Result.from_dict(json.loads(line)))
            else:
                queue.put(line.rstrip("\n"))
    if process.returncode != 0:
        queue.put(f"{plan.tier}: the runs ended with code {process.returncode}")
        queue.put(Result(plan.tier, plan.faults[0], plan.seed, why_not=f"the runs on {plan.tier} ended with code {process.returncode}"))


async def work_through(plan: Plan, root: Path) -> None:
    """Take the runs of a plan, and print a line of JSON for each."""
    tier: Optional[Tier] = None
    try:
        tier = await _started(plan, root)
        until = time.monotonic() + plan.for_s if plan.for_s else None
        for fault, seed in plan.jobs():
            if until and time.monotonic() > until:
                break
            for number in range(SAMPLE_TRIES if plan.for_s else 1):
                result, is_whole = await _taken(tier, fault, seed + number * plan.runs, plan.shows)
                print(json.dumps(result.to_dict()), flush=True)
                if not is_whole:
                    await tier.close()
                    tier = await _started(plan, root)
                if result.is_met or result.why_not:
                    break
    except CannotBreak as reason:
        for fault in plan.faults:
            print(json.dumps(Result(plan.tier, fault, plan.seed, why_not=str(reason)).to_dict()), flush=True)
    finally:
        if tier:
            await tier.close()


async def _started(plan: Plan, root: Path) -> Tier:
    for number in range(STARTS_AT_MOST):
        tier = new_tier(plan.tier, root)
        try:
            await tier.start()
            return tier
        except (NotReady, NoNursery) as fault:
            await tier.close()
            print(f"{plan.tier}: {fault}", flush=True)
        except BaseException:
            await tier.close()
            raise
    raise SystemExit(f"{plan.tier}: did not start {STARTS_AT_MOST} times")


async def _taken(tier: Tier, fault: str, seed: int, shows: bool) -> tuple[Result, bool]:
    """Return what came of a run, and whether the tier can go on."""
    try:
        result, run = await take(tier, FAULTS[fault], seed)
    except NotReady as reason:
        print(f"{tier.name}, {fault}, seed {seed}: {reason}", flush=True)
        found = Violation(ANSWERED, "does not come back", "after the fault, not all processes came back")
        return Result(tier.name, fault, seed, (found,), True), False
    except Exception as error:  # of the harness: the other runs go on, and this one is no pass
        print("".join(traceback.format_exception(error)), flush=True)
        return Result(tier.name, fault, seed, why_not=f"the harness failed: {type(error).__name__}"), False
    if shows and run:
        print("\n".join(history(run)), flush=True)
        print("\n".join(map(str, result.violations)) or "Nothing was violated.", flush=True)
    return result, True
