"""One guided session as a state machine: from a state and what the person did to the next state and what is said. Nothing here reads, writes or knows the time.

No exercise is reached without the screen, the questions about the person, and pain now. Pain that rises ends an exercise before anything else is decided, and what was logged stays.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Callable, Mapping, Optional

from sijbot.coaching.programme import Person, held_back, must_stop, offers, phase_now
from sijbot.content.model import Amount, Content, HeldBack

SCREEN, WHICH, ABOUT_YOU, WEEK, SINCE, CLEARED = "screen", "which", "about_you", "week", "since", "cleared"
PAIN_BEFORE, MINUTES, PLACE, THINGS = "pain_before", "minutes", "place", "things"
EXERCISE, HURTS, PAIN_AFTER, SIGNS_AFTER = "exercise", "hurts", "pain_after", "signs_after"
PAUSED, DONE, ENDED = "paused", "done", "ended"
STAGES = (SCREEN, WHICH, ABOUT_YOU, WEEK, SINCE, CLEARED, PAIN_BEFORE, MINUTES, PLACE, THINGS, EXERCISE, HURTS, PAIN_AFTER, SIGNS_AFTER, PAUSED, DONE, ENDED)
OVER = (DONE, ENDED)

# What a person may do, as it was understood.
YES, NO, UNSURE, NUMBER, CHOSEN, NONE_OF_THEM = "yes", "no", "unsure", "number", "chosen", "none_of_them"
NEXT, REPEAT, EASIER, HARDER, SKIP, PAUSE, RESUME, STOP, IT_HURTS, WHY, RED_FLAG, OTHER = (
    "next", "repeat", "easier", "harder", "skip", "pause", "resume", "stop", "it_hurts", "why", "red_flag", "other",
)  # fmt: skip
EVENTS = (YES, NO, UNSURE, NUMBER, CHOSEN, NONE_OF_THEM, NEXT, REPEAT, EASIER, HARDER, SKIP, PAUSE, RESUME, STOP, IT_HURTS, WHY, RED_FLAG, OTHER)

MENU = (NEXT, REPEAT, EASIER, HARDER, SKIP, IT_HURTS, WHY, PAUSE, STOP)  # what a number chooses beside an exercise, from 1
HIGHEST_PAIN = 10
MINUTES_OFFERED = (5, 10, 15)
SECONDS_EACH, SECONDS_BETWEEN, SECONDS_A_MINUTE = 4, 30, 60  # of one repetition without a hold, and to get ready for an exercise
UPRIGHT = ("sitting", "standing", "walking")


@dataclass(frozen=True)
class Event:
    """What the person did. number: pain, weeks, or which of a list, from 1; chosen: ids of a list; is_sharp, spreads: of pain that is reported."""

    kind: str
    number: Optional[int] = None
    chosen: tuple[str, ...] = ()
    is_sharp: bool = False
    spreads: bool = False


@dataclass(frozen=True)
class Item:
    """One exercise of a plan: in which posture, how many rounds of how much."""

    exercise: str
    posture: str
    rounds: int
    count: int


@dataclass(frozen=True)
class Said:
    """What the coach says: the key of a text, and what fills it."""

    key: str
    about: str = ""
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """Where a session stands. answers: of the screen, by question; open: what is still to be asked of the person at this stage; logged: (place in the plan, round) of every set done;

    stopped: places of exercises that ended for today because pain rose, was sharp, or spread; ended_by: why a session ended before its end.
    """

    stage: str = SCREEN
    answers: Mapping[str, str] = field(default_factory=dict)
    person: Person = Person()
    open: tuple[str, ...] = ()
    phase: str = "calm"
    pain_before: Optional[int] = None
    pain_now: Optional[int] = None
    minutes: Optional[int] = None
    postures: Optional[frozenset[str]] = None
    plan: tuple[Item, ...] = ()
    place: int = 0
    round: int = 1
    logged: tuple[tuple[int, int], ...] = ()
    stopped: tuple[int, ...] = ()
    pain_after: Optional[int] = None
    paused_at: Optional[str] = None
    ended_by: str = ""


Step = tuple[State, tuple[Said, ...]]


def begun(content: Content, person: Person = Person(), answers: Optional[Mapping[str, str]] = None, phase: str = "calm") -> Step:
    """Return a new session. person, answers: what is known from before and is not asked again; phase: which the programme has reached."""
    known = {question: answer for question, answer in (answers or {}).items() if answer == NO}
    return _next_of_screen(content, State(person=person, answers=known, phase=phase))


def step(content: Content, state: State, event: Event) -> Step:
    """Return what follows from an event, in any state: never an error, and never less logged than before."""
    if state.stage in OVER:
        return state, (Said("over", state.ended_by),)
    if event.kind == RED_FLAG:
        return _ended(state, "red_flag")
    if state.stage == PAUSED:
        return _resumed(content, state) if event.kind != STOP else _stopped(replace(state, stage=state.paused_at, paused_at=None))
    if event.kind == PAUSE:
        return replace(state, stage=PAUSED, paused_at=state.stage), (Said("paused"),)
    if event.kind == STOP:
        return _stopped(state)
    return _AT[state.stage](content, state, event)


def asked(content: Content, state: State) -> tuple[Said, ...]:
    """Return what a state waits for, as it is said again after an interruption."""
    if state.stage == EXERCISE:
        return (_exercise_said(state),)
    about = state.open[0] if state.open else ""
    return (Said(f"ask_{state.stage}", about, {"choices": _choices(content, state)}),)


def _choices(content: Content, state: State) -> tuple[str, ...]:
    if state.stage == WHICH:
        return content.programme.screen[state.open[0]].opens
    return state.open if state.stage == ABOUT_YOU else ()


def _again(content: Content, state: State) -> Step:
    return state, (Said("not_understood", state.stage), *asked(content, state))


def _to(content: Content, state: State, *said: Said) -> Step:
    return state, (*said, *asked(content, state))


def _ended(state: State, by: str, *said: Said) -> Step:
    return replace(state, stage=ENDED, ended_by=by), (*said, Said("ended", by))


def _stopped(state: State) -> Step:
    """Return the end by the person's own wish: after exercises, pain is asked for once more."""
    if state.stage in (EXERCISE, HURTS) and (state.logged or state.stopped):
        return replace(state, stage=PAIN_AFTER), (Said("stopped"), Said(f"ask_{PAIN_AFTER}"))
    return _ended(state, "stopped")


