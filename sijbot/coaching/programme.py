"""What may be offered to somebody, how pain is judged, and what follows from it for the next session. Every decision names its rule, so that it can be explained."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Callable, Iterable, Mapping, Optional, Sequence, TypeVar

from sijbot.content.model import PHASES, Content, HeldBack, ProgrammeNumbers

GREEN, AMBER, RED = "green", "amber", "red"
CALM, MOBILISE, STABILISE, RETURN = PHASES
PROGRESS, HOLD, STEP_BACK, REPLACE = "progress", "hold", "step_back", "replace"  # of an exercise
GO_ON, REST, END = "go_on", "rest", "end"  # of the whole programme
PREGNANT, POSTPARTUM = "pregnant", "postpartum"
_WEEK = timedelta(days=7)
_WHOLE = 100
Item = TypeVar("Item")


@dataclass(frozen=True)
class Person:
    """What the coach knows of somebody. conditions: situations and conditions of the programme that hold; cleared: those for which the person's own team has agreed.

    week: of pregnancy; weeks_since: so many since what a condition says happened. What is not in them is not known, and never taken for harmless.
    """

    conditions: frozenset[str] = frozenset()
    cleared: frozenset[str] = frozenset()
    week: Optional[int] = None
    weeks_since: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Offer:
    """An exercise that may be done, and the postures in which it may, the usual one first."""

    exercise: str
    postures: tuple[str, ...]


@dataclass(frozen=True)
class Done:
    """One exercise in one session: its colour, whether it was stopped because pain rose, and whether its form was kept."""

    day: date
    colour: str
    was_stopped: bool = False
    kept_form: bool = True
    level: int = 0  # steps above the smallest amount; below 0: less than that


@dataclass(frozen=True)
class Session:
    """One session as a whole: pain at its start, and the worst colour of its exercises."""

    day: date
    pain_before: int
    colour: str


@dataclass(frozen=True)
class Past:
    """A session that is over: its day, the phase of the programme, and what was done; day_after: yes (settled), no (raised for longer), unsure, or None where it was not asked."""

    session: Session
    phase: str
    done: Mapping[str, Done] = field(default_factory=dict)  # by exercise
    day_after: Optional[str] = None
    asked_improving: bool = False


@dataclass(frozen=True)
class Standing:
    """Where somebody stands in the programme before a session. levels, reasons: of each exercise done before, and the rule it hangs on; left_out: exercises dropped for now;

    percent: of the amounts, after a break; first: the questions that come before the screen; news: texts to say; ends: whether the programme has ended.
    """

    phase: str = CALM
    levels: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    percent: int = _WHOLE
    first: tuple[str, ...] = ()
    asks_return_test: bool = False
    news: tuple[str, ...] = ()
    ends: bool = False


@dataclass(frozen=True)
class Decision:
    """What follows, and the id of the rule by which it does."""

    outcome: str
    rule: str


def holds(rule: HeldBack, person: Person) -> bool:
    """Return whether a rule holds for somebody. A week that was not told is one in which it holds."""
    if rule.when not in person.conditions or (rule.until_cleared and rule.when in person.cleared):
        return False
    if rule.from_week is not None and person.week is not None and person.week < rule.from_week:
        return False
    since = person.weeks_since.get(rule.when)
    return rule.before_weeks is None or since is None or since < rule.before_weeks


def held_back(content: Content, person: Person, exercise: str, phase: str) -> tuple[HeldBack, ...]:
    """Return the rules that keep an exercise from somebody in a phase, in the order of the file; none where it may be offered in some posture."""
    rules = [rule for rule in content.programme.held_back if holds(rule, person)]
    against = tuple(rule for rule in rules if not rule.postures and _is_against(rule, exercise, phase))
    if against or postures_left(content, rules, exercise):
        return against
    return tuple(rule for rule in rules if set(rule.postures).intersection(content.exercises[exercise].postures))


def _is_against(rule: HeldBack, exercise: str, phase: str) -> bool:
    if rule.only:
        return exercise not in rule.only
    if rule.phases:
        return phase in rule.phases
    return not rule.exercises or exercise in rule.exercises


def postures_left(content: Content, rules: Sequence[HeldBack], exercise: str) -> tuple[str, ...]:
    """Return the postures of an exercise that rules which hold leave, the usual one first."""
    left_out = {posture for rule in rules for posture in rule.postures}
    return tuple(posture for posture in content.exercises[exercise].postures if posture not in left_out)


def may_be_done(content: Content, person: Person, exercise: str, phase: str, posture: str) -> bool:
    """Return whether somebody may do an exercise in a phase and a posture."""
    rules = [rule for rule in content.programme.held_back if holds(rule, person)]
    return not held_back(content, person, exercise, phase) and posture in postures_left(content, rules, exercise)


def may_be_drawn(content: Content, person: Person, exercise: str) -> bool:
    """Return whether somebody may see the drawing of an exercise: they may do it in the posture that is drawn, its usual one."""
    return may_be_done(content, person, exercise, content.exercises[exercise].phase, content.exercises[exercise].postures[0])


def offers(
    content: Content, person: Person, phase: str, postures: Optional[frozenset[str]] = None, equipment: Optional[frozenset[str]] = None
) -> tuple[Offer, ...]:
    """Return what may be offered to somebody in a phase, in the order of a session.

    postures, equipment: what is possible and at hand now; None: everything.
    """
    rules = [rule for rule in content.programme.held_back if holds(rule, person)]
    found = []
    for exercise in content.programme.phases[phase].exercises:
        possible = tuple(posture for posture in postures_left(content, rules, exercise) if postures is None or posture in postures)
        has_all = equipment is None or equipment.issuperset(content.exercises[exercise].needs)
        if possible and has_all and not held_back(content, person, exercise, phase):
            found.append(Offer(exercise, possible))
    return tuple(found)


def phase_now(content: Content, phase: str, pain: int) -> Optional[str]:
    """Return the phase that pain at the start of a session allows, the one that somebody is in or an earlier one; None where no exercise fits such pain.

    pain: 0 to 10.
    """
    numbers, phases = content.programme.numbers, content.programme.phases
    if pain >= numbers.nothing_from:
        return None
    if pain > numbers.calm_alone_above:
        return CALM
    allowed = [name for name in PHASES[: PHASES.index(phase) + 1] if pain <= phases[name].most_pain]
    return allowed[-1]


def colour(numbers: ProgrammeNumbers, before: int, worst: int, is_sharp: bool = False, spreads: bool = False, is_raised_after_a_day: bool = False) -> str:
    """Return the colour of what was done: it steers the next session, and never delays a stop.

    before, worst: pain at the start and the highest during and after, 0 to 10. Who begins with pain is judged by its change, and a rise that settles holds things back no more than that.
    """
    if is_sharp or spreads or is_raised_after_a_day:
        return RED
    if worst <= before:
        return GREEN
    return RED if before <= numbers.green_up_to and worst > numbers.amber_up_to else AMBER


def must_stop(before: int, now: int, is_sharp: bool = False, spreads: bool = False) -> bool:
    """Return whether an exercise ends for today: pain of the joint that rises, is sharp, or spreads, whatever its colour."""
    return is_sharp or spreads or now > before


def next_of_exercise(numbers: ProgrammeNumbers, history: Sequence[Done]) -> Decision:
    """Return what follows for an exercise from its sessions, oldest first."""
    if not history:
        return Decision(HOLD, "not_done_yet")
    newest = history[-1]
    reds = [done for done in history if done.colour == RED and newest.day - done.day < _WEEK]
    if newest.colour == RED and len(reds) >= numbers.reds_to_replace:
        return Decision(REPLACE, "red_again_in_a_week")
    if _all_of_last(history, numbers.rises_to_replace, lambda done: done.was_stopped):
        return Decision(REPLACE, "stopped_again_and_again")
    if newest.colour == RED:
        return Decision(STEP_BACK, "red")
    if _all_of_last(history, numbers.ambers_to_step_back, lambda done: done.colour == AMBER):
        return Decision(STEP_BACK, "amber_again")
    if newest.was_stopped:
        return Decision(HOLD, "stopped")
    if newest.colour == AMBER:
        return Decision(HOLD, "amber")
    if not newest.kept_form:
        return Decision(HOLD, "form_slipped")
    if _all_of_last(history, numbers.greens_to_progress, lambda done: done.colour == GREEN and done.kept_form and not done.was_stopped):
        return Decision(PROGRESS, "green_in_a_row")
    return Decision(HOLD, "green_not_long_enough")


def next_of_programme(numbers: ProgrammeNumbers, sessions: Sequence[Session]) -> Decision:
    """Return whether the programme goes on, rests in the calm phase, or ends, from its sessions, oldest first. A day is as red as its worst session."""
    is_red: dict[date, bool] = {}
    for session in sessions:
        is_red[session.day] = is_red.get(session.day, False) or session.colour == RED
    days = list(is_red.values())
    if _all_of_last(days, numbers.red_days_to_end, bool):
        return Decision(END, "red_days_end")
    if _all_of_last(days, numbers.red_days_to_calm, bool):
        return Decision(REST, "red_days_rest")
    return Decision(GO_ON, "no_red_days_in_a_row")


def suited_to(content: Content, person: Person, exercise: str) -> Optional[str]:
    """Return the situation or condition of somebody for whom an exercise comes first; None where it does for none that holds."""
    return next((suited.when for suited in content.programme.patterns if suited.when in person.conditions and exercise in suited.prefers), None)


def greens_needed(content: Content, person: Person, phase: str) -> int:
    """Return how many green sessions in a row a phase takes: what somebody's pattern says, the most of several, or the number for everybody."""
    own = [suited.greens[phase] for suited in content.programme.patterns if suited.when in person.conditions and phase in suited.greens]
    return max(own, default=content.programme.numbers.greens_to_mobilise)


