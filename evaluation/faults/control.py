"""How the harness tells a running process to break, and learns that it did: files of one folder, since a process with a full disk can still link a name."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Optional, Sequence

from evaluation.faults.points import Instead

KILL, STOP, RAISE, HANG, NONSENSE = KINDS = ("kill", "stop", "raise", "hang", "nonsense")
ONCE = (KILL, STOP)  # the others last for as long as they are armed
HANG_S = 5.0
NONSENSES = (None, [], "nonsense", {"events": None}, {"responses": "nonsense", "events": [{}]}, {})
_CLOCK_READ_EVERY_S = 0.02


class Broken(Exception):
    """What a broken function raises."""


@dataclass(frozen=True)
class Break:
    """At the nth time that a point is reached since this was armed, do this. value: which of NONSENSES."""

    point: str
    kind: str
    nth: int = 1
    value: int = 0

    @classmethod
    def parse(cls, text: str) -> "Break":
        """Return the break of POINT:KIND[:NTH].

        Raises: ValueError that says what is wrong.
        """
        point, _, rest = text.partition(":")
        kind, _, nth = rest.partition(":")
        if kind not in KINDS or not (nth or "1").isdigit() or nth == "0":
            raise ValueError(f"'{text}' is not POINT:KIND[:NTH] with a kind of {', '.join(KINDS)} and a number from 1")
        return cls(point, kind, int(nth or 1))


class Control:
    """The harness's side."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def arm(self, *breaks: Break) -> None:
        """Break the next process that reaches one of these, until `disarm`; a process is ended or stopped once."""
        self.disarm()
        wanted = self.folder / "wanted"
        wanted.write_text(json.dumps({"id": time.monotonic_ns(), "breaks": [asdict(each) for each in breaks]}), encoding="utf-8")
        wanted.replace(self.folder / "armed")

    def disarm(self) -> None:
        """Take back what is armed, and what is known of it."""
        for name in ("armed", "met"):
            (self.folder / name).unlink(missing_ok=True)

    @property
    def met_at(self) -> Optional[float]:
        """When a process reached what is armed, as `time.time`; None: none did."""
        try:
            return os.stat(self.folder / "met").st_ctime
        except FileNotFoundError:
            return None

    def move_clock(self, by_s: float) -> None:
        """Let the clocks of all processes go wrong by so much; 0 puts them right."""
        wanted = self.folder / "clock_wanted"
        wanted.write_text(str(by_s), encoding="ascii")
        wanted.replace(self.folder / "clock")


class Breaker:
    """The side of the process that is to be broken. armed: at its start; more come by the folder, where there is one."""

    def __init__(self, folder: Optional[Path] = None, armed: Sequence[Break] = ()) -> None:
        self._folder, self._armed, self._id = folder, list(armed), 0
        self._reached: dict[str, int] = {}
        self._clock_read_at, self._moved_s = float("-inf"), 0.0

    def use(self, folder: Path) -> None:
        """Take orders from this folder from now on."""
        self._folder = folder

    def act(self, point: str) -> Optional[Instead]:
        """Do what is armed for a point that was reached.

        Raises: Broken, where that is it.
        """
        self._read()
        for each in self._armed:
            if each.point != point:
                continue
            self._reached[point] = self._reached.get(point, 0) + 1
            is_due = self._reached[point] == each.nth if each.kind in ONCE else self._reached[point] >= each.nth
            if is_due and (self._claimed() or each.kind not in ONCE):
                return self._done(each)
        return None

    def _read(self) -> None:
        if self._folder is None:
            return
        try:
            order = json.loads((self._folder / "armed").read_bytes())
        except FileNotFoundError:
            self._armed = [] if self._id else self._armed
            return
        if order["id"] != self._id:
            self._id, self._armed, self._reached = order["id"], [Break(**each) for each in order["breaks"]], {}

    def _claimed(self) -> bool:
        """Return whether this process is the first one to reach what is armed, which the harness then knows."""
        if self._folder is None or not self._id:
            return True
        try:
            os.link(self._folder / "armed", self._folder / "met")
        except (FileExistsError, FileNotFoundError):  # another one was first; or it was taken back just now
            return False
        return True

    @staticmethod
    def _done(each: Break) -> Optional[Instead]:
        if each.kind == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        elif each.kind == STOP:
            os.kill(os.getpid(), signal.SIGSTOP)
        elif each.kind == RAISE:
            raise Broken(each.point)
        elif each.kind == HANG:
            time.sleep(HANG_S)
        else:
            return Instead(NONSENSES[each.value % len(NONSENSES)])
        return None

    def moved_s(self) -> float:
        """Return by how much the clock of this process is to be wrong."""
        now_s = time.monotonic()
        if self._folder is not None and now_s - self._clock_read_at > _CLOCK_READ_EVERY_S:
            self._clock_read_at = now_s
            try:
                self._moved_s = float((self._folder / "clock").read_text(encoding="ascii"))
            except FileNotFoundError:
                self._moved_s = 0.0
        return self._moved_s
