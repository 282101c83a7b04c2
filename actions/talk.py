"""What a story leads to after an answer: more of it, the reason, an objection, an exercise that hurts.

Each ends the turn itself, since `action_answer` may send here from outside the stories.
"""

from __future__ import annotations

from typing import Any, Dict, List, Text

from rasa_sdk import Action, Tracker
from rasa_sdk.events import AllSlotsReset, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.turn import read_turn, say, say_all
from sijbot import runtime
from sijbot.answering import more_replies, push_back_replies, talk_reply
from sijbot.regions import worded
from sijbot.replies import Reply

END_OF_TURN = FollowupAction("action_listen")


class ActionMore(Action):
    """Says the long form of the answer just given."""

    def name(self) -> Text:
        return "action_more"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn = read_turn(tracker)
        asked_for = turn.button.removeprefix("more:") if turn.button else turn.topic
        topic = None if asked_for == turn.told_more else asked_for
        say_all(dispatcher, more_replies(runtime.current().content, topic, turn.situations))
        return [SlotSet("told_more", asked_for), SlotSet("topic", asked_for), END_OF_TURN]


class ActionExplainFeeling(Action):
    """Explains to somebody who disagrees why it feels the way it does."""

    def name(self) -> Text:
        return "action_explain_feeling"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        say_all(dispatcher, push_back_replies(runtime.current().content, read_turn(tracker).topic))
        return [END_OF_TURN]


class ActionStopExercise(Action):
    """Says to stop the exercise that hurts."""

    def name(self) -> Text:
        return "action_stop_exercise"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        say(dispatcher, talk_reply(runtime.current().content, "exercise_hurts", read_turn(tracker).region))
        return [END_OF_TURN]


class ActionAskAboutSymptom(Action):
    """Asks where it is and what makes it worse."""

    def name(self) -> Text:
        return "action_ask_about_symptom"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        say(dispatcher, talk_reply(runtime.current().content, "report_symptom", read_turn(tracker).region))
        return [END_OF_TURN]


class ActionDescribeSymptom(Action):
    """Says what pain from this joint is usually like, to somebody who told where theirs is."""

    def name(self) -> Text:
        return "action_describe_symptom"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn = read_turn(tracker)
        say(dispatcher, Reply(worded(runtime.current().content, "report_symptom_side", turn.region)))
        return [END_OF_TURN]


class ActionExplainQuestion(Action):
    """Says why we ask about the symptom."""

    def name(self) -> Text:
        return "action_explain_question"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn = read_turn(tracker)
        say(dispatcher, Reply(worded(runtime.current().content, "why_we_ask", turn.region)))
        return [END_OF_TURN]


class ActionAskRephrase(Action):
    """Asks for other words after "none of these"."""

    def name(self) -> Text:
        return "action_ask_rephrase"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn = read_turn(tracker)
        say(dispatcher, talk_reply(runtime.current().content, "rephrase", turn.region))
        return [END_OF_TURN] if turn.waits_for_safety_answer else [SlotSet("expecting", None), END_OF_TURN]


class ActionStandByHandOff(Action):
    """Says again what to do, to somebody who doubts or asks after a hand-off."""

    def name(self) -> Text:
        return "action_stand_by_hand_off"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn, content = read_turn(tracker), runtime.current().content
        lock = turn.raised_earlier
        if lock and lock.level != "soon":
            finding = content.red_flags[lock.flags[0]].finding
            say(dispatcher, Reply(worded(content, f"stand_by_{lock.level}", turn.region, finding=finding)))
        else:
            say(dispatcher, talk_reply(content, "rephrase", turn.region))
        return [END_OF_TURN]


class ActionStartAgain(Action):
    """Forgets the thread of the talk. A level that stands is kept in the records, and goes on standing."""

    def name(self) -> Text:
        return "action_start_again"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn = read_turn(tracker)
        say(dispatcher, Reply(worded(runtime.current().content, "restarted", turn.region)))
        kept = [SlotSet("expecting", turn.expecting.to_slot())] if turn.waits_for_safety_answer else []
        return [AllSlotsReset(), SlotSet("safety_net_shown", turn.safety_net_shown), *kept]
