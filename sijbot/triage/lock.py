"""What a raised level forbids until it is resolved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Optional

from sijbot.content.model import LEVELS
from sijbot.triage.assess import ALARM, Assessment

LIFETIME = timedelta(days=7)  # as long as the token of a conversation


@dataclass(frozen=True)
class Lock:
    """A level that was raised, and by which flags (highest first)."""

    level: str
    flags: tuple[str, ...]
    raised_at: datetime


def after(lock: Optional[Lock], assessment: Assessment, now: datetime) -> Optional[Lock]:
    """Return the lock after a message with this assessment: an alarm raises it, nothing here lowers it."""
    if assessment.outcome != ALARM:
        return lock
    alarms = tuple(finding.flag for finding in assessment.findings if finding.outcome == ALARM)
    if lock is None:
        return Lock(assessment.level, alarms, now)
    if LEVELS.index(assessment.level) < LEVELS.index(lock.level):
        return Lock(assessment.level, alarms + tuple(flag for flag in lock.flags if flag not in alarms), now)
    return Lock(lock.level, lock.flags + tuple(flag for flag in alarms if flag not in lock.flags), lock.raised_at)


def highest(lock: Optional[Lock], other: Optional[Lock]) -> Optional[Lock]:
    """Return the lock with the higher level; None only where both are."""
    locks = [one for one in (lock, other) if one]
    return min(locks, key=lambda one: LEVELS.index(one.level)) if locks else None


def standing(lock: Optional[Lock], now: datetime) -> Optional[Lock]:
    """Return the lock where it still holds."""
    return lock if lock and now - lock.raised_at < LIFETIME else None
