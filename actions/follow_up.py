"""What is asked about the answer just given: how much, easier, harder, where it is from, and what it is like in another situation."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Text

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.turn import Turn, end_of_turn, open_gate_of, read_turn, say
from sijbot import runtime
from sijbot.answering import detail_reply, situation_reply, sources_reply, standing_line
from sijbot.replies import Reply


class ActionDetail(Action):
    """Says how much, or what is easier or harder, of the exercise just explained."""

    def name(self) -> Text:
        return "action_detail"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn, content = read_turn(tracker), runtime.current().content
        say(dispatcher, _refused(turn) or detail_reply(content, turn.topic, turn.understood["intent"], turn.situations))
        return [end_of_turn(turn)]


class ActionSources(Action):
    """Says where the answer just given is from."""

    def name(self) -> Text:
        return "action_sources"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn = read_turn(tracker)
        say(dispatcher, sources_reply(runtime.current().content, turn.topic))
        return [end_of_turn(turn)]


class ActionForSituation(Action):
    """Says what the answer just given says to somebody in the situation that is asked about."""

    def name(self) -> Text:
        return "action_for_situation"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn, content = read_turn(tracker), runtime.current().content
        say(dispatcher, standing_line(content, turn.raised_earlier, turn.region), _refused(turn) or situation_reply(content, turn.topic, turn.named_now, turn.region))
        return [end_of_turn(turn)]


def _refused(turn: Turn) -> Optional[Reply]:
    """Return why the exercise that is talked of may not be shown now; None where nothing stands against it, or where no exercise is talked of."""
    refused = open_gate_of(turn).refusal(turn.topic) if turn.topic in runtime.current().content.exercises else None
    return Reply(refused) if refused else None
