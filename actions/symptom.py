"""A symptom that was told: where, what makes it worse, and an exercise that hurts."""

from __future__ import annotations

from typing import Any, Dict, List, Text

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.turn import ASKED_ABOUT_SYMPTOM, end_of_turn, read_turn, say
from sijbot import runtime
from sijbot.answering import standing_line, talk_reply
from sijbot.regions import worded
from sijbot.replies import Reply


class ActionAskAboutSymptom(Action):
    """Asks where it is and what makes it worse."""

    def name(self) -> Text:
        return "action_ask_about_symptom"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn = read_turn(tracker)
        say(dispatcher, talk_reply(runtime.current().content, ASKED_ABOUT_SYMPTOM, turn.region))
        return [SlotSet("left_open", [ASKED_ABOUT_SYMPTOM]), end_of_turn(turn)]


class ActionDescribeSymptom(Action):
    """Says what pain from this joint is usually like, to somebody who told where theirs is."""

    def name(self) -> Text:
        return "action_describe_symptom"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn = read_turn(tracker)
        say(dispatcher, Reply(worded(runtime.current().content, "report_symptom_side", turn.region)))
        return [SlotSet("left_open", None), end_of_turn(turn)]


class ActionExplainQuestion(Action):
    """Says why we ask about the symptom."""

    def name(self) -> Text:
        return "action_explain_question"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn = read_turn(tracker)
        say(dispatcher, Reply(worded(runtime.current().content, "why_we_ask", turn.region)))
        return [end_of_turn(turn)]


class ActionStopExercise(Action):
    """Says to stop the exercise that hurts."""

    def name(self) -> Text:
        return "action_stop_exercise"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn, content = read_turn(tracker), runtime.current().content
        say(dispatcher, standing_line(content, turn.raised_earlier, turn.region), talk_reply(content, "exercise_hurts", turn.region))
        return [end_of_turn(turn)]
