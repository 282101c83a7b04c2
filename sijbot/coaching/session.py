"""One guided session as a state machine: from a state and what the person did to the next state and what is said. Nothing here reads, writes or knows the time.

No exercise is reached without the screen, the questions about the person, and pain now. Pain that rises ends an exercise before anything else is decided, and what was logged stays.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any, Callable, Mapping, Optional

from sijbot.coaching.plan import UPRIGHT, Item, minutes_of, planned
from sijbot.coaching.programme import DAY_AFTER, IMPROVING, PREGNANT, Done, Past, Person, Session, Standing, colour, held_back, holds, may_be_done, must_stop, offers, phase_now, suited_to
from sijbot.content.model import Content, HeldBack

SCREEN, WHICH, ABOUT_YOU, WEEK, SINCE, CLEARED = "screen", "which", "about_you", "week", "since", "cleared"
RETURN_TEST, PAIN_BEFORE, MINUTES, PLACE, THINGS = "return_test", "pain_before", "minutes", "place", "things"
EXERCISE, HURTS, PAIN_AFTER, SIGNS_AFTER = "exercise", "hurts", "pain_after", "signs_after"
PAUSED, DONE, ENDED = "paused", "done", "ended"
STAGES = (
    DAY_AFTER, IMPROVING, SCREEN, WHICH, ABOUT_YOU, WEEK, SINCE, CLEARED, RETURN_TEST, PAIN_BEFORE, MINUTES, PLACE, THINGS, EXERCISE, HURTS, PAIN_AFTER, SIGNS_AFTER, PAUSED, DONE, ENDED,
)  # fmt: skip
OVER = (DONE, ENDED)
STAGES_WITH_PLAN = (EXERCISE, HURTS)
ENDED_WELL = ("", "stopped", "stopped_after")  # what `ended_by` is where nothing spoke against exercises
LISTS = (WHICH, ABOUT_YOU)
DANGER_STAGES = (SCREEN, SIGNS_AFTER)  # where a yes, or a doubt, may raise a danger sign

# What a person may do, as it was understood.
YES, NO, UNSURE, NUMBER, CHOSEN, NONE_OF_THEM = "yes", "no", "unsure", "number", "chosen", "none_of_them"
NEXT, REPEAT, EASIER, HARDER, SKIP, PAUSE, RESUME, STOP, IT_HURTS, WHY, RED_FLAG, OTHER = (
    "next", "repeat", "easier", "harder", "skip", "pause", "resume", "stop", "it_hurts", "why", "red_flag", "other",
)  # fmt: skip
STEP_BY_STEP, ALL_STEPS, PLAN_LEFT, NEWS, BACK, UNWELL, FELL, MOVED = "step_by_step", "all_steps", "plan_left", "news", "back", "unwell", "fell", "moved"
EVENTS = (
    YES, NO, UNSURE, NUMBER, CHOSEN, NONE_OF_THEM, NEXT, REPEAT, EASIER, HARDER, SKIP, PAUSE, RESUME, STOP, IT_HURTS, WHY, RED_FLAG, OTHER, STEP_BY_STEP, ALL_STEPS, PLAN_LEFT, NEWS,
    BACK, UNWELL, FELL, MOVED,
)  # fmt: skip

MENU = (NEXT, REPEAT, EASIER, HARDER, SKIP, PAUSE, STOP, IT_HURTS, WHY)  # what a number chooses beside an exercise, from 1
HIGHEST_PAIN = 10
_VERY_LONG_AGO = 10_000  # weeks
_MINUTES_LEFT = 4  # so many fewer than there are go without a word


@dataclass(frozen=True)
class Event:
    """What the person did. number: pain, weeks, or which of a list, from 1; chosen: ids of a list; is_sharp, spreads: of pain that is reported.

    is_whole: whether a list was answered as a whole, by its numbers, or only something of it was named; weeks: told beside what was named ("a baby nine weeks ago").
    """

    kind: str
    number: Optional[int] = None
    chosen: tuple[str, ...] = ()
    is_sharp: bool = False
    spreads: bool = False
    is_whole: bool = True
    weeks: Optional[int] = None

    @property
    def may_be_asked(self) -> bool:
        """Whether it may be put as a question: "why this one?" is no question of somebody else's."""
        return self.kind in (WHY, REPEAT, PLAN_LEFT, EASIER, HARDER, IT_HURTS, PAUSE, STOP, SKIP, STEP_BY_STEP, ALL_STEPS, UNWELL, FELL, MOVED)