def next_phase(content: Content, phase: str, sessions: Sequence[Session], passes_return_test: Optional[bool] = None, person: Person = Person()) -> Decision:
    """Return the phase of the next session, from the sessions in this phase, oldest first.

    person: stiff joints stay longer in the phase that loosens, loose ones are sooner in the one that strengthens. passes_return_test: whether bridges, clam shells and a stand on one leg went well; None: not asked, and then it stays.
    """
    numbers, phases = content.programme.numbers, content.programme.phases
    following = phases[phase].next
    if following is None:
        return Decision(phase, "last_phase")
    greens = greens_needed(content, person, phase)
    if not _all_of_last(sessions, greens, lambda session: session.colour == GREEN):
        return Decision(phase, "not_green_long_enough")
    pains = [session.pain_before for session in sessions[-greens:]]
    if phase == CALM:
        is_falling = pains[-1] <= numbers.falling_up_to and all(later < earlier for earlier, later in zip(pains, pains[1:]))
        is_low = pains[-1] <= numbers.green_up_to
        return Decision(following, "pain_is_low") if is_low else Decision(following, "pain_is_falling") if is_falling else Decision(phase, "pain_not_low_yet")
    if pains[-1] > phases[following].most_pain:
        return Decision(phase, "pain_not_low_yet")
    if following == RETURN and not passes_return_test:
        return Decision(phase, "return_test_not_passed")
    return Decision(following, "pain_is_low")


