"""What stands in the folder `content/`, as frozen dataclasses. The names of the fields are the keys of the YAML files."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Mapping, Optional

SITUATIONS = (
    "pregnant", "postpartum", "hypermobile", "stiff", "osteoporosis", "hip_replacement", "knee_replacement", "after_surgery",
    "blood_thinners", "inflammatory_flare", "nerve_pain", "under_16", "over_65", "diabetes",
)  # fmt: skip
PHASES = ("calm", "mobilise", "stabilise", "return")
POSTURES = ("back", "propped", "side", "kneeling", "sitting", "standing", "walking")
EQUIPMENT = ("ball", "band", "mat", "chair", "counter")
UNITS = ("times", "breaths", "minutes")
LEVELS = ("emergency", "urgent", "soon")  # highest first


@dataclass(frozen=True)
class Source:
    """One citation."""

    title: str
    url: Optional[str] = None
    note: Optional[str] = None


@dataclass(frozen=True)
class Subject:
    """A group of answers, which is also a retrieval intent."""

    title: str
    safety_net: bool


@dataclass(frozen=True)
class Caution:
    """A sentence shown only to somebody who is known to be in the situation `when`."""

    when: str
    text: str


@dataclass(frozen=True)
class Answer:
    """The answer to one question."""

    title: str
    short: str
    more: str
    push_back: Optional[str] = None
    tells_details: bool = False  # what the person told of the pain is added, to take along
    cautions: tuple[Caution, ...] = ()
    related: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    reviewed_on: date = field(kw_only=True)
    review_by: date = field(kw_only=True)


@dataclass(frozen=True)
class Amount:
    """How much of an exercise the coach counts: from `least` on, up to `most`, in one round; `rounds` at most, of so many seconds' hold and rest each time."""

    least: int
    most: int
    unit: str  # times, breaths or minutes
    rounds: int = 1
    hold_s: Optional[int] = None
    rest_s: Optional[int] = None
    each_side: bool = False


@dataclass(frozen=True)
class Exercise:
    """One exercise: what it is for, how it is done, how much, when to stop."""

    title: str
    purpose: str
    phase: str
    position: str
    equipment: str
    postures: tuple[str, ...]  # in which it can be done, the usual one first
    steps: tuple[str, ...]
    picture: str  # what the two drawings of it show, for somebody who cannot see them
    dose: str
    amount: Amount
    stop_if: tuple[str, ...]
    needs: tuple[str, ...] = ()
    starts: Mapping[str, str] = field(default_factory=dict)  # the first step in each other posture than the usual one
    adapt: tuple[Caution, ...] = ()
    easier: Optional[str] = None
    harder: Optional[str] = None
    mistakes: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    reviewed_on: date = field(kw_only=True)
    review_by: date = field(kw_only=True)

    def steps_in(self, posture: str) -> tuple[str, ...]:
        """Return the steps in a posture: in another than the usual one, the first is how that begins."""
        return (self.starts[posture], *self.steps[1:]) if posture in self.starts else self.steps


@dataclass(frozen=True)
class ScreenQuestion:
    """A question before a first session: flags that a yes raises, the most pressing first, or what it may be that holds. finding: what a yes says, in the words of a hand-off."""

    question: str
    finding: Optional[str] = None
    emergency_if: Optional[str] = None  # what of it would be an emergency, where its level is lower
    raises: tuple[str, ...] = ()
    opens: tuple[str, ...] = ()


@dataclass(frozen=True)
class Condition:
    """Something that may hold of a person: how it is asked, and the words by which people name it in answer.

    passes: it is asked again after a while; implies: a situation that it says holds too; within_weeks: it no longer holds of what happened longer ago.
    """

    asked: str
    words: tuple[str, ...] = ()
    passes: bool = False
    implies: Optional[str] = None
    within_weeks: Optional[int] = None


@dataclass(frozen=True)
class Phase:
    """One phase of the programme. exercises: in the order of a session; most_pain: at its start, from 0 to 10."""

    title: str
    aim: str
    exercises: tuple[str, ...]
    minutes: int
    how_often: str
    most_pain: int
    next: Optional[str] = None


@dataclass(frozen=True)
class SuitedTo:
    """What suits somebody for whom `when` holds: exercises that come first, and how many green sessions a phase takes."""

    when: str
    prefers: tuple[str, ...]
    greens: Mapping[str, int] = field(default_factory=dict)  # by the phase that is left