@dataclass(frozen=True)
class Said:
    """What the coach says: the key of a text, and what fills it."""

    key: str
    about: str = ""
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """Where a session stands. answers: of the screen, by question; open: what is still to be asked of the person at this stage; logged: (place in the plan, round) of every set done;

    stopped: places of exercises that ended for today because pain rose, was sharp, or spread, and hurt: the pain at which; bad: those of them whose pain was sharp or spread; eased, hardened: places that were asked to be easier or harder;
    can_lie, equipment: None where it was not asked yet; by_step, line: whether steps are said one at a time, and which; resumes: whether it goes on after a break; ended_by: why it ended before its end.
    """

    stage: str = SCREEN
    standing: Standing = Standing()
    if_worse: Optional[Standing] = None  # where somebody stands if the last session was followed by a bad day
    first: tuple[str, ...] = ()
    day_after: Optional[str] = None
    improving: Optional[str] = None
    answers: Mapping[str, str] = field(default_factory=dict)
    person: Person = Person()
    asked: tuple[str, ...] = ()  # what may hold of the person and was asked
    noted: tuple[str, ...] = ()  # what was chosen last, to be taken back where it was a slip
    open: tuple[str, ...] = ()
    phase: str = "calm"
    pain_before: Optional[int] = None
    pain_now: Optional[int] = None
    minutes: Optional[int] = None
    can_lie: Optional[bool] = None
    equipment: Optional[tuple[str, ...]] = None
    plan: tuple[Item, ...] = ()
    place: int = 0
    round: int = 1
    by_step: bool = False
    line: int = 0
    logged: tuple[tuple[int, int], ...] = ()
    stopped: tuple[int, ...] = ()
    hurt: Mapping[int, int] = field(default_factory=dict)
    bad: tuple[int, ...] = ()
    eased: tuple[int, ...] = ()
    hardened: tuple[int, ...] = ()
    pain_after: Optional[int] = None
    paused_at: Optional[str] = None
    resumes: bool = False
    ended_by: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready data; `from_dict` reads it."""
        data = asdict(self)
        data["person"] = {**data["person"], "conditions": sorted(self.person.conditions), "cleared": sorted(self.person.cleared)}
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "State":
        person = Person(frozenset(data["person"]["conditions"]), frozenset(data["person"]["cleared"]), data["person"]["week"], data["person"]["weeks_since"])
        tuples = {name: tuple(data[name]) for name in ("first", "asked", "noted", "open", "stopped", "bad", "eased", "hardened")}
        return cls(**{
            **data, **tuples, "person": person, "plan": tuple(Item(**item) for item in data["plan"]), "logged": tuple(tuple(each) for each in data["logged"]),
            "hurt": {int(place): pain for place, pain in data["hurt"].items()}, "standing": _standing(data["standing"]), "if_worse": _standing(data["if_worse"]) if data["if_worse"] else None,
            "equipment": None if data["equipment"] is None else tuple(data["equipment"]),
        })  # fmt: skip


def _standing(data: Mapping[str, Any]) -> Standing:
    return Standing(**{**data, **{name: tuple(data[name]) for name in ("left_out", "first", "news")}})


Step = tuple[State, tuple[Said, ...]]


def begun(
    content: Content, person: Person = Person(), answers: Optional[Mapping[str, str]] = None, standing: Standing = Standing(), if_worse: Optional[Standing] = None, asked: tuple[str, ...] = (),
    minutes: Optional[int] = None, can_lie: Optional[bool] = None, equipment: Optional[tuple[str, ...]] = None,
) -> Step:  # fmt: skip
    """Return a new session. person, answers: what is known from before and is not asked again, asked: what of the list about the person was gone through; standing: where the programme has come to;

    minutes, can_lie, equipment: what was said beforehand of this session.
    """
    known = {question: answer for question, answer in (answers or {}).items() if answer == NO or content.programme.screen[question].opens}
    state = State(
        person=person, asked=asked, answers=known, phase=standing.phase, standing=standing, if_worse=if_worse, first=standing.first, minutes=minutes, can_lie=can_lie, equipment=equipment,
    )  # fmt: skip
    return _ended(state, "programme") if standing.ends else _next_of_first(content, state)


def returned(content: Content, state: State) -> Step:
    """Return a session that goes on after a break: beside an exercise, what may have changed is asked first; then it is at the same place."""
    if state.stage in OVER:
        return state, (Said("nothing_to_resume"),)
    waits_at = state.paused_at if state.stage == PAUSED else state.stage
    if waits_at not in (EXERCISE, HURTS):
        return _to(content, replace(state, stage=waits_at, paused_at=None), Said("resumed"))
    answers = {question: answer for question, answer in state.answers.items() if question not in content.programme.asked_after}
    state, said = _next_of_screen(content, replace(state, answers=answers, resumes=True, paused_at=None, open=()))
    return state, (Said("resumed_later"), *said)


def step(content: Content, state: State, event: Event) -> Step:
    """Return what follows from an event, in any state: never an error, never less logged than before, and never an exercise that is kept from the person by what is known now."""
    following, said = _stepped(content, state, event)
    if fits_now(content, following):
        return following, said
    anew, asks = _about_you(content, replace(following, resumes=False))
    return anew, (*(each for each in said if each.key != "exercise"), Said("news"), *asks)


def fits_now(content: Content, state: State) -> bool:
    """Return whether the exercise that is shown, where one is, may be done by what is known of the person now."""
    item = state.plan[state.place] if state.stage == EXERCISE else None
    return item is None or may_be_done(content, state.person, item.exercise, state.phase, item.posture)


def _stepped(content: Content, state: State, event: Event) -> Step:
    if state.stage in OVER:
        return state, (Said("over", state.ended_by),)
    if event.kind == RED_FLAG:
        return _ended(state, "red_flag")
    if event.kind == NEWS:
        return _with_news(content, state, event)
    if event.kind in _ASKS_ANEW:
        return _unwell(content, state, event)
    if event.kind == BACK:
        return _taken_back(content, state)
    if event.kind == REPEAT and state.stage not in (EXERCISE, PAUSED):
        return _to(content, state)
    if event.kind == WHY and state.stage != EXERCISE:
        return _to(content, state, Said("why_asked"))
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
    if state.stage == PAUSED:
        return (Said("paused"),)
    about = state.open[0] if state.open else ""
    return (Said(f"ask_{state.stage}", about, {"choices": choices_of(content, state), "before": state.pain_before, "answered": len(state.answers)}),)


def choices_of(content: Content, state: State) -> tuple[str, ...]:
    if state.stage == WHICH:
        return content.programme.screen[state.open[0]].opens
    return state.open if state.stage == ABOUT_YOU else ()


def _again(content: Content, state: State) -> Step:
    hint = Said("not_understood", state.stage, {"hint": _HINTS.get(state.stage, "hint_number")})
    return state, (hint,) if state.stage in LISTS else (hint, *asked(content, state))  # a long list is not said again unasked


_HINTS = {
    SCREEN: "hint_yes_no", SIGNS_AFTER: "hint_yes_no", CLEARED: "hint_yes_no", IMPROVING: "hint_yes_no", RETURN_TEST: "hint_yes_no", DAY_AFTER: "hint_yes_no", WHICH: "hint_list", ABOUT_YOU: "hint_list",
    THINGS: "hint_list", PAIN_BEFORE: "hint_pain", PAIN_AFTER: "hint_pain", HURTS: "hint_pain", PLACE: "hint_place", EXERCISE: "hint_exercise",
}  # fmt: skip
_ASKS_ANEW = {UNWELL: ("unwell",), FELL: ("accident",)}  # what of the screen is asked once more, before anything else


def _to(content: Content, state: State, *said: Said) -> Step:
    return state, (*said, *asked(content, state))


def _ended(state: State, by: str, *said: Said) -> Step:
    return replace(state, stage=ENDED, ended_by=by), (*said, Said("ended", by))


def _stopped(state: State) -> Step:
    """Return the end by the person's own wish: after exercises, pain is asked for once more."""
    if state.stage in (EXERCISE, HURTS) and (state.logged or state.stopped):
        return replace(state, stage=PAIN_AFTER), (Said("stopped"), Said(f"ask_{PAIN_AFTER}", "", {"before": state.pain_before}))
    is_worried = state.stage == SIGNS_AFTER or (state.stage == SCREEN and len(state.answers) > len(state.open))  # asked anew, since something was not right
    return _ended(state, "stopped_after" if state.logged or state.stopped or is_worried else "stopped")


