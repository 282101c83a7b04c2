"""Runs the program with breaks in it: `python -m evaluation.faults.under_test --break before_commit:kill:2 -- run`, or `-- rasa run …` for Rasa's own.

With `--nursery N` it does not run but waits for orders on the socket N: everything is imported, what depends on the content alone is made once, and every start after that is a fork of this process which goes the
whole way of the program all the same. A start then takes one second and not ten.
"""

from __future__ import annotations

import argparse
import ctypes
import functools
import gc
import importlib
import json
import os
import pickle
import pkgutil
import signal
import socket
import sys
import time
import warnings
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Callable, Optional, Sequence

from evaluation.faults.control import Break, Breaker
from evaluation.faults.points import OURS, POINTS, STOCK, install, rebind

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}  # a fork takes one thread along
PACKAGES = ("sijbot.records", "sijbot.adapters", "actions")
REMEMBERED = ("sijbot.content.load:load", "sijbot.runtime:Parts.of")  # they depend on the content alone
COPIED = ("rasa.shared.utils.io:read_yaml",)  # reading the domain is half of a start, and whoever gets it may change it
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
ORDER_BYTES = 64 * 1024


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Run, or wait for orders."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.faults.under_test", description=__doc__)
    parser.add_argument("--break", dest="breaks", action="append", default=[], metavar="POINT:KIND[:NTH]", help=f"points: {', '.join(POINTS)}")
    parser.add_argument("--nursery", type=int, help="the number of a socket that orders come by")
    parser.add_argument("--program", choices=(OURS, STOCK), default=OURS, help="of the nursery")
    parser.add_argument("command", nargs="*", help="what the program is to do, behind --")
    given = parser.parse_args(arguments)
    try:
        breaks = [Break.parse(each) for each in given.breaks]
    except ValueError as fault:
        parser.error(str(fault))
    for each in breaks:
        if each.point not in POINTS:
            parser.error(f"point '{each.point}' is none of {', '.join(POINTS)}")
    program = given.program if given.nursery is not None else STOCK if given.command[:1] == [STOCK] else OURS
    breaker = Breaker(armed=breaks)
    _import_all(program)
    missing = install(program, breaker.act)
    for each in breaks:
        if each.point in missing:
            parser.error(missing[each.point])
    _let_the_clock_go_wrong(breaker)
    if given.nursery is None:
        _run(program, given.command)
    else:
        with socket.socket(fileno=given.nursery) as orders:
            Nursery(program, breaker, orders, missing).serve()


def _import_all(program: str) -> None:
    """Import what the program imports later, so that every function stands where it is to be broken."""
    os.environ.update(ONE_THREAD)
    warnings.showwarning = lambda *_, **__: None
    importlib.import_module("sijbot.cli")
    for name in PACKAGES:
        package = importlib.import_module(name)
        for module in pkgutil.iter_modules(package.__path__, f"{name}."):
            importlib.import_module(module.name)
    if program == STOCK:
        for name in ("rasa.__main__", "rasa.core.run", "rasa_sdk.endpoint", "rasa.core.channels.rest"):
            importlib.import_module(name)


def _run(program: str, command: Sequence[str]) -> None:
    sys.argv = [program, *command] if program == OURS else list(command)
    importlib.import_module("sijbot.cli" if program == OURS else "rasa.__main__").main()


def _let_the_clock_go_wrong(breaker: Breaker) -> None:
    """Take the harness's clock for the system's: in `time.time`, and in the product's one clock. What never goes back, timeouts hang on, goes on rightly, as when somebody sets the clock of a machine."""
    right = time.time
    time.time = lambda: right() + breaker.moved_s()

    class Moved(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(seconds=breaker.moved_s())

    importlib.import_module("sijbot.clock").datetime = Moved


class Nursery:
    """Starts programs as forks of this process. An order is one line of JSON, with the end of a pipe for what the program prints."""

    def __init__(self, program: str, breaker: Breaker, orders: socket.socket, missing: dict[str, str]) -> None:
        self._program, self._breaker, self._orders, self._missing = program, breaker, orders, missing
        self._children: set[int] = set()

    def serve(self) -> None:
        """Obey until nobody is there any more, then end what was started."""
        _make_ready()
        self._answer({"missing": self._missing})
        while True:
            order, descriptors, _, _ = socket.recv_fds(self._orders, ORDER_BYTES, 1)
            if not order:
                break
            asked = json.loads(order)
            self._answer({"start": self._start, "end": self._end}[asked.pop("do")](*descriptors, **asked))
        for pid in self._children:
            os.killpg(pid, signal.SIGKILL)

    def _answer(self, answer: dict[str, Any]) -> None:
        self._orders.sendall(json.dumps(answer).encode())

    def _start(self, printed: int, environment: dict[str, str], command: list[str], folder: str) -> dict[str, Any]:
        pid = os.fork()
        if pid == 0:
            self._be(printed, environment, command, folder)
        os.close(printed)
        self._children.add(pid)
        return {"pid": pid}

    def _end(self, pid: int) -> dict[str, Any]:
        """Return the exit code of a program that has ended; below zero, by which signal."""
        _, status = os.waitpid(pid, 0)
        self._children.discard(pid)
        return {"code": os.waitstatus_to_exitcode(status)}

    def _be(self, printed: int, environment: dict[str, str], command: list[str], folder: str) -> None:
        code = 1
        try:
            ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
            os.setsid()
            for descriptor in (1, 2):
                os.dup2(printed, descriptor)
            os.close(printed)
            self._orders.close()
            os.environ.update(environment)
            self._breaker.use(Path(folder))
            _run(self._program, command)
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stdout.flush()
            os._exit(code)


def _make_ready() -> None:
    """Make once what every start would make of the same content."""
    importlib.import_module("sijbot.language.sign_reader").THREADS = 1
    for name in REMEMBERED:
        _remember(name)
    for name in COPIED:
        _remember(name, copies=True)
    settings = importlib.import_module("sijbot.settings").from_environment()
    content = importlib.import_module("sijbot.content").load(settings.content)
    importlib.import_module("sijbot.runtime").Parts.of(content)
    importlib.import_module("sijbot.language.encoder").shared_encoder().encode("ready")
    if settings.model.is_file():
        importlib.import_module("rasa.core.agent").Agent().load_model(str(settings.model))  # so that its domain is known
    gc.collect()
    gc.freeze()


def _remember(name: str, copies: bool = False) -> None:
    """Let a function make each result once. copies: everybody gets one of their own."""
    module, _, path = name.partition(":")
    *owners, attribute = path.split(".")
    owner = functools.reduce(getattr, owners, sys.modules[module])
    made: Callable = getattr(owner, attribute)
    known: dict[Any, Any] = {}

    def remembered(*given: Any, **named: Any) -> Any:
        key = repr((*(getattr(each, "version", each) for each in given), named))
        if key not in known:
            result = made(*given, **named)
            known[key] = pickle.dumps(result) if copies else result
        return pickle.loads(known[key]) if copies else known[key]

    setattr(owner, attribute, staticmethod(remembered) if owners else remembered)
    if not owners:
        rebind(made, remembered)


if __name__ == "__main__":
    main()
