"""Guides an exercise session: reads the answer, takes the step, writes the row, says what follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Dict, List, Optional, Text

from rasa_sdk import Action, Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.coach_begin import begin, expecting_of, pressed_too_late, session_slots
from actions.consent import ask_consent, note_pain
from actions.turn import END_OF_TURN, Turn, open_gate_of, read_turn, say, say_all
from sijbot import clock, runtime
from sijbot.coaching.reading import event_of, follow_up_of, weeks_told
from sijbot.coaching.say import event_of_payload, replies_of
from sijbot.coaching.session import (
    DANGER_STAGES, EXERCISE, LISTS, NEWS, NO, OTHER, OVER, RED_FLAG, STAGES_WITH_PLAN, Event, Said, State, asked, fits_now, step,
)  # fmt: skip
from sijbot.language.focus import asks
from sijbot.records import coach as records
from sijbot.records.turns import transaction
from sijbot.replies import Reply
from sijbot.routing import COACH

NEVER_ASIDE = ("affirm", "deny", "inform", "goodbye", "start_session", "missed_days", "tell_pain", "ask_progress")  # in a session
KEEPING = ("keep_my_data", "stop_keeping")
OWN_DATA = ("forget_me", "send_my_data", "what_is_kept")
FEWEST_WORDS_ASIDE = 3  # "band" or "the floor" answers a question of ours too early or too late


class ActionCoach(Action):
    """Begins a session, goes on with one, or hands a question asked in the middle to whoever answers it."""

    def name(self) -> Text:
        return "action_coach"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn, parts, now = read_turn(tracker), runtime.current(), clock.now()
        if refusal := open_gate_of(turn).session_refusal():
            say(dispatcher, Reply(refusal))
            return [SlotSet("coach", None), END_OF_TURN]
        with transaction(parts.engine) as connection:
            found = records.newest_session(connection, turn.conversation_id)
            if found is None or found.is_over or not turn.coach:
                return pressed_too_late(dispatcher, turn, None) or [*begin(dispatcher, turn, connection, found, now), END_OF_TURN]
            data, version = found.acknowledged(turn.coach["version"])
            if too_late := pressed_too_late(dispatcher, turn, version):
                return too_late
            state = State.from_dict(data)
            if turn.week is not None:
                state = replace(state, person=replace(state.person, week=turn.week))
            event = _news(turn, state) or _event(turn, state)
            if event is None and _is_aside(turn) and fits_now(parts.content, state):
                return [FollowupAction("action_answer")]
            following, said = step(parts.content, state, event or Event(OTHER))
            following, said = _further(turn, following, said) if event else (following, said)
            written = found.after(following.to_dict(), data, version, following.stage in OVER, now)
            records.update_session(connection, written, found)
            records.log_sets(connection, written, now)
            if following.day_after not in (None, state.day_after):
                _note_day_after(connection, turn, following)
            note_pain(connection, turn, state, following, now)
        say_all(dispatcher, replies_of(parts.content, following, said, turn.region, written.version))
        is_done = following.stage in OVER and bool(following.logged) and following.ended_by in ("", "stopped_after")
        return [*session_slots(written, following), *(ask_consent(dispatcher, turn) if is_done else ()), END_OF_TURN]


class ActionCoachAgain(Action):
    """Says once more what a session waits for, behind the answer to something else."""

    def name(self) -> Text:
        return "action_coach_again"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn, parts = read_turn(tracker), runtime.current()
        if open_gate_of(turn).session_refusal():
            return [END_OF_TURN]
        with transaction(parts.engine) as connection:
            found = records.newest_session(connection, turn.conversation_id)
        if found is None or found.is_over or not turn.coach:
            return [END_OF_TURN]
        data, version = found.acknowledged(turn.coach["version"])
        state = State.from_dict(data)
        waiting = asked(parts.content, state)
        if state.stage == EXERCISE and not state.by_step:  # its steps were said: the amount and the choices are enough
            waiting = (replace(waiting[0], key="exercise_again"), Said("menu"))
        say_all(dispatcher, replies_of(parts.content, state, (Said("back_to_it"), *waiting), turn.region, version))
        return [SlotSet("expecting", expecting_of(state).to_slot()), END_OF_TURN]


def end_for_red_flag(connection: Any, turn: Turn, now: datetime) -> None:
    """End the session that runs, where a danger sign was raised: what was done in it stays."""
    found = records.newest_session(connection, turn.conversation_id)
    if found is None or found.is_over:
        return
    data, version = found.acknowledged(turn.coach["version"] if turn.coach else None)
    following, _ = step(runtime.current().content, State.from_dict(data), Event(RED_FLAG))
    records.update_session(connection, found.after(following.to_dict(), data, version, True, now), found)


def _news(turn: Turn, state: State) -> Optional[Event]:
    """Return what a message says to hold of the person that was not known, where it does not answer a question about just that."""
    if turn.button or state.stage in LISTS or (asks(turn.text) and state.stage not in STAGES_WITH_PLAN):
        return None
    answer = runtime.current().answer(turn.text)
    named = set(turn.situations) if answer.is_short else {*turn.situations, *runtime.current().holding(turn.text)}
    news = tuple(sorted(named - state.person.conditions))
    return Event(NEWS, chosen=news, weeks=weeks_told(answer)) if news else None


def _event(turn: Turn, state: State) -> Optional[Event]:
    """Return what the message does in this state; None where it answers nothing that is asked."""
    parts = runtime.current()
    if (turn.button or "").startswith(f"{COACH}:"):
        return event_of_payload(turn.button)
    if turn.button:
        return None
    answer = parts.answer(turn.text, parts.holding(turn.text), turn.understood["intent"])
    event = event_of(parts.content, state, answer)
    if event and asks(turn.text) and not event.may_be_asked and not answer.is_short:
        return None
    return None if event and event.kind == NO and state.stage in DANGER_STAGES and _denies_another(turn, state) else event


def _denies_another(turn: Turn, state: State) -> bool:
    """Return whether a message denies a danger sign, and none of those that are asked about: "no fever" is no answer to a question about a fall."""
    denied = set(turn.assessment.denied)
    return bool(denied) and denied.isdisjoint(runtime.current().content.programme.screen[state.open[0]].raises)


def _is_aside(turn: Turn) -> bool:
    """Return whether the message is for somebody else: something that can be answered, or that is declined."""
    if turn.button:
        return True
    answer = runtime.current().answer(turn.text)
    if answer.is_command or (len(answer.words) < FEWEST_WORDS_ASIDE and not asks(turn.text) and turn.understood["intent"] not in OWN_DATA):
        return False
    is_about_keeping = turn.understood["intent"] not in KEEPING or answer.says("keeping_word")
    is_understood = turn.understood["outcome"] == "answer" and turn.understood["intent"] not in NEVER_ASIDE and is_about_keeping
    return turn.understood["outcome"] == "out_of_scope" or is_understood


def _further(turn: Turn, state: State, said: tuple) -> tuple:
    """Take what else the message says of how long, where and with what: "4, and 15 minutes on the floor"."""
    answer = runtime.current().answer(turn.text)
    while True:
        event = follow_up_of(state, answer) if not turn.button else None
        if event is None:
            return state, said
        state, more = step(runtime.current().content, state, event)
        said = (*(each for each in said if not each.key.startswith("ask_")), *more)


def _note_day_after(connection: Any, turn: Turn, state: State) -> None:
    past = records.past_sessions(connection, turn.conversation_id)
    if past:
        records.set_day_after(connection, past[-1].id, state.day_after)