def _with_news(content: Content, state: State, event: Event) -> Step:
    """Take something that has come to hold of the person, or was told late: once a plan was made, what may still be done is asked and planned anew."""
    may_hold = {**content.programme.conditions, **content.programme.situations_asked}
    news = tuple(condition for condition in event.chosen if condition in may_hold and condition not in state.person.conditions)
    state = _with_conditions(content, state, news, event.weeks)
    if not news:
        return _to(content, state)
    if state.stage == SCREEN:  # the question may have been answered by it
        state, said = _next_of_screen(content, state)
        return state, (*_noted(state), *said)
    if state.pain_before is None or state.stage in (*_BEFORE_PERSON, PAUSED, PAIN_AFTER, SIGNS_AFTER):
        return _to(content, state, *_noted(state))
    state, said = _about_you(content, replace(state, resumes=False))
    return state, (*_noted(state), Said("news"), *said)


def _resumed(content: Content, state: State) -> Step:
    return _to(content, replace(state, stage=state.paused_at, paused_at=None), Said("resumed"))


def _unwell(content: Content, state: State, event: Event) -> Step:
    """Take that somebody is not well, or fell: nothing goes on before the questions about it are answered, and beside an exercise nothing goes on at all today."""
    questions = tuple(question for question in _ASKS_ANEW[event.kind] if question in content.programme.screen)
    if state.plan:
        stopped = (*state.stopped, state.place) if state.stage in STAGES_WITH_PLAN else state.stopped
        open_ones = tuple(dict.fromkeys((*questions, *content.programme.asked_after)))
        after = state.pain_after if state.pain_after is not None else state.pain_now
        state = replace(state, stage=SIGNS_AFTER, stopped=tuple(dict.fromkeys(stopped)), pain_after=after, open=open_ones, paused_at=None)
        return _to(content, state, Said("stop_all"), Said("unwell_first"))
    answers = {question: answer for question, answer in state.answers.items() if question not in questions}
    state, said = _next_of_screen(content, replace(state, answers=answers, paused_at=None))
    return state, (Said("unwell_first"), *said)