DAY_AFTER, IMPROVING = "day_after", "improving"


def standing_of(content: Content, past: Sequence[Past], today: date, passes_return_test: Optional[bool] = None, person: Person = Person()) -> Standing:
    """Return where somebody stands in the programme, from the sessions that are over, oldest first; who has done none begins in the calm phase. person: as of the latest session."""
    if not past:
        return Standing()
    numbers, last = content.programme.numbers, past[-1]
    rested = (today - last.session.day).days
    percent = percent_after_break(numbers, last.session.day, today)
    decision = next_of_programme(numbers, [each.session for each in past])
    is_after_break = percent < _WHOLE
    first = (DAY_AFTER,) if last.day_after is None and 0 < rested and not is_after_break else ()
    if not any(each.asked_improving for each in past) and (today - past[0].session.day).days >= numbers.ask_improvement_on_day:
        first = (*first, IMPROVING)
    levels, reasons, left_out = {}, {}, []
    for exercise in dict.fromkeys(exercise for each in past for exercise in each.done):
        decided = level_after(numbers, [each.done[exercise] for each in past if exercise in each.done], today)
        levels[exercise], reasons[exercise] = int(decided.outcome) if decided.outcome != REPLACE else 0, decided.rule
        if decided.outcome == REPLACE:
            left_out.append(exercise)
    standing = Standing(last.phase, levels, reasons, tuple(left_out), percent, first, news=("restart_smaller",) if is_after_break else ())
    if decision.outcome == END and not is_after_break:
        return replace(standing, ends=True)
    if decision.outcome == REST and rested * 24 <= numbers.calm_hours:
        return replace(standing, phase=CALM, news=(*standing.news, "programme_rest"))
    in_phase = _trailing(past, lambda each: each.phase == last.phase)
    following = next_phase(content, last.phase, [each.session for each in in_phase], passes_return_test, person)
    moved = ("phase_next",) if following.outcome != last.phase else ()
    return replace(standing, phase=following.outcome, asks_return_test=following.rule == "return_test_not_passed" and passes_return_test is None, news=(*standing.news, *moved))


