"""What the person decides about their own data: what there is, a copy, keeping on or off, everything deleted."""

from __future__ import annotations

from typing import Any, Dict, List, Text

from rasa_sdk import Action, Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.consent import FORGET_ALL, KEEP, button_answer, consent_question, forget_question
from actions.turn import END_OF_TURN, Turn, end_of_turn, read_turn, say
from sijbot import clock, runtime
from sijbot.answering import standing_line
from sijbot.coaching.own_data import known_reply
from sijbot.coaching.reading import DELETING, KEEPING, agreed
from sijbot.coaching.say import CONSENT, FORGET, forgotten_reply
from sijbot.coaching.session import NO, YES
from sijbot.records import coach as records
from sijbot.records.turns import transaction
from sijbot.replies import Document, Reply
from sijbot.routing import CONSENT as CONSENT_OWNER
from sijbot.routing import Expecting


class ActionPrivacy(Action):
    """Does what somebody asks about their data, and takes the answer to our question about it."""

    def name(self) -> Text:
        return "action_privacy"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn, content = read_turn(tracker), runtime.current().content
        pressed = button_answer(turn, FORGET) or button_answer(turn, CONSENT)
        standing = standing_line(content, turn.raised_earlier, turn.region)
        comes_first = turn.raised_earlier is not None and turn.raised_earlier.level == "emergency"
        if comes_first:
            say(dispatcher, standing)
        if turn.consent_answer or pressed:
            events = _answered(dispatcher, turn)
        elif turn.understood["intent"] == "forget_me":
            say(dispatcher, forget_question())
            return [*_waits_for(turn, FORGET_ALL), END_OF_TURN]
        elif turn.understood["intent"] in ("keep_my_data", "stop_keeping") and not runtime.current().answer(turn.text).says(KEEPING):
            return [FollowupAction("action_acknowledge")]  # misread: no setting changes by that
        elif turn.understood["intent"] == "keep_my_data":  # never taken from a sentence alone: it may have been misread
            say(dispatcher, consent_question())
            return [SlotSet("consent_asked", True), *_waits_for(turn, KEEP), END_OF_TURN]
        elif turn.understood["intent"] == "stop_keeping":
            _write_keeping(turn, False, is_off=True)
            say(dispatcher, Reply(content.coach["keeping_off"]))
            events = []
        elif turn.understood["intent"] == "send_my_data":
            say(dispatcher, Reply(content.coach["data_said"], documents=(Document("data.json", content.coach["download_data"]),)), _known(turn))
            events = []
        else:
            say(dispatcher, _known(turn))
            events = []
        say(dispatcher, None if comes_first else standing)
        is_erased = any((message.get("reply") or {}).get("erases") for message in (each.get("custom") or each for each in dispatcher.messages))
        return [*events, END_OF_TURN if is_erased else end_of_turn(turn)]


def _answered(dispatcher: CollectingDispatcher, turn: Turn) -> List[Dict[Text, Any]]:
    """Take yes or no to the question that was open. Only a plain yes keeps, and only a plain yes deletes."""
    content = runtime.current().content
    is_asked_to_forget = (turn.expecting.question if turn.expecting else KEEP) == FORGET_ALL
    pressed = button_answer(turn, FORGET) or button_answer(turn, CONSENT)
    is_about_forgetting = button_answer(turn, FORGET) is not None if pressed else is_asked_to_forget  # a button is about what it was shown for
    if pressed == YES and is_about_forgetting and not is_asked_to_forget:  # pressed late: it may have been another matter by then
        say(dispatcher, forget_question())
        return _waits_for(turn, FORGET_ALL)
    said = pressed or agreed(runtime.current().answer(turn.text), DELETING if is_about_forgetting else KEEPING)
    closed = [] if turn.waits_for_safety_answer else [SlotSet("expecting", None)]
    if is_about_forgetting:
        if said == YES:
            say(dispatcher, forgotten_reply(content, turn.region))
        else:
            say(dispatcher, Reply(content.coach["not_forgotten"]))
        return closed
    if said not in (YES, NO):
        say(dispatcher, Reply(content.coach["consent_explained"]), consent_question())
        return []
    _write_keeping(turn, said == YES, is_off=False)
    say(dispatcher, Reply(content.coach["consent_given" if said == YES else "consent_not_given"], keeps=said == YES))
    return closed


def _waits_for(turn: Turn, question: Text) -> List[Dict[Text, Any]]:
    return [] if turn.waits_for_safety_answer else [SlotSet("expecting", Expecting(CONSENT_OWNER, question).to_slot())]


def _write_keeping(turn: Turn, is_agreed: bool, is_off: bool) -> None:
    with transaction(runtime.current().engine) as connection:
        before = records.keeping(connection, turn.conversation_id)
        records.write_keeping(connection, turn.conversation_id, bool(is_agreed or (is_off and before.is_agreed)), is_off, clock.now())


def _known(turn: Turn) -> Reply:
    parts = runtime.current()
    with transaction(parts.engine) as connection:
        rows = records.everything(connection, turn.conversation_id)
        said = records.keeping(connection, turn.conversation_id)
    return known_reply(parts.content, rows, said, turn.situations, turn.details, parts.settings.keep_days)