def _taken_back(content: Content, state: State) -> Step:
    """Take back what was noted last, and ask for it again."""
    if not state.noted or state.plan:
        return _again(content, state)
    person = replace(state.person, conditions=state.person.conditions.difference(state.noted))
    answers = {question: answer for question, answer in state.answers.items() if not set(state.noted).intersection(content.programme.screen[question].opens)}
    state, said = _next_of_screen(content, replace(state, person=person, answers=answers, asked=(), noted=()))
    return state, (Said("noted_wrong"), *said)


_BEFORE_PERSON = (DAY_AFTER, IMPROVING, SCREEN, WHICH, ABOUT_YOU, WEEK, SINCE, CLEARED)


# How it went since the last session.


def _next_of_first(content: Content, state: State) -> Step:
    if state.first:
        return _to(content, replace(state, stage=state.first[0], first=state.first[1:]))
    return _next_of_screen(content, state)


def _at_day_after(content: Content, state: State, event: Event) -> Step:
    """Take whether the joint was as usual within a day; if not, the last session counts as red."""
    if event.kind not in (YES, NO, UNSURE):
        return _again(content, state)
    state = replace(state, day_after=event.kind)
    if event.kind != NO or state.if_worse is None:
        return _next_of_first(content, state)
    state = replace(state, standing=state.if_worse, phase=state.if_worse.phase)
    if state.standing.ends:
        return _ended(state, "programme")
    state, said = _next_of_first(content, state)
    return state, (Said("day_after_worse"), *said)


