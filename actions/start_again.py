"""Starting over."""

from __future__ import annotations

from typing import Any, Dict, List, Text

from rasa_sdk import Action, Tracker
from rasa_sdk.events import AllSlotsReset, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.turn import read_turn, say
from sijbot import runtime
from sijbot.answering import standing_line
from sijbot.regions import worded
from sijbot.replies import Reply


class ActionStartAgain(Action):
    """Forgets the thread of the talk. A level that stands is kept in the records, and goes on standing."""

    def name(self) -> Text:
        return "action_start_again"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn, content = read_turn(tracker), runtime.current().content
        say(dispatcher, standing_line(content, turn.stood_before, turn.region), Reply(worded(content, "restarted", turn.region)))
        kept = [SlotSet("expecting", turn.expecting.to_slot())] if turn.waits_for_safety_answer else []
        return [AllSlotsReset(), SlotSet("safety_net_shown", turn.safety_net_shown), *kept]
