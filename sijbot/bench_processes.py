"""What processes use, from /proc: CPU seconds and memory of each with all that it started."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Callable, Iterable, Mapping, Optional

PROC = Path("/proc")
GOES_FIRST = -10  # added to the niceness of a process
_PARENT, _TIMES = 1, slice(11, 15)  # in /proc/PID/stat, behind the name: the parent, then CPU ticks of its own (user, system) and of its children that ended


def tree(pid: int) -> list[int]:
    """Return a process and all that came from it and are there."""
    children: dict[int, list[int]] = {}
    for path in PROC.glob("[0-9]*"):
        fields = _stat(int(path.name))
        if fields:
            children.setdefault(int(fields[_PARENT]), []).append(int(path.name))
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that a process and all that came from it have used, also those that ended; 0 where it is gone."""
    ticks = sum(int(ticks) for each in tree(pid) for ticks in (_stat(each) or [])[_TIMES])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """Return the memory of a process and all that came from it in megabytes: what they share is counted once, as the kernel divides it (PSS)."""
    return sum(_proportional_kb(each) for each in tree(pid)) / 1024


def resident_mb(pid: int) -> float:
    """Return the memory of one process in megabytes, shared or not (RSS), which is quick to ask for; 0 where it is gone."""
    try:
        pages = int((PROC / str(pid) / "statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def bound_to(cores: Optional[Iterable[int]], goes_first: bool = False) -> Optional[Callable[[], None]]:
    """Return what a new process calls to stay on these cores, with all that comes from it. goes_first: whether the others wait for it where there are too few cores, as far as its rights go. None where there is nothing to do."""
    chosen = set(cores or ())

    def bind() -> None:
        if chosen:
            os.sched_setaffinity(0, chosen)
        if goes_first:
            with suppress(PermissionError):
                os.nice(GOES_FIRST)

    return bind if chosen or goes_first else None


class Meter:
    """Adds up what the processes of each role use, also where one ends and another takes its place. roots: by role, what returns the first processes of it."""

    def __init__(self, roots: Mapping[str, Callable[[], Iterable[int]]]) -> None:
        self._roots = roots
        self._cpu_s: dict[tuple[str, int], float] = {}
        self._before_s: dict[tuple[str, int], float] = {}

    def begin(self) -> None:
        """Count from here on."""
        self.sample()
        self._before_s = dict(self._cpu_s)

    def sample(self) -> None:
        """Look at all of them: of one that ends, what it used after the last look is lost."""
        for role, roots in self._roots.items():
            for pid in roots():
                self._cpu_s[role, pid] = max(cpu_s(pid), self._cpu_s.get((role, pid), 0.0))

    def used_s(self, role: str) -> float:
        """Return the CPU seconds of a role since the beginning, up to the last look."""
        return sum(used_s - self._before_s.get((name, pid), 0.0) for (name, pid), used_s in self._cpu_s.items() if name == role)

    def memory_mb(self) -> dict[str, list[float]]:
        """Return the memory of each first process with what came from it, by role."""
        return {role: [memory_mb(pid) for pid in roots()] for role, roots in self._roots.items()}


def _stat(pid: int) -> Optional[list[str]]:
    try:
        return (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:  # it ended meanwhile
        return None


def _proportional_kb(pid: int) -> int:
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
