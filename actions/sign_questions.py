"""A question about a danger sign, and being seen about one."""

from __future__ import annotations

from typing import Any, Dict, List, Text

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.turn import end_of_turn, read_turn, say
from sijbot import clock, runtime
from sijbot.answering import information_reply, standing_line
from sijbot.records import repository
from sijbot.records.turns import transaction
from sijbot.regions import worded
from sijbot.replies import Reply
from sijbot.triage.assessment import SEEN
from sijbot.triage.lock import highest


class ActionInform(Action):
    """Answers a question about a danger sign that nobody is said to have."""

    def name(self) -> Text:
        return "action_inform"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn = read_turn(tracker)
        say(dispatcher, information_reply(runtime.current().content, turn.assessment.flags[0], turn.region))
        return [end_of_turn(turn)] if turn.coach else []


class ActionSeen(Action):
    """Takes the lock, and the question that is open, away from somebody who was seen about it; clears nobody for anything.

    After an emergency the words must say that somebody looked at it: that a message only sounds like it is not enough.
    """

    def name(self) -> Text:
        return "action_seen"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn, parts = read_turn(tracker), runtime.current()
        with transaction(parts.engine) as connection:
            lock = highest(repository.read_lock(connection, turn.conversation_id), turn.stood_before)
            stays = lock is not None and lock.level == "emergency" and SEEN not in turn.assessment.facts
            repository.write_lock(connection, turn.conversation_id, lock if stays else None)
            if not stays:
                repository.log_assessment(connection, turn.conversation_id, turn.assessment, parts.content.version, clock.now(), lock)
        was_asked = turn.waits_for_safety_answer and SEEN in turn.assessment.facts
        say(dispatcher, Reply(worded(parts.content, "seen_unclear" if stays else "seen" if lock or was_asked else "seen_nothing", turn.region)))
        return [SlotSet("expecting", None), end_of_turn(turn)] if was_asked else [end_of_turn(turn)]


class ActionWithdraw(Action):
    """Says that a sign which was a slip of the fingers is taken back, and what to do should it come after all (R24)."""

    def name(self) -> Text:
        return "action_withdraw"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn, content = read_turn(tracker), runtime.current().content
        finding = content.red_flags[turn.assessment.corrected[0]].finding
        still = standing_line(content, turn.raised_earlier, turn.region)
        say(dispatcher, Reply(worded(content, "corrected", turn.region, finding=finding)), still)
        return []
