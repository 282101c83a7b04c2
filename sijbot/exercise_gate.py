"""Whether an exercise may be shown now."""

from __future__ import annotations

from typing import Optional

from sijbot import clock
from sijbot.content.model import Content
from sijbot.records import repository
from sijbot.regions import worded
from sijbot.routing import RED_FLAG, Expecting
from sijbot.runtime import Runtime
from sijbot.triage.assess import Assessment
from sijbot.triage.lock import Lock, after, highest, standing

EXERCISE_SUBJECT = "exercise"
_ALWAYS_SHOWN = ("stop_rules",)  # when to stop is never withheld


def refusal(
    runtime: Runtime, conversation_id: str, content_id: str, assessment: Assessment, raised_earlier: Optional[Lock],
    expecting: Optional[Expecting], region: Optional[str],
) -> Optional[str]:  # fmt: skip
    """Return why the exercise is not shown, in words for the person; None where nothing stands against it, or it is no exercise.

    Raises: database errors. What stands is then not known, and not known is not "nothing": the turn fails rather than show an exercise.
    """
    content = runtime.content
    if content.subject_of[content_id] != EXERCISE_SUBJECT or content_id in _ALWAYS_SHOWN:
        return None
    if expecting is not None and expecting.owner == RED_FLAG:
        return worded(content, "standing_ask", region, question=content.red_flags[expecting.question].question)
    with runtime.engine.connect() as connection:
        stored = repository.read_lock(connection, conversation_id)
    lock = after(standing(highest(stored, raised_earlier), clock.now()), assessment, clock.now())
    return _refused_by(content, lock, content_id, region) if lock else None


def _refused_by(content: Content, lock: Lock, content_id: str, region: Optional[str]) -> Optional[str]:
    flags = [flag for flag in lock.flags if flag in content.red_flags]
    if lock.level != "soon":
        return worded(content, f"standing_{lock.level}", region, finding=content.red_flags[flags[0]].finding)
    holding = [flag for flag in flags if not content.red_flags[flag].exercise_until_seen]
    exercise = content.exercises.get(content_id)
    is_gentle = exercise is None or exercise.phase == "calm"
    if not holding or is_gentle:
        return None
    return worded(content, "standing_soon", region, finding=content.red_flags[holding[0]].finding)
