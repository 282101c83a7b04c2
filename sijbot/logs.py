"""What the server writes to its log: fixed sentences, classes of exceptions and places in code. Nobody's words get in.

Libraries put what somebody wrote into their messages and exceptions. So of a library only the place is told that logged, not the message; of every exception only its class and the
places that it came through. Messages of our own are constants with ids in them (a test looks at each); an exception among those is told by its class.
"""

from __future__ import annotations

import faulthandler
import hashlib
import json
import logging
import re
import resource
import sys
import threading
import traceback
import warnings
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any, Mapping, Optional

import structlog

from sijbot.content import ContentError
from sijbot.triage.match import PatternError

OWN = ("sijbot", "actions", "__main__")
FIELDS = ("conversation", "stage", "error")  # of `extra`, that get into a line
HASH_CHARACTERS = 12
PLACES = 8  # of an exception, the innermost last
NOISY = ("rasa", "rasa_sdk", "sanic", "apscheduler", "alembic", "matplotlib")
ABOUT_FILES = (ContentError, PatternError)  # exceptions that name places in content/, for those who wrote there
EXPECTED_WARNINGS = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)
_HASH, _NAME = re.compile(f"[0-9a-f]{{{HASH_CHARACTERS}}}"), re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_ROOT = Path(__file__).resolve().parent.parent

logger = logging.getLogger(__name__)


def conversation_hash(conversation_id: str) -> str:
    """Return what a log calls a conversation: 12 hexadecimal digits that tell nobody its id, the same in every line."""
    return hashlib.sha256(conversation_id.encode("utf-8", "replace")).hexdigest()[:HASH_CHARACTERS]


class Line(logging.Formatter):
    """Makes one line of a record: a JSON object, or text."""

    def __init__(self, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        line = line_of(record)
        if self._as_json:
            return json.dumps(line, ensure_ascii=True)
        rest = " ".join(f"{key}={value if isinstance(value, str) else ' < '.join(value)}" for key, value in line.items() if key not in ("time", "level", "logger", "event"))
        return f"{record.levelname} {record.name}: {line['event']}{f' ({rest})' if rest else ''}"


def line_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return what a record may say: time, level, logger, event, and where there are some `conversation` (a hash), `stage`, `error` (a class), `causes` and `places`."""
    at = datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")
    line = {"time": at, "level": record.levelname.lower(), "logger": record.name, "event": _event(record)}
    line.update({name: _field(name, value) for name in FIELDS if (value := getattr(record, name, None)) is not None})
    if record.exc_info and record.exc_info[1] is not None:
        line.update(told(record.exc_info[1]))
    elif not _is_ours(record):
        line["places"] = [_place(record.pathname, record.lineno or 0, record.funcName or "?")]
    return line


def told(error: BaseException) -> dict[str, Any]:
    """Return what may be said of an exception: its class, the classes of its causes, and the places in code, the innermost last. Not what it says itself."""
    causes, cause = [], error.__cause__ or error.__context__
    while cause is not None and len(causes) < PLACES:
        causes.append(type(cause).__name__)
        cause = cause.__cause__ or cause.__context__
    places = [_place(frame.f_code.co_filename, number, frame.f_code.co_name) for frame, number in traceback.walk_tb(error.__traceback__)]
    ours = [place for place in places[:-PLACES] if place.startswith(("sijbot/", "actions/"))][-1:]  # where we called what then went wrong deep in a library
    said = {"error": type(error).__name__, "causes": causes, "places": ours + places[-PLACES:]}
    return {key: value for key, value in said.items() if value}


def _event(record: logging.LogRecord) -> str:
    if not _is_ours(record):
        return "a library says something, which is not repeated"
    arguments = record.args
    if isinstance(arguments, Mapping):
        arguments = {key: _argument(value) for key, value in arguments.items()}
    elif arguments:
        arguments = tuple(map(_argument, arguments))
    try:
        return (str(record.msg) % arguments if arguments else str(record.msg)).replace("\n", "; ")
    except (TypeError, ValueError, KeyError):
        return "a line of the log does not fit its arguments"


def _argument(value: object) -> object:
    return type(value).__name__ if isinstance(value, BaseException) and not isinstance(value, ABOUT_FILES) else value


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] in OWN


def _field(name: str, value: object) -> str:
    """Return a field that is safe whatever somebody put there: an id of a conversation becomes its hash, and what is no name is left out."""
    if name == "conversation":
        return value if isinstance(value, str) and _HASH.fullmatch(value) else conversation_hash(str(value))
    return value if isinstance(value, str) and _NAME.fullmatch(value) else "?"


def _place(path: str, line: int, function: str) -> str:
    """Return a place in code, the path without what is the same for all: the folder of the project, or that of the libraries."""
    shown = path.rpartition("site-packages/")[2].removeprefix(f"{_ROOT}/")
    return f"{shown}:{line} {function}"


def configure(as_json: bool) -> None:
    """Make this process log in such lines from now on, to standard error, whoever logs: our code, libraries, warnings, and exceptions that nobody caught."""
    handler = logging.StreamHandler()
    handler.setFormatter(Line(as_json))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in list(logging.root.manager.loggerDict):  # what libraries print past the root
        known = logging.getLogger(name)
        known.handlers.clear()
        known.propagate = True
    quiet_libraries()
    structlog.configure(
        processors=[_without_words], wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR), logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )  # fmt: skip
    logging.raiseExceptions = False  # logging's own complaint about a record prints its arguments
    warnings.showwarning = _warned
    sys.excepthook = _uncaught
    sys.unraisablehook = lambda found: _uncaught(found.exc_type, found.exc_value)
    threading.excepthook = _uncaught_in_thread
    faulthandler.enable(sys.__stderr__)  # where the interpreter itself crashes: it prints places in code, and no values


def quiet_libraries() -> None:
    """Let libraries speak of errors alone, and Rasa's structured log of nothing: its errors carry the user's text."""
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.ERROR)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def leave_no_core_file() -> None:
    """Keep the system from writing the memory of a process that crashes into a file: it holds what everybody is saying."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _without_words(_: object, __: str, event: Mapping[str, Any]) -> tuple[tuple[str], dict[str, Any]]:
    """Return what structlog hands to the logger: that something was said, and the exception."""
    return ("",), {"exc_info": event.get("exc_info")}


def _warned(message: object, category: type, path: str, line: int, *_: object) -> None:
    if not issubclass(category, EXPECTED_WARNINGS):
        logger.warning("a library warns at %s", _place(path, line, "").strip(), extra={"error": category.__name__})


def _uncaught(kind: type, error: Optional[BaseException], _: Optional[TracebackType] = None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        logger.critical("nobody caught an exception", exc_info=error, extra={"error": kind.__name__})


def _uncaught_in_thread(found: threading.ExceptHookArgs) -> None:
    if not issubclass(found.exc_type, SystemExit):
        _uncaught(found.exc_type, found.exc_value)