def _at_improving(content: Content, state: State, event: Event) -> Step:
    if event.kind not in (YES, NO, UNSURE):
        return _again(content, state)
    state, said = _next_of_first(content, replace(state, improving=event.kind))
    return (state, said) if event.kind == YES else (state, (Said("not_improving"), *said))


# The gate: the screen, then what holds of the person.


def _next_of_screen(content: Content, state: State) -> Step:
    known = {question for question, asked_ in content.programme.screen.items() if state.person.conditions.intersection(asked_.opens)}
    waiting = tuple(question for question in content.programme.screen if question not in state.answers and question not in known)
    if waiting:
        return _to(content, replace(state, stage=SCREEN, open=waiting))
    if state.resumes:
        return _to(content, replace(state, stage=PAIN_BEFORE, open=()))
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
        state, said = _next_of_screen(content, state)
        return state, (Said("which_none"), *said)
    holding = _chosen_of(event, (*choices_of(content, state), *content.programme.conditions, *content.programme.situations_asked))
    if not holding:
        return _again(content, state)
    state, said = _next_of_screen(content, _with_conditions(content, state, holding, event.weeks))
    return state, (*_noted(state), *said)


def _about_you(content: Content, state: State) -> Step:
    """Ask what may hold of the person and was not asked yet; what has come to hold since may bring questions of its own."""
    programme, person = content.programme, state.person
    if not offers(content, _at_best(person), state.phase):
        return _held_back(content, state)
    more = tuple(condition for holds, asked_of in programme.asked_of.items() if holds in person.conditions for condition in asked_of)
    open_ones = tuple(condition for condition in (*more, *programme.asked_of_everybody) if condition not in person.conditions and condition not in state.asked)
    if not open_ones:
        return _next_of_person(content, state)
    return _to(content, replace(state, stage=ABOUT_YOU, open=open_ones))


def _at_about_you(content: Content, state: State, event: Event) -> Step:
    asked = replace(state, asked=(*state.asked, *state.open))
    if event.kind in (NONE_OF_THEM, NO):
        return _about_you(content, asked)
    holding = _chosen_of(event, (*state.open, *content.programme.conditions, *content.programme.situations_asked))
    if not holding:
        return _again(content, state)
    chosen = _with_conditions(content, asked if event.is_whole else state, holding, event.weeks)
    state, said = _about_you(content, chosen)
    more = (Said("noted_more"),) if state.stage == ABOUT_YOU and not event.is_whole else ()
    return state, (*_noted(state), *more, *said)


def _chosen_of(event: Event, choices: tuple[str, ...]) -> tuple[str, ...]:
    if event.kind == CHOSEN:
        return tuple(choice for choice in event.chosen if choice in choices)
    is_one = event.kind == NUMBER and event.number is not None and 1 <= event.number <= len(choices)
    return (choices[event.number - 1],) if is_one else ()


def _with_conditions(content: Content, state: State, holding: tuple[str, ...], weeks: Optional[int] = None) -> State:
    """Return the state with what holds, and what that implies. weeks: told beside it, of the pregnancy or since what happened."""
    holding = tuple(each for each in holding if weeks is None or content.condition(each).within_weeks is None or weeks <= content.condition(each).within_weeks)
    implied = {content.condition(condition).implies for condition in holding} - {None}
    person = replace(state.person, conditions=state.person.conditions.union(holding, implied))
    if weeks is not None:
        since = [condition for condition in holding if condition in content.programme.since_asked]
        person = replace(person, weeks_since={**person.weeks_since, since[0]: weeks}) if since else replace(person, week=weeks) if PREGNANT in {*holding, *implied} and weeks <= content.programme.numbers.pregnancy_to_week else person
    return replace(state, person=person, noted=tuple(holding))


def _noted(state: State) -> tuple[Said, ...]:
    return (Said("noted", "", {"conditions": state.noted}),) if state.noted else ()


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
    if not offers(content, person, state.phase):
        return _held_back(content, state)
    limits = tuple(Said("held_back", rule.when, {"why": rule.why}) for rule in content.programme.held_back if rule.only and holds(rule, person))
    return _to(content, replace(state, stage=RETURN_TEST if state.standing.asks_return_test else PAIN_BEFORE, open=()), *limits)