@dataclass(frozen=True)
class HeldBack:
    """What is not offered to somebody for whom `when` holds: what it names, or everything where it names nothing.

    from_week: of pregnancy; before_weeks: so many since what `when` says happened; a number that was not told is one in which it holds.
    """

    when: str
    why: str
    exercises: tuple[str, ...] = ()
    postures: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()
    only: tuple[str, ...] = ()  # all but these
    from_week: Optional[int] = None
    before_weeks: Optional[int] = None
    until_cleared: bool = False  # by the person's own team


@dataclass(frozen=True)
class ProgrammeNumbers:
    """The numbers by which pain is judged and a programme goes on; what each means stands beside it in the file."""

    green_up_to: int
    amber_up_to: int
    settles_within_hours: int
    calm_alone_above: int
    nothing_from: int
    falling_up_to: int
    greens_to_progress: int
    ambers_to_step_back: int
    reds_to_replace: int
    rises_to_replace: int
    rise_to_end: int
    stops_to_end: int
    red_days_to_calm: int
    red_days_to_end: int
    calm_hours: int
    greens_to_mobilise: int
    more_a_week_percent: int
    missed_days: int
    restart_percent: int
    ask_improvement_on_day: int
    trend_days: int
    trend_fewest: int
    trend_change: int
    child_under: int
    old_from: int
    pregnancy_from_week: int
    pregnancy_to_week: int
    birth_lately_weeks: int
    seconds_each: int
    seconds_between: int
    fewest_minutes: int

    @property
    def weeks_of_pregnancy(self) -> range:
        """The weeks that somebody may be in who knows of it."""
        return range(self.pregnancy_from_week, self.pregnancy_to_week + 1)


@dataclass(frozen=True)
class Programme:
    """What the exercise coach decides by. conditions: what may hold of a person beside the situations, by id, in words that complete "Do you have …"."""

    title: str
    screen: Mapping[str, ScreenQuestion]
    asked_after: tuple[str, ...]  # questions of the screen, once more at the end of a session
    asked_of_everybody: tuple[str, ...]
    asked_of: Mapping[str, tuple[str, ...]]
    conditions: Mapping[str, Condition]
    situations_asked: Mapping[str, Condition]  # the same of every situation
    since_asked: Mapping[str, str]  # what the weeks of `HeldBack.before_weeks` are counted from
    phases: Mapping[str, Phase]
    patterns: tuple[SuitedTo, ...]
    held_back: tuple[HeldBack, ...]
    numbers: ProgrammeNumbers
    sources: tuple[str, ...]
    reviewed_on: date
    review_by: date


@dataclass(frozen=True)
class Pattern:
    """One way of saying that a sign is there; see `sijbot.triage.match` for the pattern language."""

    pattern: str
    level: Optional[str] = None  # where it differs from the flag's own level
    ask: bool = False  # not sure enough for more than a question


@dataclass(frozen=True)
class RedFlag:
    """One danger sign."""

    title: str
    level: str
    finding: str  # completes "You mentioned …", in plain words
    information: str  # the answer to a question about the sign, at most 60 words
    question: str  # the one question that is asked where the screen is unsure
    patterns: tuple[Pattern, ...]
    unless: tuple[str, ...] = ()  # patterns of exceptions: no sign of this flag inside their words counts
    hand_off: Optional[str] = None  # file of hand_off/ where it is not the one named after the level
    always: bool = False  # also when put as a question or an "if": a hint is enough
    event: bool = False  # something that happened once: long past stays past although it "still" hurts (rule R9)
    ask_about: bool = False  # a question about it is answered by a question (rule R13 on self-harm)
    exercise_until_seen: bool = False  # a `soon` flag with which the exercises may go on under their stop rules
    sources: tuple[str, ...] = ()
    reviewed_on: date = field(kw_only=True)
    review_by: date = field(kw_only=True)


@dataclass(frozen=True)
class Fact:
    """Something about a person that is no danger sign by itself and makes one with others: "had cancer", "takes blood thinners"."""

    note: str
    patterns: tuple[Pattern, ...]
    unless: tuple[str, ...] = ()
    past_counts: bool = False  # also where it is long over: an illness of ten years ago