def _resumed(content: Content, state: State) -> Step:
    return _to(content, replace(state, stage=state.paused_at, paused_at=None), Said("resumed"))


# The gate: the screen, then what holds of the person.


def _next_of_screen(content: Content, state: State) -> Step:
    waiting = tuple(question for question in content.programme.screen if question not in state.answers)
    if waiting:
        return _to(content, replace(state, stage=SCREEN, open=waiting))
    return _about_you(content, state)


def _at_screen(content: Content, state: State, event: Event) -> Step:
    question = state.open[0]
    if event.kind not in (YES, NO, UNSURE):
        return _again(content, state)
    answered = replace(state, answers={**state.answers, question: event.kind})
    if event.kind == NO:
        return _next_of_screen(content, answered)
    if content.programme.screen[question].raises:
        return _ended(answered, "screen", Said("screen_raised", question))
    return _to(content, replace(answered, stage=WHICH))


def _at_which(content: Content, state: State, event: Event) -> Step:
    if event.kind in (NONE_OF_THEM, NO):
        return _next_of_screen(content, state)
    holding = _chosen_of(event, _choices(content, state))
    if not holding:
        return _again(content, state)
    return _next_of_screen(content, _with_conditions(state, holding))


def _about_you(content: Content, state: State) -> Step:
    programme = content.programme
    more = tuple(condition for holds, asked_of in programme.asked_of.items() if holds in state.person.conditions for condition in asked_of)
    open_ones = tuple(condition for condition in (*more, *programme.asked_of_everybody) if condition not in state.person.conditions)
    return _to(content, replace(state, stage=ABOUT_YOU, open=open_ones))


