"""A question about a danger sign, and being seen about one."""

from __future__ import annotations

from typing import Any, Dict, List, Text

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.turn import END_OF_TURN, read_turn, say
from sijbot import runtime
from sijbot.answering import information_reply
from sijbot.records import repository
from sijbot.regions import worded
from sijbot.replies import Reply
from sijbot.triage.lock import highest


class ActionInform(Action):
    """Answers a question about a danger sign that nobody is said to have."""

    def name(self) -> Text:
        return "action_inform"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn = read_turn(tracker)
        say(dispatcher, information_reply(runtime.current().content, turn.assessment.flags[0], turn.region))
        return []


class ActionSeen(Action):
    """Takes the lock away from somebody who was seen about it; clears nobody for anything. After an emergency it stays."""

    def name(self) -> Text:
        return "action_seen"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn, parts = read_turn(tracker), runtime.current()
        with parts.engine.begin() as connection:
            lock = highest(repository.read_lock(connection, turn.conversation_id), turn.raised_earlier)
            repository.write_lock(connection, turn.conversation_id, lock if lock and lock.level == "emergency" else None)
        say(dispatcher, Reply(worded(parts.content, "seen" if lock else "seen_nothing", turn.region)))
        return [END_OF_TURN]
