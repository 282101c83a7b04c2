"""The pain diary: an entry in a free sentence, how it goes over time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Dict, List, Text

from rasa_sdk import Action, Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.consent import ask_consent
from actions.turn import Turn, end_of_turn, read_turn, say
from sijbot import clock, runtime
from sijbot.answering import standing_line
from sijbot.coaching.diary import LAST, PAIN, entries_of, is_correction, noted_text, progress_reply, tells_pain
from sijbot.coaching.session import State, past_of
from sijbot.language.focus import asks
from sijbot.records import coach as records
from sijbot.records.turns import transaction
from sijbot.regions import words_of
from sijbot.replies import Reply
from sijbot.routing import DIARY, Expecting


class ActionDiary(Action):
    """Writes an entry, or says how it has gone."""

    def name(self) -> Text:
        return "action_diary"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn = read_turn(tracker)
        say(dispatcher, standing_line(runtime.current().content, turn.stood_before, turn.region))
        if turn.intent != "diary_answer" and turn.understood["intent"] == "ask_progress":
            return _progress(dispatcher, turn)
        events = _entry(dispatcher, turn)
        is_for_another = any(event["event"] == "followup" for event in events)
        return events if is_for_another else [*events, end_of_turn(turn)]


def _entry(dispatcher: CollectingDispatcher, turn: Turn) -> List[Dict[Text, Any]]:
    parts, now = runtime.current(), clock.now()
    content, answer = parts.content, parts.answer(turn.text)
    told = entries_of(answer) if turn.diary_answer or tells_pain(answer) else []
    if not told and not (answer.numbers or answer.says("pain_word") or turn.diary_answer):  # it tells something else
        return [FollowupAction("action_acknowledge")]
    if not told:
        return _asked_for_number(dispatcher, turn)
    worse = turn.details.get("worse") if turn.details.get("worse") != turn.details_before.get("worse") else None
    lines = []
    with transaction(parts.engine) as connection:
        if records.keeping(connection, turn.conversation_id).is_off:
            say(dispatcher, Reply(content.coach["diary_not_kept"]))
            return []
        for days_ago, pain in told:
            day = now.date() - timedelta(days_ago)
            before = records.latest_entry(connection, turn.conversation_id, day)
            is_corrected = before is not None and is_correction(answer) and turn.diary_answer
            if is_corrected:
                records.correct_entry(connection, before.id, pain, worse)
            else:
                records.add_entry(connection, turn.conversation_id, records.Entry(day, pain, worse if not days_ago else None), now)
            lines.append(noted_text(content, pain, days_ago, worse if not days_ago else None, is_corrected))
    if max(pain for _, pain in told) >= content.programme.numbers.nothing_from:
        lines.append(content.coach["diary_high"].format(**words_of(content, turn.region)))
    say(dispatcher, Reply("\n\n".join(lines)))
    if turn.waits_for_safety_answer:
        return []
    if turn.coach:
        return []
    return ask_consent(dispatcher, turn) or [SlotSet("expecting", Expecting(DIARY, LAST).to_slot())]


def _progress(dispatcher: CollectingDispatcher, turn: Turn) -> List[Dict[Text, Any]]:
    """Say how the pain has gone, in words and as a chart; where nothing is known of it and somebody says how it is, ask for a number."""
    parts, today = runtime.current(), clock.now().date()
    with transaction(parts.engine) as connection:
        entries = records.diary(connection, turn.conversation_id, today - timedelta(records.DIARY_DAYS_READ))
        rows = records.past_sessions(connection, turn.conversation_id)
    if not entries and not asks(turn.text) and parts.answer(turn.text).says("pain_word"):
        return _asked_for_number(dispatcher, turn)
    done = [each for each in (past_of(parts.content, State.from_dict(row.state), row.day, row.day_after) for row in rows) if each]
    say(dispatcher, progress_reply(parts.content, entries, done, today, turn.region))
    return [end_of_turn(turn)]


def _asked_for_number(dispatcher: CollectingDispatcher, turn: Turn) -> List[Dict[Text, Any]]:
    say(dispatcher, Reply(runtime.current().content.coach["diary_ask_number"]))
    return [*([] if turn.waits_for_safety_answer else [SlotSet("expecting", Expecting(DIARY, PAIN).to_slot())]), end_of_turn(turn)]
