"""Answers what was understood, with the safety net and what a standing level forbids."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Text

from rasa_sdk import Action, Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.turn import Turn, read_turn, say, say_all
from sijbot import runtime
from sijbot.answering import answer_replies, booking_line_reply, clarify_reply, mentioned_line, safety_net_reply, standing_line
from sijbot.exercise_gate import ExerciseGate, open_gate
from sijbot.regions import worded
from sijbot.replies import Reply
from sijbot.routing import ACTION_SEEN, DID_YOU_MEAN, Expecting
from sijbot.triage import help_line, question_of

# Where these lead when no story says otherwise.
REACTIONS = {
    "push_back": "action_explain_feeling", "ask_more": "action_more", "ask_why": "action_more", "exercise_hurts": "action_stop_exercise",
    "seen_by_clinician": "action_seen", "report_symptom": "action_ask_about_symptom", "inform": "action_acknowledge",
    "affirm": "action_acknowledge", "deny": "action_acknowledge", "start_again": "action_start_again",
}  # fmt: skip
SMALL_TALK = ("greet", "thank", "goodbye", "bot_challenge", "help", "out_of_scope")


class ActionAnswer(Action):
    """Says the answer to the question of this message, whichever rule led here."""

    def name(self) -> Text:
        return "action_answer"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn, content = read_turn(tracker), runtime.current().content
        understood, following = turn.understood, "action_listen"
        if understood["outcome"] == "answer" and understood["id"] in content.subject_of:
            events = _answer(dispatcher, turn, understood["id"])
        elif turn.assessment.level == "urgent" and understood["outcome"] != "answer":
            events = []  # the hand-off has been shown, and nothing else was asked that could be told apart
        elif understood["outcome"] == "clarify":
            events = _clarify(dispatcher, turn)
        elif understood["intent"] in SMALL_TALK:
            dispatcher.utter_message(response=f"utter_{understood['intent']}")
            events = []
        else:
            events, following = [], _reaction(turn, understood["intent"])
        if turn.assessment.level == "soon" and not turn.booking_line_shown:
            say(dispatcher, booking_line_reply(content, turn.region))
            events.append(SlotSet("booking_line_shown", True))
        events.extend(_ask_again(dispatcher, turn))
        return [*events, FollowupAction(following)]


def _reaction(turn: Turn, intent: Text) -> Text:
    """Return the action for a message that tells or reacts. While an emergency stands it is taken for a doubt about that."""
    following = REACTIONS[intent]
    stands = turn.stood_before is not None and turn.stood_before.level == "emergency"
    return "action_stand_by_hand_off" if stands and following not in (ACTION_SEEN, "action_start_again", "action_stop_exercise") else following


def _answer(dispatcher: CollectingDispatcher, turn: Turn, content_id: Text) -> List[Dict[Text, Any]]:
    content = runtime.current().content
    refused = _gate(turn).refusal(content_id)
    if refused:
        say(dispatcher, Reply(refused))
        return []
    safety_net = safety_net_reply(content, content_id, turn.region, turn.safety_net_shown, turn.raised_earlier)
    if turn.assessment.level is None:
        say(dispatcher, standing_line(content, turn.stood_before, turn.region))
    say_all(dispatcher, answer_replies(content, content_id, turn.situations))
    say(dispatcher, safety_net, mentioned_line(content, turn.assessment, turn.region))
    return [SlotSet("topic", content_id), *([SlotSet("safety_net_shown", True)] if safety_net else []), *_closes(turn)]


def _ask_again(dispatcher: CollectingDispatcher, turn: Turn) -> List[Dict[Text, Any]]:
    """R20: a question of the screen that was passed over is put once more."""
    if not turn.waits_for_safety_answer or turn.expecting.asked > 1:
        return []
    content = runtime.current().content
    question = question_of(content, turn.expecting.question, turn.expecting.is_about_change)
    if not any(question in message["text"] for message in dispatcher.messages if message["text"]):  # a refused exercise has just put it
        help = help_line(content, turn.expecting.question, turn.expecting.level, turn.region)
        say(dispatcher, Reply(worded(content, "ask_again", turn.region, question=question, help=help)))
    return [SlotSet("expecting", replace(turn.expecting, asked=turn.expecting.asked + 1).to_slot())]


def _clarify(dispatcher: CollectingDispatcher, turn: Turn) -> List[Dict[Text, Any]]:
    content, gate = runtime.current().content, _gate(turn)
    closest = [item["id"] for item in turn.understood["ranking"] if item["id"] in content.subject_of]
    refused = gate.refusal(closest[0]) if closest else None
    if refused:
        say(dispatcher, Reply(refused))
        return []
    reply = clarify_reply(content, [content_id for content_id in closest if not gate.refusal(content_id)])
    say(dispatcher, reply)
    if turn.waits_for_safety_answer or not reply.buttons:
        return []
    first = reply.buttons[0].payload.partition(":")[2]
    return [SlotSet("expecting", Expecting(DID_YOU_MEAN, first).to_slot())]


def _gate(turn: Turn) -> ExerciseGate:
    return open_gate(runtime.current(), turn.conversation_id, turn.assessment, turn.raised_earlier, turn.expecting, turn.region)


def _closes(turn: Turn) -> List[Dict[Text, Any]]:
    """An answer closes an open "did you mean"; the screen's own question stays open."""
    return [SlotSet("expecting", None)] if turn.expecting and not turn.waits_for_safety_answer else []
