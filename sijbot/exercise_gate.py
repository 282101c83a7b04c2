"""Whether an exercise may be shown or suggested now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from sijbot import clock
from sijbot.coaching.programme import Person, held_back
from sijbot.coaching.session import State
from sijbot.content.model import Content
from sijbot.records import repository
from sijbot.records.coach import newest_session
from sijbot.records.turns import transaction
from sijbot.regions import worded
from sijbot.routing import RED_FLAG, Expecting
from sijbot.runtime import Runtime
from sijbot.triage.assess import Assessment
from sijbot.triage.hand_off import help_line, question_of
from sijbot.triage.lock import LIFETIME, Lock, after, highest, standing

EXERCISE_SUBJECT = "exercise"
_ALWAYS_SHOWN = ("stop_rules",)  # when to stop is never withheld


@dataclass(frozen=True)
class ExerciseGate:
    """What stands against exercise in a conversation: an unanswered question of the screen, or a raised level."""

    content: Content
    region: Optional[str]
    open_question: Optional[Expecting]
    lock: Optional[Lock]
    person: Optional[Person] = None  # as the latest session of the coach knows them

    def refusal(self, content_id: str) -> Optional[str]:
        """Return why this answer or exercise is not shown, in words for the person; None where nothing stands against it."""
        if not suggests_exercise(self.content, content_id) or content_id in _ALWAYS_SHOWN:
            return None
        return self._refusal_by_signs(content_id) or self._refusal_by_rules(content_id)

    def _refusal_by_rules(self, content_id: str) -> Optional[str]:
        """What was held back in a session is held back in an answer too."""
        exercise = self.content.exercises.get(content_id)
        if exercise is None or self.person is None:
            return None
        return "\n\n".join(dict.fromkeys(rule.why for rule in held_back(self.content, self.person, content_id, exercise.phase))) or None

    def _refusal_by_signs(self, content_id: str) -> Optional[str]:
        if self.open_question:
            asked = self.open_question
            question = question_of(self.content, asked.question, asked.is_about_change)
            return worded(self.content, "standing_ask", self.region, question=question, help=help_line(self.content, asked.question, asked.level, self.region))
        if self.lock is None:
            return None
        if self.lock.level == "soon":
            return self._refusal_until_seen(content_id)
        finding = self.content.sign(self.lock.flags[0]).finding
        return worded(self.content, f"standing_{self.lock.level}", self.region, finding=finding)

    def session_refusal(self) -> Optional[str]:
        """Return why no session of the coach begins or goes on; None where nothing stands against it."""
        loaded = next(exercise_id for exercise_id, exercise in self.content.exercises.items() if exercise.phase != "calm")
        return self._refusal_by_signs(loaded)

    def _refusal_until_seen(self, content_id: str) -> Optional[str]:
        """A `soon` sign holds back loaded exercise, not gentle ones and not talk about it, until somebody has looked at it."""
        holding = [flag for flag in self.lock.flags if not self.content.sign(flag).exercise_until_seen]
        exercise = self.content.exercises.get(content_id)
        if not holding or exercise is None or exercise.phase == "calm":
            return None
        return worded(self.content, "standing_soon", self.region, finding=self.content.sign(holding[0]).finding)


def open_gate(
    runtime: Runtime, conversation_id: str, assessment: Assessment, raised_earlier: Optional[Lock], expecting: Optional[Expecting],
    region: Optional[str],
) -> ExerciseGate:  # fmt: skip
    """Return what stands in this conversation, this message included.

    Raises: database errors. What stands is then not known, and not known is not "nothing": the turn fails rather than show an exercise.
    """
    with transaction(runtime.engine) as connection:
        stored = repository.read_lock(connection, conversation_id)
        session = newest_session(connection, conversation_id)
    lock = after(standing(highest(stored, raised_earlier), clock.now()), assessment, clock.now())
    open_question = expecting if expecting is not None and expecting.owner == RED_FLAG else None
    is_known = session is not None and clock.now() - session.at < LIFETIME
    return ExerciseGate(runtime.content, region, open_question, lock, State.from_dict(session.state).person if is_known else None)


def suggests_exercise(content: Content, content_id: str) -> bool:
    """True for exercises, for answers about exercising, and for answers that lead to an exercise."""
    if content.subject_of[content_id] == EXERCISE_SUBJECT:
        return True
    return any(content.subject_of[related] == EXERCISE_SUBJECT for related in content.answers[content_id].related)


def ends_session(content: Content, lock: Optional[Lock]) -> bool:
    """Return whether what stands ends a session of the coach: everything but a `soon` sign with which exercise may go on."""
    return lock is not None and (lock.level != "soon" or any(not content.sign(flag).exercise_until_seen for flag in lock.flags))