def _held_back(content: Content, state: State) -> Step:
    """Return the end of a session in which nothing may be done, with each reason once."""
    exercises = content.programme.phases[state.phase].exercises
    reasons = dict.fromkeys(rule for exercise in exercises for rule in held_back(content, state.person, exercise, state.phase))
    return _ended(replace(state, open=()), "held_back", *(Said("held_back", rule.when, {"why": rule.why}) for rule in reasons))


def _at_best(person: Person) -> Person:
    """Return somebody as they may be once all is known: what is held back even then needs no further question."""
    week = person.week if person.week is not None else 0
    return replace(person, week=week, cleared=person.conditions, weeks_since={**dict.fromkeys(person.conditions, _VERY_LONG_AGO), **person.weeks_since})


def _at_return_test(content: Content, state: State, event: Event) -> Step:
    """Take whether the test of the last phase goes well; only then it begins."""
    if event.kind not in (YES, NO, UNSURE):
        return _again(content, state)
    following = content.programme.phases[state.standing.phase].next
    if event.kind != YES or following is None:
        return _to(content, replace(state, stage=PAIN_BEFORE), Said("return_test_later"))
    standing = replace(state.standing, phase=following, asks_return_test=False, news=(*state.standing.news, "phase_next"))
    return _to(content, replace(state, stage=PAIN_BEFORE, standing=standing, phase=following))


def _at_week(content: Content, state: State, event: Event) -> Step:
    """A week that is not known stays unknown, and the stricter rule holds."""
    if event.kind == NUMBER and event.number is not None and 0 <= event.number <= content.programme.numbers.pregnancy_to_week:
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
    phase = phase_now(content, state.standing.phase, pain)
    if phase is None:
        return _ended(replace(state, pain_before=pain, pain_now=pain), "too_much_pain")
    if state.resumes and phase == state.phase and not must_stop(state.pain_before, pain):
        return _to(content, replace(state, pain_now=pain, resumes=False, stage=EXERCISE))
    news = tuple(Said(key, "", {"phase": phase}) for key in state.standing.news)
    is_calmer = phase != state.standing.phase
    calmer = (Said("phase_calm", "", {"phase": phase}),) if is_calmer else ()
    state = replace(state, pain_before=pain, pain_now=pain, phase=phase, resumes=False, minutes=None if state.resumes else state.minutes)
    return _next_of_plan(content, state, *(said for said in news if not (is_calmer and said.key == "phase_next")), *calmer)


def _next_of_plan(content: Content, state: State, *said: Said) -> Step:
    """Ask what is still to be known for a plan, then begin with it."""
    for stage, known in ((MINUTES, state.minutes), (PLACE, state.can_lie), (THINGS, state.equipment)):
        if known is None:
            return _to(content, replace(state, stage=stage), *said)
    plan = planned(content, state.person, state.phase, state.standing, state.minutes, None if state.can_lie else frozenset(UPRIGHT), frozenset(state.equipment))
    done = {state.plan[place].exercise for place, _ in state.logged} | {state.plan[place].exercise for place in state.stopped}
    plan = tuple(item for item in plan if item.exercise not in done)
    if not plan:
        return _ended(state, "nothing_fits", *said)
    place = len(state.plan)  # what was done before a break keeps its places
    state = replace(state, plan=(*state.plan, *plan), place=place, round=1, line=0, stage=EXERCISE)
    takes = minutes_of(content, plan)
    before = Said("before_starting", "", {"exercises": tuple(item.exercise for item in plan), "minutes": takes})
    short = (Said("plan_is_short"),) if takes < state.minutes - _MINUTES_LEFT else ()
    return _to(content, state, *said, before, *short)


def _at_minutes(content: Content, state: State, event: Event) -> Step:
    """Take how many minutes there are; "any" is what the phase takes."""
    if event.kind == UNSURE:
        return _next_of_plan(content, replace(state, minutes=content.programme.phases[state.phase].minutes))
    if event.kind != NUMBER or event.number is None or event.number < 1:
        return _again(content, state)
    return _next_of_plan(content, replace(state, minutes=event.number))


