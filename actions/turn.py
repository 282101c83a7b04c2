"""What every action reads of the turn, and how every action speaks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional, Sequence

from rasa_sdk import Tracker
from rasa_sdk.events import FollowupAction
from rasa_sdk.executor import CollectingDispatcher

from sijbot import clock, runtime
from sijbot.exercise_gate import ExerciseGate, open_gate
from sijbot.replies import Reply
from sijbot.routing import CONSENT, DIARY, RED_FLAG, Expecting
from sijbot.triage.assess import Assessment
from sijbot.triage.lock import Lock, after

# What an action returns that `action_answer` may send on to from outside the stories, where no rule ends the turn.
END_OF_TURN = FollowupAction("action_listen")
ASKED_ABOUT_SYMPTOM = "report_symptom"


@dataclass(frozen=True)
class Turn:
    """One turn as the gate left it. `understood` is the classifier's result, whatever the gate made of the intent."""

    conversation_id: str
    text: str
    region: Optional[str]
    assessment: Assessment
    understood: dict[str, Any]
    intent: str  # what the gate made of it
    expecting: Optional[Expecting]
    topic: Optional[str]  # the id answered last
    told_more: Optional[str]  # the id whose long form was told last
    button: Optional[str]  # the payload of the button that was pressed
    situations: tuple[str, ...]  # of the person, and named in this message
    named_now: tuple[str, ...]
    details: dict[str, str]  # what the person told of the pain
    details_before: dict[str, str]
    topic_before: Optional[str]  # the id answered before that
    answers_given: int
    doubted: Optional[str]  # the words that were not understood last, with nothing in them for the screen
    keep_asked: bool
    left_open: tuple[str, ...]  # ids that were asked about and not answered, or `ASKED_ABOUT_SYMPTOM`: what we asked and was not answered
    doubts: int  # messages in a row that were not understood
    safety_net_shown: bool
    booked_for: tuple[str, ...]  # signs that booking has been advised for
    coach: Optional[dict[str, Any]]  # id and version of the session that runs
    consent_asked: bool
    stood_before: Optional[Lock]  # by the conversation's own history: it stands also where an action failed to write it down

    @property
    def consent_answer(self) -> bool:
        """True where the message answers our question about the person's data."""
        return self.intent == "consent_answer"

    @property
    def diary_answer(self) -> bool:
        """True where the message was written while the diary, or consent to it, waited for something."""
        return self.expecting is not None and self.expecting.owner in (DIARY, CONSENT)

    @property
    def week(self) -> Optional[int]:
        """The week of pregnancy, where it was told."""
        return int(self.details["week"]) if "week" in self.details else None

    @property
    def waits_for_safety_answer(self) -> bool:
        """True while the screen's own question is unanswered."""
        return self.expecting is not None and self.expecting.owner == RED_FLAG

    @property
    def raised_earlier(self) -> Optional[Lock]:
        """What stands with this message."""
        return after(self.stood_before, self.assessment, clock.now())


def read_turn(tracker: Tracker) -> Turn:
    """Return the turn that the tracker stands in."""
    message = tracker.latest_message
    user_event = next(event for event in reversed(tracker.events) if event["event"] == "user")
    return Turn(
        conversation_id=tracker.sender_id, text=message["text"] or "", region=(user_event["metadata"] or {}).get("region"),
        assessment=Assessment.from_dict(message["assessment"]), understood=message["understood"], intent=(message.get("intent") or {}).get("name") or "",
        expecting=Expecting.from_slot(tracker.slots["expecting"]), topic=tracker.slots["topic"],
        told_more=tracker.slots["told_more"], button=(user_event["metadata"] or {}).get("button"),
        situations=tuple(sorted({*message["situations"], *message["named_now"]})), named_now=tuple(message["named_now"]),
        details=message["details"], details_before=_details_before(tracker),
        topic_before=tracker.slots["topic_before"], doubted=tracker.slots["doubted"], keep_asked=bool(tracker.slots["keep_asked"]), left_open=tuple(tracker.slots["left_open"] or ()), doubts=int(tracker.slots["doubts"] or 0), answers_given=int(tracker.slots["answers_given"] or 0), safety_net_shown=bool(tracker.slots["safety_net_shown"]),
        coach=tracker.slots["coach"], consent_asked=bool(tracker.slots["consent_asked"]), booked_for=tuple(tracker.slots["booked_for"] or ()),
        stood_before=Lock.from_dict(message.get("standing")),
    )  # fmt: skip


def _details_before(tracker: Tracker) -> dict[str, str]:
    """Return the details that were known before this message."""
    users = (event for event in reversed(tracker.events) if event["event"] == "user")
    next(users)
    before = next(users, None)
    return ((before or {}).get("parse_data") or {}).get("details") or {}


def end_of_turn(turn: Turn) -> dict[str, Any]:
    """Return what ends a turn: where a session of the coach waits, it says once more for what."""
    return FollowupAction("action_coach_again") if turn.coach and not turn.waits_for_safety_answer else END_OF_TURN


def open_gate_of(turn: Turn) -> ExerciseGate:
    """Return the gate that says whether this turn may show an exercise."""
    return open_gate(runtime.current(), turn.conversation_id, turn.assessment, turn.raised_earlier, turn.expecting, turn.region)


def say(dispatcher: CollectingDispatcher, *replies: Optional[Reply]) -> None:
    """Hand replies to the channel. A channel that does not know our reply model (`rasa shell`) still has text and buttons."""
    for reply in filter(None, replies):
        buttons = [{"title": button.title, "payload": button.title} for button in reply.buttons]
        dispatcher.utter_message(text=reply.text, buttons=buttons, reply=reply.to_dict())


def say_all(dispatcher: CollectingDispatcher, replies: Sequence[Reply]) -> None:
    """Hand a list of replies to the channel."""
    say(dispatcher, *replies)