def _at_about_you(content: Content, state: State, event: Event) -> Step:
    if event.kind in (NONE_OF_THEM, NO):
        return _next_of_person(content, state)
    holding = _chosen_of(event, state.open)
    return _next_of_person(content, _with_conditions(state, holding)) if holding else _again(content, state)


def _chosen_of(event: Event, choices: tuple[str, ...]) -> tuple[str, ...]:
    if event.kind == CHOSEN:
        return tuple(choice for choice in event.chosen if choice in choices)
    is_one = event.kind == NUMBER and event.number is not None and 1 <= event.number <= len(choices)
    return (choices[event.number - 1],) if is_one else ()


def _with_conditions(state: State, holding: tuple[str, ...]) -> State:
    return replace(state, person=replace(state.person, conditions=state.person.conditions | set(holding)))


def _rules_of(content: Content, person: Person, is_so: Callable[[HeldBack], bool]) -> tuple[str, ...]:
    """Return the conditions that hold and have a rule of a kind, in the order of the file."""
    return tuple(dict.fromkeys(rule.when for rule in content.programme.held_back if rule.when in person.conditions and is_so(rule)))


def _next_of_person(content: Content, state: State, done: tuple[str, ...] = ()) -> Step:
    """Ask for the weeks and agreements on which the rules of this person hang; then go on to pain, or end where everything is held back.

    done: the stages of this row that are over.
    """
    person = state.person
    rows = (
        (WEEK, _rules_of(content, person, lambda rule: rule.from_week is not None) if person.week is None else ()),
        (SINCE, tuple(when for when in _rules_of(content, person, lambda rule: rule.before_weeks is not None) if when not in person.weeks_since)),
        (CLEARED, tuple(when for when in _rules_of(content, person, lambda rule: rule.until_cleared) if when not in person.cleared)),
    )
    for stage, waiting in rows:
        if waiting and stage not in done:
            return _to(content, replace(state, stage=stage, open=waiting))
    exercises = content.programme.phases[state.phase].exercises
    if not offers(content, person, state.phase):
        reasons = dict.fromkeys(rule for exercise in exercises for rule in held_back(content, person, exercise, state.phase))
        return _ended(replace(state, open=()), "held_back", *(Said("held_back", rule.when, {"why": rule.why}) for rule in reasons))
    return _to(content, replace(state, stage=PAIN_BEFORE, open=()))


def _at_week(content: Content, state: State, event: Event) -> Step:
    """A week that is not known stays unknown, and the stricter rule holds."""
    if event.kind == NUMBER and event.number is not None and event.number >= 0:
        return _next_of_person(content, replace(state, person=replace(state.person, week=event.number)), (WEEK,))
    return _next_of_person(content, state, (WEEK,)) if event.kind == UNSURE else _again(content, state)


def _at_since(content: Content, state: State, event: Event) -> Step:
    when, *others = state.open
    if event.kind == NUMBER and event.number is not None and event.number >= 0:
        state = replace(state, person=replace(state.person, weeks_since={**state.person.weeks_since, when: event.number}))
    elif event.kind != UNSURE:
        return _again(content, state)
    return _to(content, replace(state, open=tuple(others))) if others else _next_of_person(content, state, (WEEK, SINCE))


def _at_cleared(content: Content, state: State, event: Event) -> Step:
    when, *others = state.open
    if event.kind not in (YES, NO, UNSURE):
        return _again(content, state)
    if event.kind == YES:
        state = replace(state, person=replace(state.person, cleared=state.person.cleared | {when}))
    return _to(content, replace(state, open=tuple(others))) if others else _next_of_person(content, state, (WEEK, SINCE, CLEARED))


