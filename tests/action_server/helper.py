"""Builds the tracker of one turn and runs one action on it, as the action server would, without a dialogue."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Optional, Sequence

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from sijbot import clock
from sijbot.adapters.local_actions import load_actions
from sijbot.routing import ACTION_SEEN, Expecting
from sijbot.triage.assess import Assessment, Finding
from sijbot.triage.lock import after

NOTHING_UNDERSTOOD = {"outcome": "clarify", "intent": "nlu_fallback", "id": None, "also": [], "kind": "", "ranking": []}


def understood(content_id: Optional[str], outcome: str = "answer", intent: str = "joint", ranking: Sequence[str] = (), also: Sequence[str] = (), kind: str = "") -> dict[str, Any]:
    """Return what the classifier would say."""
    return {"outcome": outcome, "intent": intent, "id": content_id, "also": list(also), "kind": kind, "ranking": [{"id": one, "confidence": 0.2} for one in ranking]}


def found(flag: str, level: str, outcome: str = "alarm") -> Assessment:
    return Assessment(outcome, (Finding(flag, outcome, level, 0, 5),))


def user_event(text: str, assessment: Assessment, metadata: Optional[dict] = None) -> dict[str, Any]:
    parse_data = {"text": text, "assessment": assessment.to_dict()}
    return {"event": "user", "text": text, "timestamp": clock.timestamp(), "metadata": metadata or {}, "parse_data": parse_data}


def tracker(
    text: str = "hello", assessment: Assessment = Assessment(), understanding: dict = NOTHING_UNDERSTOOD, expecting: Optional[Expecting] = None,
    button: Optional[str] = None, region: str = "uk", earlier: Sequence[dict] = (), situations: Sequence[str] = (), details: Optional[dict] = None, intent: str = "", **slots: Any,
) -> Tracker:  # fmt: skip
    """Return the tracker at one message. earlier: events before it."""
    slots = {"topic": None, "topic_before": None, "answers_given": None, "doubts": None, "doubted": None, "keep_asked": None, "coach": None, "consent_asked": None, "left_open": None, "told_more": None, "safety_net_shown": None, "booked_for": None, **slots}
    slots["expecting"] = expecting.to_slot() if expecting else None
    lock = None
    for before in earlier:  # as the gate reads them
        if before["event"] == "user":
            lock = after(lock, Assessment.from_dict(before["parse_data"]["assessment"]), clock.now())
        elif before["event"] == "action" and before["name"] == ACTION_SEEN and lock and lock.level != "emergency":
            lock = None
    message = {"text": text, "assessment": assessment.to_dict(), "understood": understanding, "situations": list(situations), "named_now": list(situations), "details": dict(details or {})}
    message["intent"] = {"name": intent}  # what the gate made of it
    message["standing"] = lock.to_dict() if lock else None
    event = user_event(text, assessment, {"region": region, "button": button})
    return Tracker("somebody", slots, message, [*earlier, event], False, None, {}, "action_listen")


@dataclass(frozen=True)
class Outcome:
    """What an action said and changed."""

    replies: list[dict]
    utters: list[str]
    slots: dict[str, Any]
    events: list[dict]

    @property
    def texts(self) -> list[str]:
        return [reply["text"] for reply in self.replies]

    @property
    def next_action(self) -> Optional[str]:
        return next((event["name"] for event in self.events if event["event"] == "followup"), None)


actions = lru_cache(load_actions)


def run(action: str, at: Tracker) -> Outcome:
    """Run the action of that name and return what came of it."""
    dispatcher = CollectingDispatcher()
    events = actions().actions[action](dispatcher, at, {})
    replies = [message["reply"] for message in dispatcher.messages if "reply" in message]
    utters = [message["response"] for message in dispatcher.messages if message.get("response")]
    return Outcome(replies, utters, {event["name"]: event["value"] for event in events if event["event"] == "slot"}, events)
