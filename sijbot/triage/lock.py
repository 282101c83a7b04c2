"""What a raised level forbids until it is resolved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Mapping, Optional

from sijbot.content.model import LEVELS
from sijbot.triage.assessment import ALARM, SEEN, Assessment

LIFETIME = timedelta(days=7)  # as long as the token of a conversation


@dataclass(frozen=True)
class Lock:
    """A level that was raised, and by which flags (highest first)."""

    level: str
    flags: tuple[str, ...]
    raised_at: datetime

    def to_dict(self) -> dict:
        """Return the lock as JSON-ready data; `from_dict` reads it."""
        return {"level": self.level, "flags": list(self.flags), "raised_at": self.raised_at.isoformat()}

    @classmethod
    def from_dict(cls, data: Optional[Mapping]) -> Optional["Lock"]:
        return cls(data["level"], tuple(data["flags"]), datetime.fromisoformat(data["raised_at"])) if data else None


def after(lock: Optional[Lock], assessment: Assessment, now: datetime) -> Optional[Lock]:
    """Return the lock after a message with this assessment.

    An alarm raises it. It is lifted by somebody who says to have been seen about it, and where every sign is taken back as a slip (R24); a level
    with signs left stays as high as it was.
    """
    if assessment.outcome != ALARM:
        return _lifted(lock, assessment)
    alarms = tuple(finding.flag for finding in assessment.findings if finding.outcome == ALARM)
    if lock is None:
        return Lock(assessment.level, alarms, now)
    if LEVELS.index(assessment.level) < LEVELS.index(lock.level):
        return Lock(assessment.level, alarms + tuple(flag for flag in lock.flags if flag not in alarms), now)
    return Lock(lock.level, lock.flags + tuple(flag for flag in alarms if flag not in lock.flags), lock.raised_at)


def _lifted(lock: Optional[Lock], assessment: Assessment) -> Optional[Lock]:
    if lock is None or SEEN in assessment.facts:
        return None
    flags = tuple(flag for flag in lock.flags if flag not in assessment.corrected)
    return Lock(lock.level, flags, lock.raised_at) if flags else None


def highest(lock: Optional[Lock], other: Optional[Lock]) -> Optional[Lock]:
    """Return the lock with the higher level; None only where both are."""
    locks = [one for one in (lock, other) if one]
    return min(locks, key=lambda one: LEVELS.index(one.level)) if locks else None


def standing(lock: Optional[Lock], now: datetime) -> Optional[Lock]:
    """Return the lock where it still holds."""
    return lock if lock and now - lock.raised_at < LIFETIME else None