# Before the first exercise: pain now, how long, where, with what.


def _pain_of(event: Event) -> Optional[int]:
    return event.number if event.kind == NUMBER and event.number is not None and 0 <= event.number <= HIGHEST_PAIN else None


def _at_pain_before(content: Content, state: State, event: Event) -> Step:
    pain = _pain_of(event)
    if pain is None:
        return _again(content, state)
    phase = phase_now(content, state.phase, pain)
    state = replace(state, pain_before=pain, pain_now=pain)
    if phase is None:
        return _ended(state, "too_much_pain")
    return _to(content, replace(state, phase=phase, stage=MINUTES))


def _at_minutes(content: Content, state: State, event: Event) -> Step:
    """Take one of the lengths on offer, by its place or as minutes; "any" is what the phase takes."""
    if event.kind == UNSURE:
        return _to(content, replace(state, minutes=content.programme.phases[state.phase].minutes, stage=PLACE))
    if event.kind != NUMBER or event.number is None or event.number < 1:
        return _again(content, state)
    minutes = MINUTES_OFFERED[event.number - 1] if event.number <= len(MINUTES_OFFERED) else event.number
    return _to(content, replace(state, minutes=minutes, stage=PLACE))


def _at_place(content: Content, state: State, event: Event) -> Step:
    """Take whether the person can get down on a floor or a bed: yes or 1, no or 2. Not sure is not yes."""
    if event.kind == YES or (event.kind == NUMBER and event.number == 1):
        return _to(content, replace(state, postures=None, stage=THINGS))
    if event.kind in (NO, UNSURE) or (event.kind == NUMBER and event.number == 2):
        return _to(content, replace(state, postures=frozenset(UPRIGHT), stage=THINGS))
    return _again(content, state)


def _at_things(content: Content, state: State, event: Event) -> Step:
    if event.kind not in (CHOSEN, NONE_OF_THEM, NO):
        return _again(content, state)
    plan = planned(content, state, frozenset(event.chosen))
    if not plan:
        return _ended(state, "nothing_fits")
    return _to(content, replace(state, plan=plan, place=0, round=1, stage=EXERCISE), Said("before_starting"))


def planned(content: Content, state: State, equipment: frozenset[str]) -> tuple[Item, ...]:
    """Return the exercises of a session, in the order of the phase, one round each, as many as fit in the minutes, the first always; rounds are added where time is left."""
    found = offers(content, state.person, state.phase, state.postures, equipment | {"chair", "counter"})
    items = [Item(offer.exercise, offer.postures[0], 1, content.exercises[offer.exercise].amount.least) for offer in found]
    left = (state.minutes or MINUTES_OFFERED[0]) * SECONDS_A_MINUTE
    plan: list[Item] = []
    for item in items:
        takes = SECONDS_BETWEEN + seconds_of(content.exercises[item.exercise].amount, item.count)
        if not plan or takes <= left:
            plan.append(item)
            left -= takes
    for place, item in enumerate(plan):
        amount = content.exercises[item.exercise].amount
        while plan[place].rounds < amount.rounds and seconds_of(amount, item.count) <= left:
            plan[place] = replace(plan[place], rounds=plan[place].rounds + 1)
            left -= seconds_of(amount, item.count)
    return tuple(plan)


def seconds_of(amount: Amount, count: int) -> int:
    """Return how long one round takes, in seconds."""
    if amount.unit == "minutes":
        return count * SECONDS_A_MINUTE
    each = (amount.hold_s or SECONDS_EACH) + (amount.rest_s or 0)
    return count * each * (2 if amount.each_side else 1)


# The exercises.


def _exercise_said(state: State) -> Said:
    item = state.plan[state.place]
    return Said("exercise", item.exercise, {"posture": item.posture, "count": item.count, "round": state.round, "rounds": item.rounds, "place": state.place + 1, "of": len(state.plan)})


