"""What the process writes to its log: no words of anybody. An exception's message may hold what a person typed (a value that did not fit, a statement with its parameters), so of an exception its type and place are written."""

from __future__ import annotations

import copy
import logging
import resource
import traceback
from types import TracebackType
from typing import Iterator, Optional

FORMAT = "%(levelname)s %(name)s: %(message)s"
_CANNOT_START = "Unable to start server"  # of Sanic's errors the only one that is about itself: the others carry addresses and bytes of who asks


class WordlessFormatter(logging.Formatter):
    """Formats records like its parent, with every exception as its type and the place where it was raised."""

    def format(self, record: logging.LogRecord) -> str:
        record = copy.copy(record)
        record.msg, record.exc_text = _wordless(record.msg), None
        if isinstance(record.args, tuple):
            record.args = tuple(map(_wordless, record.args))
        return super().format(record)

    def formatException(self, exc_info: tuple) -> str:
        return "\n".join(f"{type(error).__name__} at {_place(error.__traceback__)}" for error in _chain(exc_info[1]))


def set_up() -> None:
    """Write warnings and errors to standard error, wordless."""
    handler = logging.StreamHandler()
    handler.setFormatter(WordlessFormatter(FORMAT))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


def quiet_libraries() -> None:
    """Leave out what libraries say of every request, or of what is expected."""
    for name in ("rasa", "rasa_sdk", "sanic", "apscheduler", "alembic", "matplotlib"):
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger("rasa.core.actions.action").setLevel(logging.CRITICAL)  # it repeats what an action server says, which may be the message; the processor names action and fault
    for name in ("sanic.root", "sanic.error"):
        logging.getLogger(name).addFilter(_is_about_itself)
    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))  # Rasa's error events carry the user's text


def leave_no_core_file() -> None:
    """Keep the system from writing the memory of a process that crashes into a file: it holds what everybody is saying."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _is_about_itself(record: logging.LogRecord) -> bool:
    return record.msg == _CANNOT_START


def _wordless(value: object) -> object:
    return type(value).__name__ if isinstance(value, BaseException) else value


def _chain(error: Optional[BaseException]) -> Iterator[BaseException]:
    """Yield an exception and what it came from, the first cause last."""
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _place(trace: Optional[TracebackType]) -> str:
    frames = traceback.extract_tb(trace)
    return f"{frames[-1].filename}:{frames[-1].lineno} ({frames[-1].name})" if frames else "an unknown place"
