"""Begins an exercise session, or goes on with one that was left."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime
from typing import Any, Dict, List, Optional, Text

from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.turn import END_OF_TURN, Turn, say, say_all
from sijbot import runtime
from sijbot.answering import begin_button
from sijbot.coaching.programme import Person, aged, standing_of, told_beside
from sijbot.coaching.reading import can_lie_said, minutes_said, things_said
from sijbot.coaching.say import replies_of, tie_of
from sijbot.coaching.session import EXERCISE, NO, OVER, Said, State, begun, past_of, returned
from sijbot.records import coach as records
from sijbot.replies import Reply
from sijbot.routing import COACH, Expecting


def begin(dispatcher: CollectingDispatcher, turn: Turn, connection: Any, found: Optional[records.StoredSession], now: datetime) -> List[Dict[Text, Any]]:
    """Begin a session, or go on with one that was left, and return the events; where the programme stands follows from the sessions before."""
    parts, content = runtime.current(), runtime.current().content
    days = (now.date() - found.day).days if found else None
    told = records.told(connection, turn.conversation_id, found.at if found else None)
    if found and not found.is_over and days < content.programme.numbers.missed_days:
        before = State.from_dict(found.state)
        following, said = returned(content, replace(before, person=_told(turn, told, aged(content, before.person, days))))
        written = found.after(following.to_dict(), found.state, found.version, following.stage in OVER, now)
        records.update_session(connection, written, found)
        intro: List[Said] = []
    else:
        rows = records.past_sessions(connection, turn.conversation_id)
        done = [each for each in (past_of(content, State.from_dict(row.state), row.day, row.day_after) for row in rows) if each]
        last = State.from_dict(found.state) if found else State()
        standing = standing_of(content, done, now.date(), person=last.person)
        worse = past_of(content, State.from_dict(rows[-1].state), rows[-1].day, NO) if rows else None
        if_worse = standing_of(content, [*done[:-1], worse], now.date(), person=last.person) if worse else None
        is_refused = last.ended_by == "held_back"  # it may have been a slip: all of it is asked again
        person = Person() if is_refused else aged(content, last.person, days or 0)
        asked = () if is_refused else tuple(each for each in last.asked if (days or 0) < content.programme.numbers.missed_days or not content.condition(each).passes)
        person = _told(turn, told, person)
        is_recent = days is not None and days < content.programme.numbers.missed_days
        answers = {question: answer for question, answer in last.answers.items() if question not in content.programme.asked_after} if is_recent else {}
        answer = parts.answer(turn.text)
        says_more = not answer.is_all("begin")
        can_lie, things = (can_lie_said(answer), things_said(answer)) if says_more else (None, ())
        following, said = begun(
            content, person, answers, standing, if_worse, asked, minutes_said(answer), last.can_lie if can_lie is None else can_lie, things or last.equipment,
        )  # fmt: skip
        written = records.StoredSession(secrets.token_hex(12), turn.conversation_id, found.version + 1 if found else 1, following.to_dict(), None, following.stage in OVER, now.date(), now, now)
        records.insert_session(connection, written)
        is_missed = bool(done) and (turn.understood["intent"] == "missed_days" or standing.percent < 100)
        intro = [Said("intro_missed" if is_missed else "intro_again" if done else "intro")]
    say_all(dispatcher, replies_of(content, following, (*intro, *said), turn.region, written.version))
    return session_slots(written, following)


def _told(turn: Turn, told: records.Told, person: Person) -> Person:
    """Return what is known of somebody with what was told beside the sessions: since the last one, and with this message."""
    return told_beside(person, {*told.situations, *turn.situations}, told.week if turn.week is None else turn.week)


def pressed_too_late(dispatcher: CollectingDispatcher, turn: Turn, version: Optional[int]) -> List[Dict[Text, Any]]:
    """Return what follows where a button was pressed that belongs to an earlier state of the session, or to one that is over; nothing where it fits.

    version: of the session that runs, None where none does. What such a button said of danger has been heard by the gate.
    """
    content, (shown, _) = runtime.current().content, tie_of(turn.button)
    if shown in (None, version):
        return []
    if version is None:
        say(dispatcher, Reply(content.coach["button_of_ended"], buttons=(begin_button(content),)))
        return [END_OF_TURN]
    say(dispatcher, Reply(content.coach["button_of_before"]))
    return [FollowupAction("action_coach_again")]


def expecting_of(state: State) -> Expecting:
    """Return what a session waits for."""
    return Expecting(COACH, f"{state.stage}:{state.open[0] if state.open else ''}")


def session_slots(written: records.StoredSession, state: State) -> List[Dict[Text, Any]]:
    """Return the events that keep which session runs and what it waits for. The exercise is what "how many" and "how long" are about."""
    is_over = state.stage in OVER
    topic = [SlotSet("topic", state.plan[state.place].exercise)] if state.stage == EXERCISE else []
    slot = None if is_over else {"id": written.id, "version": written.version}
    return [SlotSet("coach", slot), SlotSet("expecting", None if is_over else expecting_of(state).to_slot()), *topic]
