"""Processes under test: started from a nursery, looked after as a supervisor does, and read."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import MappingProxyType
from typing import Any, Callable, Mapping, Optional, Sequence

import aiohttp

from evaluation.faults.control import Control
from evaluation.faults.under_test import ORDER_BYTES

NURSERY_S = 240.0  # to import everything, on a machine that does other things too
LIVE_S, PROBE_S, PROBE_EVERY_S = 60.0, 0.5, 0.02
END_S = 10.0  # for a process that was asked to end
AGAIN_S = 0.2  # before a process that ended is started again


class NotReady(Exception):
    """What is needed for the runs did not start; the message says what, and how it ended."""


class NoNursery(Exception):
    """The harness's own process has ended, which says nothing of the product."""


class Log:
    """Reads what a process prints from a pipe: a file could not be written where its disk is full."""

    def __init__(self) -> None:
        self._read, self.write = os.pipe()
        self._text = bytearray()
        threading.Thread(target=self._collect, daemon=True).start()

    def _collect(self) -> None:
        while chunk := os.read(self._read, 65536):
            self._text += chunk
        os.close(self._read)

    def __len__(self) -> int:
        return len(self._text)

    def since(self, place: int) -> str:
        """Return what was printed behind a place."""
        return bytes(self._text[place:]).decode("utf-8", "replace")

    def close(self) -> None:
        """Take no more of those that come."""
        os.close(self.write)


def run_to_its_end(root: Path, environment: Mapping[str, str], *command: str) -> None:
    """Run a command of sijbot's. Raises: subprocess.CalledProcessError, where it fails."""
    subprocess.run([sys.executable, "-W", "ignore", "-m", "sijbot.cli", *command], cwd=root, env={**os.environ, **environment}, check=True, capture_output=True)


class Nursery:
    """A process that has imported everything, and starts programs as forks of itself."""

    def __init__(self, program: str, root: Path, environment: Mapping[str, str]) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.log = Log()
        command = [sys.executable, "-W", "ignore", "-m", "evaluation.faults.under_test", "--nursery", str(theirs.fileno()), "--program", program]
        self._process = subprocess.Popen(command, cwd=root, env={**os.environ, **environment}, pass_fds=[theirs.fileno()], stdout=self.log.write, stderr=self.log.write)
        theirs.close()
        self._orders = ours
        ours.settimeout(NURSERY_S)
        self._lock = threading.Lock()
        self._missing: Optional[dict[str, str]] = None

    @property
    def missing(self) -> Mapping[str, str]:
        """The points that the program does not have, each with the reason. Waits until everything is imported.

        Raises: NoNursery.
        """
        if self._missing is None:
            self._missing = self._answer()["missing"]
        return self._missing

    def start(self, environment: Mapping[str, str], command: Sequence[str], folder: Path, log: Log) -> int:
        """Start a program and return its process id. folder: of its Control."""
        order = {"do": "start", "environment": dict(environment), "command": list(command), "folder": str(folder)}
        return self._asked(order, [log.write])["pid"]

    def end(self, pid: int) -> int:
        """Return the exit code of a program that has ended; below zero: the signal that ended it."""
        return self._asked({"do": "end", "pid": pid})["code"]

    def close(self) -> None:
        """End it, and with it whatever it started."""
        self._orders.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.log.close()

    def _asked(self, order: Mapping[str, Any], descriptors: Sequence[int] = ()) -> dict[str, Any]:
        with self._lock:
            try:
                socket.send_fds(self._orders, [json.dumps(order).encode()], list(descriptors))
            except BrokenPipeError:
                pass  # why, its answer tells
            return self._answer()

    def _answer(self) -> dict[str, Any]:
        try:
            answer = self._orders.recv(ORDER_BYTES)
        except TimeoutError:
            answer = b""
        if not answer:
            raise NoNursery(f"the nursery ended or does not answer: {self.log.since(0)[-2000:]}")
        return json.loads(answer)


