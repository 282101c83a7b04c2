"""The one clock. Tests move it; nothing else in the project asks the system for the time of day."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

_offset = timedelta()


def now() -> datetime:
    """Return the current time, in UTC."""
    return datetime.now(timezone.utc) + _offset


def timestamp() -> float:
    """Return the current time in seconds since 1970, as Rasa stamps its events."""
    return time.time() + _offset.total_seconds()


def advance(by: timedelta) -> None:
    """Move the clock forward, for tests and the conversation runner."""
    global _offset
    _offset += by


def reset() -> None:
    """Put the clock back to the system's time."""
    global _offset
    _offset = timedelta()
