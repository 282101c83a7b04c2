"""What every action reads of the turn, and how every action speaks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional, Sequence

from rasa_sdk import Tracker
from rasa_sdk.events import FollowupAction
from rasa_sdk.executor import CollectingDispatcher

from sijbot import clock
from sijbot.replies import Reply
from sijbot.routing import RED_FLAG, Expecting
from sijbot.triage.assess import Assessment
from sijbot.triage.lock import Lock, after

# What an action returns that `action_answer` may send on to from outside the stories, where no rule ends the turn.
END_OF_TURN = FollowupAction("action_listen")


@dataclass(frozen=True)
class Turn:
    """One turn as the gate left it. `understood` is the classifier's result, whatever the gate made of the intent."""

    conversation_id: str
    text: str
    region: Optional[str]
    assessment: Assessment
    understood: dict[str, Any]
    expecting: Optional[Expecting]
    topic: Optional[str]  # the id answered last
    told_more: Optional[str]  # the id whose long form was told last
    button: Optional[str]  # the payload of the button that was pressed
    situations: tuple[str, ...]
    safety_net_shown: bool
    booking_line_shown: bool
    stood_before: Optional[Lock]  # by the conversation's own history: it stands also where an action failed to write it down

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
        assessment=Assessment.from_dict(message["assessment"]), understood=message["understood"],
        expecting=Expecting.from_slot(tracker.slots["expecting"]), topic=tracker.slots["topic"],
        told_more=tracker.slots["told_more"], button=(user_event["metadata"] or {}).get("button"),
        situations=tuple(message["situations"]), safety_net_shown=bool(tracker.slots["safety_net_shown"]),
        booking_line_shown=bool(tracker.slots["booking_line_shown"]),
        stood_before=Lock.from_dict(message.get("standing")),
    )  # fmt: skip


def say(dispatcher: CollectingDispatcher, *replies: Optional[Reply]) -> None:
    """Hand replies to the channel. A channel that does not know our reply model (`rasa shell`) still has text and buttons."""
    for reply in filter(None, replies):
        buttons = [{"title": button.title, "payload": button.title} for button in reply.buttons]
        dispatcher.utter_message(text=reply.text, buttons=buttons, reply=reply.to_dict())


def say_all(dispatcher: CollectingDispatcher, replies: Sequence[Reply]) -> None:
    """Hand a list of replies to the channel."""
    say(dispatcher, *replies)