class Program:
    """A program under test that is started again whenever it ends, as a supervisor does.

    down: when it could not answer because of what was done to it: ended or stopped by the harness, and since then not ready yet. ended_by_itself: how often it ended though nobody had asked for it.
    """

    def __init__(self, name: str, nursery: Nursery, environment: Mapping[str, str], command: Sequence[str], control: Control, live_url: str, shows: Mapping[str, str] = MappingProxyType({})) -> None:
        """live_url: answers with 200 while the process lives; shows: what else it shows of itself, addresses by what stands there."""
        self.name, self._nursery, self._environment, self._command, self._control, self._live_url, self.shows = name, nursery, environment, command, control, live_url, shows
        self.log, self.pid = Log(), 0
        self.down: list[tuple[float, float]] = []
        self.ended_by_itself: list[str] = []
        self.ended_late: list[str] = []
        self._is_expected = True  # to be down
        self._down_since = time.monotonic()
        self._is_kept = False
        self._keeper: Optional[asyncio.Task] = None
        self._live = asyncio.Event()

    async def start(self) -> None:
        """Start it, wait until it lives, and keep it alive.

        Raises: NotReady.
        """
        self._is_kept = True
        self._keeper = asyncio.ensure_future(self._keep())
        await self.lives(LIVE_S)

    async def lives(self, deadline_s: float = LIVE_S) -> None:
        """Wait until it answers again.

        Raises: NotReady.
        """
        try:
            await asyncio.wait_for(self._live.wait(), deadline_s)
        except asyncio.TimeoutError:
            raise NotReady(f"{self.name} does not live: {self.log.since(0)[-2000:]}") from None

    async def answers(self, deadline_s: float = LIVE_S) -> None:
        """Wait until it answers, asked now: one that has died a moment ago is not known to be dead yet.

        Raises: NotReady.
        """
        until = time.monotonic() + deadline_s
        async with _prober() as http:
            while not (self._live.is_set() and await _is_live(http, self._live_url)):
                if self._keeper.done():
                    raise NoNursery(f"{self.name} is not looked after any more") from self._keeper.exception()
                if time.monotonic() > until:
                    raise NotReady(f"{self.name} does not live: {self.log.since(0)[-2000:]}")
                await asyncio.sleep(PROBE_EVERY_S)

    def kill(self) -> None:
        """End it, and whatever it has started, as a machine does that loses its power."""
        self._goes_down()
        self.signal(signal.SIGKILL)

    async def restart(self) -> None:
        """Ask it to end, and wait until it has been started again. One that does not end in time is ended, and noted."""
        pid = self.pid
        self._goes_down()
        self.signal(signal.SIGTERM)
        until = time.monotonic() + END_S
        while self.pid == pid and time.monotonic() < until:
            await asyncio.sleep(PROBE_EVERY_S)
        if self.pid == pid:
            self.ended_late.append(self.name)
            self.signal(signal.SIGKILL)
            while self.pid == pid:
                await asyncio.sleep(PROBE_EVERY_S)
        await self.lives()

    def was_stopped(self, since: float, until: float) -> None:
        """Note that it stood still."""
        self.down.append((since, until))

    def signal(self, number: int) -> None:
        """Send it a signal, and all that it has started; nothing where it does not run."""
        if not self.pid:  # 0 would be the harness itself
            return
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            pass

    async def close(self) -> None:
        """End it for good."""
        self._is_kept = False
        try:
            if self._keeper:
                self.kill()
                await self._keeper
        except NoNursery:  # then it has ended with that
            pass
        finally:
            self.log.close()

    def _goes_down(self) -> None:
        if not self._is_expected:
            self._is_expected, self._down_since = True, time.monotonic()
        self._live.clear()

    async def _keep(self) -> None:
        while self._is_kept:
            self.pid = await asyncio.to_thread(self._nursery.start, self._environment, self._command, self._control.folder, self.log)
            ended = asyncio.ensure_future(_ended(self.pid))
            living = asyncio.ensure_future(self._probe())
            await asyncio.wait({ended, living}, return_when=asyncio.FIRST_COMPLETED)
            if living.done() and not ended.done():
                if self._is_expected:
                    self.down.append((self._down_since, time.monotonic()))
                self._is_expected = False
                self._live.set()
                await ended
            living.cancel()
            ended_at = time.monotonic()
            self._live.clear()
            code = await asyncio.to_thread(self._nursery.end, self.pid)
            if code == -signal.SIGKILL and not self._is_expected:  # by a break from inside
                self._is_expected, self._down_since = True, ended_at - PROBE_EVERY_S
            if not self._is_expected and self._is_kept:
                self.ended_by_itself.append(f"{self.name} ended by itself with code {code}")
            self.pid = 0
            if self._is_kept:
                await asyncio.sleep(AGAIN_S)

    async def _probe(self) -> None:
        async with _prober() as http:
            while not await _is_live(http, self._live_url):
                await asyncio.sleep(PROBE_EVERY_S)

    def down_now(self) -> list[tuple[float, float]]:
        """Return all times at which it was down, with the present one."""
        return [*self.down, *([(self._down_since, time.monotonic())] if self._is_expected else [])]


def _prober() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PROBE_S), connector=aiohttp.TCPConnector(force_close=True))


async def _is_live(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(url) as response:
            return response.status == 200
    except (aiohttp.ClientError, asyncio.TimeoutError, OSError):
        return False


async def _ended(pid: int) -> None:
    """Wait until a process has ended."""
    descriptor = os.pidfd_open(pid)
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, over.set)
    try:
        await over.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


class Waits:
    """How long processes were ready to go on while something else had the processor: what of a late answer is the machine's fault."""

    EVERY_S = 0.1
    KEPT = 1200  # two minutes

    def __init__(self, pids: Callable[[], Sequence[int]]) -> None:
        self._pids = pids
        self._known: dict[str, float] = {}  # by thread, in seconds
        self._total_s = 0.0
        self._samples: list[tuple[float, float]] = []

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(self.EVERY_S)

    def look(self) -> None:
        """Look once."""
        for pid in (os.getpid(), *self._pids()):
            for path in _threads(pid):
                waited_s = _waited_s(path)
                self._total_s += max(0.0, waited_s - self._known.get(path, waited_s))
                self._known[path] = waited_s
        self._samples.append((time.monotonic(), self._total_s))
        del self._samples[: -self.KEPT]

    def between(self, since: float, until: float) -> float:
        """Return for how long they waited in this time, in seconds, and never more than it took."""
        self.look()
        before = max((total for at, total in self._samples if at <= since), default=0.0)
        after = next((total for at, total in self._samples if at >= until), self._total_s)
        return min(until - since, after - before)


def _threads(pid: int) -> list[str]:
    try:
        return [f"/proc/{pid}/task/{thread}/schedstat" for thread in os.listdir(f"/proc/{pid}/task")]
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return []


def _waited_s(path: str) -> float:
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read().split()[1]) / 1e9
    except (FileNotFoundError, ProcessLookupError, PermissionError, IndexError):
        return 0.0


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