@dataclass(frozen=True)
class Combination:
    """Facts and flags that together, in one message or over several, raise a flag. Atoms are ids of facts and flags; `a | b` is either."""

    note: str
    all: tuple[str, ...]
    raises: str  # flag id
    level: Optional[str] = None  # where it differs from the flag's own
    at_least: Optional[int] = None  # so many of `all` are enough
    unless: tuple[str, ...] = ()  # with any of these it does not hold
    ask: bool = False


@dataclass(frozen=True)
class FlagCase:
    """A sentence that must, or must not, raise the flag it stands beside."""

    text: str
    expect: str  # fire, ask, none
    note: Optional[str] = None


@dataclass(frozen=True)
class HandOff:
    """What is said at one level, or about one kind of sign: `text` with the place {finding} and the words of the region."""

    title: str
    text: str
    again: str  # one line instead of the text, where it was shown before
    also: str  # one line naming further findings, with the place {findings}
    question: Optional[str] = None  # what an *ask* adds, with the place {question}
    every_level: bool = False  # fits its flags at every level, and stands instead of an answer
    instead_of: tuple[str, ...] = ()  # the texts that this one replaces where both fit signs as pressing: an ambulance comes before the way to the hospital
    beside: Optional[str] = None  # the line that is added where the text of a more pressing sign stands first (R30)
    sources: tuple[str, ...] = ()
    reviewed_on: date = field(kw_only=True)
    review_by: date = field(kw_only=True)


@dataclass(frozen=True)
class Region:
    """Telephone numbers and local words."""

    title: str
    emergency_number: str
    emergency_line: str
    urgent_line: str
    crisis_line: str
    poison_line: str
    abuse_line: str
    emergency_department: str
    doctor: str
    pharmacist: str
    names: tuple[str, ...] = ()  # of the country and its cities, as people write where they are
    sources: tuple[str, ...] = ()
    reviewed_on: date = field(kw_only=True)
    review_by: date = field(kw_only=True)


@dataclass(frozen=True)
class Cue:
    """Words that change what a sign in the same clause or sentence means."""

    note: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Content:
    """The whole folder. `version` changes when any file changes."""

    sources: Mapping[str, Source]
    subjects: Mapping[str, Subject]
    answers: Mapping[str, Answer]
    exercises: Mapping[str, Exercise]
    subject_of: Mapping[str, str]
    red_flags: Mapping[str, RedFlag]
    cases: Mapping[str, tuple[FlagCase, ...]]
    facts: Mapping[str, Fact]
    combinations: Mapping[str, Combination]
    vocabulary: Mapping[str, Cue]
    context: Mapping[str, Cue]
    forms: Mapping[str, Cue]  # other forms of a word (dialect, texting), by the word
    situations: Mapping[str, Cue]
    details: Mapping[str, Cue]
    programme: Programme
    coach: Mapping[str, str]  # what the exercise coach, the diary and the pages say
    coach_words: Mapping[str, Cue]
    mail: Mapping[str, str]  # what a clinic is written about a hand-off
    hand_offs: Mapping[str, HandOff]
    regions: Mapping[str, Region]
    wording: Mapping[str, str]
    version: str

    def reviewed(self) -> list[tuple[str, Any]]:
        """Return (id, record) of everything that is reviewed by a day."""
        groups = (self.answers, self.exercises, self.red_flags, self.hand_offs, self.regions, {"programme": self.programme})
        return [item for group in groups for item in group.items()]

    def asked(self, condition: str) -> str:
        """Return how a situation or condition is asked."""
        return self.condition(condition).asked

    def condition(self, name: str) -> Condition:
        """Return a condition of the programme, or a situation as one."""
        return self.programme.conditions.get(name) or self.programme.situations_asked[name]

    def sign(self, flag_id: str) -> RedFlag:
        """Return a danger sign, or a question of the coach's screen as one: it stands for the most pressing of what it asks about."""
        return self.red_flags.get(flag_id) or self._asked_sign(flag_id)

    def _asked_sign(self, name: str) -> RedFlag:
        asked = self.programme.screen[name]
        first = self.red_flags[asked.raises[0]]
        return replace(first, finding=asked.finding, question=asked.question, patterns=(), unless=())

    def title_of(self, content_id: str) -> str:
        """Return the title of an answer or exercise."""
        return (self.answers.get(content_id) or self.exercises[content_id]).title
