"""Answers what was understood, with the safety net and what a standing level forbids."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Optional, Sequence, Text

from rasa_sdk import Action, Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.doubt import clarify, decline
from actions.offers import is_time_to_ask, may_ask_to_keep, offered_again
from actions.tell_clinic import offer
from actions.turn import END_OF_TURN, Turn, end_of_turn, open_gate_of, read_turn, say, say_all
from sijbot import runtime
from sijbot.answering import also_asked_reply, answer_replies, booking_line_reply, helpful_question, keep_question, mentioned_line, safety_net_reply, standing_line, told_reply
from sijbot.language.focus import asks
from sijbot.regions import worded
from sijbot.replies import Reply
from sijbot.routing import ACTION_SEEN, CONSENT, DIARY, DID_YOU_MEAN
from sijbot.triage import help_line, question_of
from sijbot.triage.assess import ALARM

# Where these lead when no story says otherwise.
REACTIONS = {
    "push_back": "action_explain_feeling", "ask_more": "action_more", "ask_why": "action_more", "exercise_hurts": "action_stop_exercise",
    "seen_by_clinician": "action_seen", "report_symptom": "action_ask_about_symptom", "inform": "action_acknowledge",
    "affirm": "action_acknowledge", "deny": "action_acknowledge", "start_again": "action_start_again",
    "ask_amount": "action_detail", "ask_easier": "action_detail", "ask_harder": "action_detail", "ask_source": "action_sources",
    "ask_for_situation": "action_for_situation", "answer_helped": "action_feedback", "answer_not_helped": "action_feedback",
    "start_session": "action_coach", "missed_days": "action_coach", "tell_pain": "action_diary", "ask_progress": "action_diary", "ask_summary": "action_document",
    "ask_home_sheet": "action_document", "what_is_kept": "action_privacy", "forget_me": "action_privacy", "send_my_data": "action_privacy", "keep_my_data": "action_privacy",
    "stop_keeping": "action_privacy", "ask_told": "action_tell_clinic",
}  # fmt: skip
SMALL_TALK = ("greet", "thank", "goodbye", "bot_challenge", "help")
OTHER_ONE = "ask_other_one"
DOUBTED = 3  # ids that a message in doubt may be meant to be
ANSWERED_AT_ONCE = 2  # questions of one message; the others are offered


class ActionAnswer(Action):
    """Says the answer to the questions of this message, whichever rule led here."""

    def name(self) -> Text:
        return "action_answer"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn, content = read_turn(tracker), runtime.current().content
        understood, following = turn.understood, None
        asked = _asked(turn)
        again = _said_of_it(turn, asked)
        if again:
            events, following = [], again
        elif asked:
            events = _answer(dispatcher, turn, asked)
        elif turn.assessment.level == "urgent" and understood["outcome"] != "answer":
            events = []  # the hand-off has been shown, and nothing else was asked that could be told apart
        elif understood["outcome"] == "clarify":
            events = clarify(dispatcher, turn)
        elif understood["outcome"] == "out_of_scope":
            decline(dispatcher, turn)
            events = []
        elif understood["intent"] in SMALL_TALK:
            dispatcher.utter_message(response=f"utter_{understood['intent']}")
            events = []
        elif understood["intent"] == OTHER_ONE:
            say(dispatcher, Reply(content.wording["no_other_one"]))
            events = []
        else:
            events, following = [], _reaction(turn, understood["intent"])
        if turn.doubts and understood["outcome"] != "clarify":
            events.append(SlotSet("doubts", None))
        signs = [finding.flag for finding in turn.assessment.distinct if finding.outcome == ALARM and finding.flag not in turn.booked_for]
        is_booked = turn.assessment.level == "soon" and bool(signs)
        if is_booked:
            say(dispatcher, booking_line_reply(content, signs, turn.region))
            events.append(SlotSet("booked_for", [*turn.booked_for, *signs]))
        if (is_booked or turn.assessment.level == "urgent") and (offered := offer(dispatcher, turn, events, following)):
            return [*events, *offered, END_OF_TURN]
        events.extend(_ask_again(dispatcher, turn))
        return [*events, FollowupAction(following) if following else end_of_turn(turn)]


def _asked(turn: Turn) -> Sequence[Text]:
    """Return the ids that the message asks about, in order; none where it asks about nothing that could be told apart."""
    understood, content = turn.understood, runtime.current().content
    if understood["outcome"] != "answer":
        return ()
    if understood["intent"] == OTHER_ONE and turn.topic_before:
        return (turn.topic_before,)
    return [content_id for content_id in (understood["id"], *understood.get("also", ())) if content_id in content.subject_of]


def _said_of_it(turn: Turn, asked: Sequence[Text]) -> Optional[Text]:
    """Return what follows where a typed message comes to the answer that was just given, or, with a statement, to none: the same words twice help nobody.

    A question gets the long form, a statement what the answer says to somebody who disagrees.
    """
    content, is_question = runtime.current().content, asks(turn.text)
    answer = content.answers.get(turn.topic or "")
    closest = [item["id"] for item in turn.understood["ranking"][:DOUBTED]]
    is_about_it = list(asked) == [turn.topic] or (turn.understood["outcome"] == "clarify" and not is_question and {"push_back", turn.topic} & {*closest})
    if answer is None or turn.button or not is_about_it or turn.raised_earlier is not None or turn.waits_for_safety_answer:
        return None
    if answer.push_back and not is_question:
        return "action_explain_feeling"
    return "action_more" if list(asked) == [turn.topic] and turn.told_more != turn.topic else None


def _reaction(turn: Turn, intent: Text) -> Text:
    """Return the action for a message that tells or reacts. While an emergency stands it is taken for a doubt about that."""
    following = REACTIONS[intent]
    stands = turn.stood_before is not None and turn.stood_before.level == "emergency"
    return "action_stand_by_hand_off" if stands and following not in (ACTION_SEEN, "action_start_again", "action_stop_exercise", "action_privacy") else following


def _answer(dispatcher: CollectingDispatcher, turn: Turn, asked: Sequence[Text]) -> List[Dict[Text, Any]]:
    """Answer the first questions of a message, and offer the others; the line about a standing sign first, the safety net once."""
    content, gate = runtime.current().content, open_gate_of(turn)
    refused = {content_id: gate.refusal(content_id) for content_id in asked}
    if refused[asked[0]]:
        say(dispatcher, Reply(refused[asked[0]]))
        return []
    allowed = [content_id for content_id in asked if not refused[content_id]]
    answered = allowed[:ANSWERED_AT_ONCE]
    if turn.assessment.level is None:
        say(dispatcher, standing_line(content, turn.stood_before, turn.region))
    safety_net: Optional[Reply] = None
    for content_id in answered:
        say_all(dispatcher, answer_replies(content, content_id, turn.situations))
        safety_net = safety_net or safety_net_reply(content, content_id, turn.region, turn.safety_net_shown, turn.raised_earlier)
    say(dispatcher, told_reply(content, answered, turn.details), safety_net, mentioned_line(content, turn.assessment, turn.region), also_asked_reply(content, allowed[ANSWERED_AT_ONCE:]), offered_again(turn, asked))
    asks_to_keep = may_ask_to_keep(turn)
    if asks_to_keep:
        say(dispatcher, keep_question(content, answered[0]))
    elif is_time_to_ask(turn):
        say(dispatcher, helpful_question(content, answered[-1]))
    before = answered[0] if len(answered) > 1 else turn.topic
    topics = [SlotSet("topic", answered[-1]), *([SlotSet("topic_before", before)] if before not in (None, answered[-1]) else [])]
    topics.append(SlotSet("left_open", allowed[ANSWERED_AT_ONCE:] or None))
    return [*topics, SlotSet("answers_given", turn.answers_given + 1), *([SlotSet("safety_net_shown", True)] if safety_net else []), *([SlotSet("keep_asked", True)] if asks_to_keep else []), *_closes(turn)]


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


def _closes(turn: Turn) -> List[Dict[Text, Any]]:
    """An answer closes an open "did you mean"; the screen's own question stays open."""
    is_about_topics = turn.expecting is not None and turn.expecting.owner in (DID_YOU_MEAN, DIARY, CONSENT)
    return [SlotSet("expecting", None)] if is_about_topics else []