def level_after(numbers: ProgrammeNumbers, history: Sequence[Done], today: date) -> Decision:
    """Return the level of an exercise in the next session, as text, or REPLACE, with the rule for it; from its sessions, oldest first.

    A level rises at most once in a week, and a step back is kept for two days.
    """
    newest = history[-1]
    at_this_level = _trailing(history, lambda done: done.level == newest.level)
    decided = next_of_exercise(numbers, history)
    if decided.outcome == REPLACE:
        return decided if today - newest.day < _WEEK else Decision(str(newest.level - 1), decided.rule)
    if decided.outcome == STEP_BACK:
        return Decision(str(newest.level - 1), decided.rule)
    if len(at_this_level) < len(history):
        came_from, since = history[-len(at_this_level) - 1].level, today - at_this_level[0].day
        if newest.level < came_from and since < timedelta(hours=numbers.calm_hours):
            return Decision(str(newest.level), "stepped_back")
        if newest.level > came_from and since < _WEEK and decided.outcome == PROGRESS:
            return Decision(str(newest.level), "raised_this_week")
    if decided.outcome == PROGRESS and len(at_this_level) >= numbers.greens_to_progress:
        return Decision(str(newest.level + 1), decided.rule)
    return Decision(str(newest.level), "green_not_long_enough" if decided.outcome == PROGRESS else decided.rule)


def aged(content: Content, person: Person, days: int) -> Person:
    """Return what is known of somebody so many days later: weeks go on, and what passes is to be asked again after a week, a pregnancy when it must be over, a birth after a year."""
    numbers, weeks = content.programme.numbers, days // _WEEK.days
    week = None if person.week is None else person.week + weeks
    since = {when: told + weeks for when, told in person.weeks_since.items()}
    passed = {condition for condition in person.conditions if content.condition(condition).passes} if days >= numbers.missed_days else set()
    if week is not None and week > numbers.pregnancy_to_week:
        passed, week = passed | {PREGNANT}, None
    if since.get(POSTPARTUM, 0) > numbers.birth_lately_weeks:
        passed.add(POSTPARTUM)
    since = {when: told for when, told in since.items() if when not in passed}
    return replace(person, conditions=person.conditions - passed, cleared=person.cleared - passed, week=week, weeks_since=since)


def told_beside(person: Person, situations: Iterable[str], week: Optional[int]) -> Person:
    """Return what is known of somebody with what the conversation has told beside the sessions."""
    return replace(person, conditions=person.conditions.union(situations), week=person.week if week is None else week)


def _trailing(items: Sequence[Item], is_so: Callable[[Item], bool]) -> Sequence[Item]:
    """Return the last items in a row of which it is so."""
    start = len(items)
    while start and is_so(items[start - 1]):
        start -= 1
    return items[start:]


def percent_after_break(numbers: ProgrammeNumbers, last: Optional[date], today: date) -> int:
    """Return how much of the usual amount somebody restarts with, in per cent."""
    return numbers.restart_percent if last is not None and (today - last).days >= numbers.missed_days else _WHOLE


def most_this_week(numbers: ProgrammeNumbers, last_week: int) -> int:
    """Return the highest volume of a week after one of `last_week`, in the same unit, rounded down; of a first week there is no limit but the amounts themselves."""
    return last_week * (_WHOLE + numbers.more_a_week_percent) // _WHOLE


def _all_of_last(items: Sequence[Item], count: int, is_so: Callable[[Item], bool]) -> bool:
    return len(items) >= count and all(map(is_so, items[-count:]))