def _at_place(content: Content, state: State, event: Event) -> Step:
    """Take whether the person can get down on a floor or a bed. Not sure is not yes."""
    if event.kind not in (YES, NO, UNSURE):
        return _again(content, state)
    return _next_of_plan(content, replace(state, can_lie=event.kind == YES))


def _at_things(content: Content, state: State, event: Event) -> Step:
    if event.kind not in (CHOSEN, NONE_OF_THEM, NO):
        return _again(content, state)
    return _next_of_plan(content, replace(state, equipment=event.chosen))


# The exercises.


def _exercise_said(state: State) -> Said:
    item = state.plan[state.place]
    values = {
        "posture": item.posture, "count": item.count, "round": state.round, "rounds": item.rounds, "place": state.place + 1, "of": len(state.plan),
        "line": state.line + 1 if state.by_step else None, "is_first": not state.logged and state.place == 0,
    }  # fmt: skip
    return Said("exercise", item.exercise, values)


def _at_exercise(content: Content, state: State, event: Event) -> Step:
    if event.kind == NUMBER:
        is_in_menu = event.number is not None and 1 <= event.number <= len(MENU)
        return step(content, state, Event(MENU[event.number - 1])) if is_in_menu else _again(content, state)
    item = state.plan[state.place]
    if event.kind in (NEXT, YES):
        if state.by_step and state.line + 1 < len(content.exercises[item.exercise].steps):
            return _to(content, replace(state, line=state.line + 1))
        logged = replace(state, line=0, logged=tuple(dict.fromkeys((*state.logged, (state.place, state.round)))))
        if state.round < item.rounds:
            return _to(content, replace(logged, round=state.round + 1))
        return _next_exercise(content, logged)
    if event.kind == SKIP:
        return _next_exercise(content, state, Said("skipped", item.exercise))
    if event.kind == IT_HURTS:
        return _hurts(content, replace(state, stage=HURTS), event)
    if event.kind == MOVED:
        state, said = _next_of_plan(content, replace(state, can_lie=event.number == 1))
        return state, (Said("moved"), *said)
    if event.kind == EASIER and state.place in state.eased:
        return _beside(content, state, Said("easiest"))
    if event.kind == EASIER:
        return _beside(content, replace(state, eased=tuple(dict.fromkeys((*state.eased, state.place)))), Said(EASIER, item.exercise))
    if event.kind == HARDER:
        is_ready = state.pain_now <= content.programme.numbers.green_up_to and item.level >= 0
        key = "hardest" if state.place in state.hardened else HARDER if is_ready else "harder_not_yet"
        hardened = (*state.hardened, state.place) if key == HARDER else state.hardened
        return _beside(content, replace(state, hardened=hardened), Said(key, item.exercise))
    if event.kind == WHY:
        return _beside(content, state, Said(WHY, item.exercise, {"phase": state.phase, "rule": _reason_of(state, item), "suits": suited_to(content, state.person, item.exercise)}))
    if event.kind == PLAN_LEFT:
        return _beside(content, state, Said(PLAN_LEFT, "", {"exercises": tuple(each.exercise for each in state.plan[state.place :])}))
    if event.kind in (STEP_BY_STEP, ALL_STEPS):
        return _to(content, replace(state, by_step=event.kind == STEP_BY_STEP, line=0))
    if event.kind == REPEAT:
        (said,) = asked(content, replace(state, line=0))
        return replace(state, line=0), (replace(said, values={**said.values, "is_whole": True}),)
    return _again(content, state)


def _beside(content: Content, state: State, said: Said) -> Step:
    """Return the same place of a session, with what was asked beside it and the choices again, not the whole exercise."""
    return state, (said, Said("menu"))


def _reason_of(state: State, item: Item) -> str:
    return "after_break" if state.standing.percent < 100 else state.standing.reasons.get(item.exercise, "not_done_yet")


def _next_exercise(content: Content, state: State, *said: Said) -> Step:
    state = replace(state, line=0)
    if state.place + 1 == len(state.plan):
        return _to(content, replace(state, stage=PAIN_AFTER), *said)
    return _to(content, replace(state, stage=EXERCISE, place=state.place + 1, round=1), *said)