def _at_exercise(content: Content, state: State, event: Event) -> Step:
    if event.kind == NUMBER:
        is_in_menu = event.number is not None and 1 <= event.number <= len(MENU)
        return step(content, state, Event(MENU[event.number - 1])) if is_in_menu else _again(content, state)
    item = state.plan[state.place]
    if event.kind in (NEXT, YES):
        logged = replace(state, logged=tuple(dict.fromkeys((*state.logged, (state.place, state.round)))))
        if state.round < item.rounds:
            return _to(content, replace(logged, round=state.round + 1))
        return _next_exercise(content, logged)
    if event.kind == SKIP:
        return _next_exercise(content, state, Said("skipped", item.exercise))
    if event.kind == IT_HURTS:
        return _hurts(content, replace(state, stage=HURTS), event)
    if event.kind in (EASIER, HARDER):
        return _to(content, state, Said(event.kind, item.exercise))
    if event.kind == WHY:
        return _to(content, state, Said("why", item.exercise, {"phase": state.phase}))
    return _again(content, state) if event.kind != REPEAT else _to(content, state)


def _next_exercise(content: Content, state: State, *said: Said) -> Step:
    if state.place + 1 == len(state.plan):
        return _to(content, replace(state, stage=PAIN_AFTER), *said)
    return _to(content, replace(state, stage=EXERCISE, place=state.place + 1, round=1), *said)


def _hurts(content: Content, state: State, event: Event) -> Step:
    """Judge pain during an exercise: the exercise ends where it rises, is sharp, or spreads; the session ends where it is too much, or spreads."""
    pain = event.number if event.kind in (IT_HURTS, NUMBER) and event.number is not None and 0 <= event.number <= HIGHEST_PAIN else None
    if pain is None and not event.is_sharp and not event.spreads:
        return _to(content, state) if event.kind == IT_HURTS else _again(content, state)
    now = pain if pain is not None else state.pain_now
    state = replace(state, pain_now=now)
    if not must_stop(state.pain_before, now, event.is_sharp, event.spreads):
        return _to(content, replace(state, stage=EXERCISE), Said("pain_not_risen"))
    state = replace(state, stopped=tuple(dict.fromkeys((*state.stopped, state.place))))
    if event.spreads or now >= content.programme.numbers.nothing_from:
        return _to(content, replace(state, stage=SIGNS_AFTER, pain_after=now, open=content.programme.asked_after), Said("stop_all"))
    return _next_exercise(content, state, Said("stop_exercise", state.plan[state.place].exercise))


# Behind the last exercise.


def _at_pain_after(content: Content, state: State, event: Event) -> Step:
    pain = _pain_of(event)
    if pain is None:
        return _again(content, state)
    return _to(content, replace(state, pain_after=pain, stage=SIGNS_AFTER, open=content.programme.asked_after))


def _at_signs_after(content: Content, state: State, event: Event) -> Step:
    question, *others = state.open
    if event.kind in (YES, UNSURE):
        return _ended(state, "screen", Said("screen_raised", question))
    if event.kind != NO:
        return _again(content, state)
    if others:
        return _to(content, replace(state, open=tuple(others)))
    return replace(state, stage=DONE, open=()), (Said("summary", "", {"before": state.pain_before, "after": state.pain_after, "sets": len(state.logged)}),)


_AT: Mapping[str, Callable[[Content, State, Event], Step]] = {
    SCREEN: _at_screen, WHICH: _at_which, ABOUT_YOU: _at_about_you, WEEK: _at_week, SINCE: _at_since, CLEARED: _at_cleared,
    PAIN_BEFORE: _at_pain_before, MINUTES: _at_minutes, PLACE: _at_place, THINGS: _at_things,
    EXERCISE: _at_exercise, HURTS: _hurts, PAIN_AFTER: _at_pain_after, SIGNS_AFTER: _at_signs_after,
}  # fmt: skip