def _hurts(content: Content, state: State, event: Event) -> Step:
    """Judge pain during an exercise: the exercise ends where it rises, is sharp, or spreads; the session ends where it is too much, or spreads, or stops a third exercise."""
    pain = event.number if event.kind in (IT_HURTS, NUMBER) and event.number is not None and 0 <= event.number <= HIGHEST_PAIN else None
    if pain is None and not event.is_sharp and not event.spreads:
        return _to(content, state) if event.kind == IT_HURTS else _again(content, state)
    now = pain if pain is not None else state.pain_now
    state = replace(state, pain_now=now)
    if not must_stop(state.pain_before, now, event.is_sharp, event.spreads):
        return state_at_exercise(state), (Said("pain_not_risen"), Said("menu"))
    numbers = content.programme.numbers
    bad = (*state.bad, state.place) if event.is_sharp or event.spreads else state.bad
    state = replace(state, stopped=tuple(dict.fromkeys((*state.stopped, state.place))), hurt={**state.hurt, state.place: now}, bad=tuple(dict.fromkeys(bad)))
    is_red = now > numbers.amber_up_to and now - state.pain_before >= numbers.rise_to_end
    if event.spreads or is_red or now >= numbers.nothing_from or len(state.stopped) >= numbers.stops_to_end:
        return _to(content, replace(state, stage=SIGNS_AFTER, pain_after=now, open=content.programme.asked_after), Said("stop_all"))
    return _next_exercise(content, state, Said("stop_exercise", state.plan[state.place].exercise))


def state_at_exercise(state: State) -> State:
    """Return the state back at its exercise."""
    return replace(state, stage=EXERCISE)


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
    state = replace(state, stage=DONE, open=())
    is_high = state.pain_after is not None and state.pain_after >= content.programme.numbers.nothing_from
    values = {"before": state.pain_before, "after": state.pain_after, "sets": len(state.logged), "exercises": len({place for place, _ in state.logged}), "colour": colour_of(content, state), "phase": state.phase}
    return state, (Said("summary", "", values), *((Said("diary_high"),) if is_high else ()))


# What is left of a session.


def colour_of(content: Content, state: State) -> Optional[str]:
    """Return the colour of a session: that of its worst exercise; None where no exercise was reached."""
    if not state.plan or state.pain_before is None:
        return None
    worst = max((state.pain_after if state.pain_after is not None else state.pain_before, *state.hurt.values()))
    return colour(content.programme.numbers, state.pain_before, worst, is_sharp=bool(state.bad))


def past_of(content: Content, state: State, day: date, day_after: Optional[str] = None) -> Optional[Past]:
    """Return what a session that is over leaves for the next ones; None where nothing was done in it. day_after: as `Past`, from the session behind it."""
    places = sorted({place for place, _ in state.logged} | set(state.stopped))
    if not places or state.pain_before is None:
        return None
    numbers, is_raised = content.programme.numbers, day_after == NO
    done = {}
    for place in places:
        worst = max(state.hurt.get(place, state.pain_before), state.pain_after if state.pain_after is not None else 0)
        judged = colour(numbers, state.pain_before, worst, is_sharp=place in state.bad, is_raised_after_a_day=is_raised)
        done[state.plan[place].exercise] = Done(day, judged, place in state.stopped, place not in state.eased, state.plan[place].level)
    whole = colour_of(content, state) if not is_raised else colour(numbers, state.pain_before, state.pain_before, is_raised_after_a_day=True)
    return Past(Session(day, state.pain_before, whole), state.standing.phase, done, day_after, state.improving is not None)


_AT: Mapping[str, Callable[[Content, State, Event], Step]] = {
    DAY_AFTER: _at_day_after, IMPROVING: _at_improving, RETURN_TEST: _at_return_test, SCREEN: _at_screen, WHICH: _at_which, ABOUT_YOU: _at_about_you, WEEK: _at_week, SINCE: _at_since, CLEARED: _at_cleared,
    PAIN_BEFORE: _at_pain_before, MINUTES: _at_minutes, PLACE: _at_place, THINGS: _at_things,
    EXERCISE: _at_exercise, HURTS: _hurts, PAIN_AFTER: _at_pain_after, SIGNS_AFTER: _at_signs_after,
}  # fmt: skip
