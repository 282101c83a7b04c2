"""What somebody answers the coach: from a message to events, by words and numbers. What is not understood gives none, and is asked again."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Mapping, NamedTuple, Optional, Sequence

from sijbot.coaching.plan import MINUTES_OFFERED
from sijbot.coaching.programme import DAY_AFTER, IMPROVING, PREGNANT
from sijbot.coaching.session import (
    ABOUT_YOU, ALL_STEPS, BACK, CHOSEN, CLEARED, DANGER_STAGES, EASIER, EXERCISE, FELL, HARDER, HIGHEST_PAIN, HURTS, IT_HURTS, MENU, MINUTES, MOVED, NEXT, NO, NONE_OF_THEM,
    NUMBER, PAIN_AFTER, PAIN_BEFORE, PAUSE, PAUSED, PLACE, PLAN_LEFT, REPEAT, RESUME, RETURN_TEST, SINCE, SKIP, STOP, THINGS, UNSURE, UNWELL, WEEK, WHICH, WHY, YES, STEP_BY_STEP, Event, State, choices_of,
)  # fmt: skip
from sijbot.content.model import Content
from sijbot.language.normalise import fold
from sijbot.language.phrases import PhraseFinder
from sijbot.language.spelling import Speller
from sijbot.triage.match import fold_phrase, words_of

UNDER_AGE = "under_16"
KEEPING, DELETING = "keeping_word", "deleting_word"  # groups of words: what a question about the person's data is about
THINGS_OFFERED = ("ball", "band", "mat")
YES_NO_STAGES = frozenset((*DANGER_STAGES, CLEARED, IMPROVING, RETURN_TEST))
_BY_NUMBER = {1: YES, 2: NO, 3: UNSURE}
WEEKS_A_MONTH, WEEKS_A_YEAR, DAYS_A_WEEK, MINUTES_AN_HOUR = 52 / 12, 52, 7, 60
_BESIDE_A_CHOICE = frozenset("option number nr no answer the one please pls plz thanks thank you i think sadly choose pick take say its is it".split())
_FEW_WORDS, _BRIEF = 4, 8  # a message of so many may be a bare answer such as "next" or "again"
_DENIAL_BEFORE, _GONE_BEHIND = 2, 5  # so many words before a thing may deny it; so many behind it may say that it is lost or broken

_TENS = {"twenty": 20, "thirty": 30, "forty": 40}
_ONES = {word: number for number, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split())}
_SPOKEN = rf"(?:{'|'.join(_TENS)})[ -](?:{'|'.join(list(_ONES)[1:10])})|{'|'.join((*_TENS, *_ONES))}"
_NUMBER_WORDS = (*_TENS, *_ONES, "minutes", "weeks", "months", "half", "quarter", "fortnight")
_UNITS = {
    "minutes": r"minutes?|mins?|m\b", "hours": r"hours?|hrs?|h\b", "weeks": r"weeks?|wks?|w\b", "months": r"months?|mths?", "days": r"days?", "years": r"years?|yrs?",
    "score": r"/ ?10|outta (?:10|ten)|out of (?:10|ten)|of 10", "times": r"times|reps?|x\b|sets?|rounds?|exercises?|steps?|of (?:them|those|these|the)",
}  # fmt: skip
_UNIT = "|".join(f"(?P<{name}>{pattern})" for name, pattern in _UNITS.items())
_NUMBER = re.compile(rf"(?<![\w.,/+])(?:(?P<digits>\d{{1,4}}(?:[.,]\d)?)(?!\d)|(?P<spoken>{_SPOKEN})(?![a-z]))(?:ish|-ish)?(?: ?\+ ?\d)?(?: and a half)?(?: ?-? ?(?:{_UNIT}))?")
_DID = re.compile(r"\b(?:did|done|managed|finished) (?:all |only |just )?\d|✅|👍|👌|✔")
_LONG_AGO = re.compile(r"\b(?:ago|years?|months?|last|once|used to|as a)\b")
_GIVES_TIME = re.compile(r"\b(?:have|got|ive|about|for|only|around|maybe|say|just) \d")
_TELLS_PAIN = re.compile(r"\b(?:its|it is|now|still|up to|went|made it|pain|a)\b")
_MOVES = re.compile(r"\b(?:today|instead|rather|can we|can i|cant|could we|only|switch|change|prefer|please)\b")
_NO_NUMBER = re.compile(r"\b(?:the|this|that|my|little|red|green|blue|which|no|last|next|other|same|any|another|every|each|easy|hard|easier|good|bad|quick|short|long|first|middle|longest|shortest) (?:\w+ )?$")
_DIGITS = re.compile(r"\d+")
_NOW = re.compile(r" ?(?:or so )?(?:now|today|currently|at the moment|right now)\b")
_NOW_BEFORE = re.compile(r"\b(?:now|today),? (?:(?:its|it is|is|im at|at|a|an|maybe|about|like|more|only|just|down to|back to|at a|around) ?){0,4}\S+$")
_FROM_TO = re.compile(r"\bfrom (?:a |an )?\S+ (?:\w+ )?to\b")
_FRACTIONS = (
    (re.compile(r"(?:a )?quarter of an hour|quarter hour"), "15 minutes"), (re.compile(r"three quarters of an hour"), "45 minutes"), (re.compile(r"half (?:an |a )?hour"), "30 minutes"),
    (re.compile(r"\b(?:an|one) hour and a half"), "90 minutes"), (re.compile(r"\ban hour"), "60 minutes"), (re.compile(r"\b(?:a couple|couple) of (?=minutes|weeks|months|years|days)"), "2 "),
    (re.compile(r"\bhalf a year"), "6 months"), (re.compile(r"\b(?:a )?fortnight\b"), "2 weeks"), (re.compile(r"\ba (?=minute\b|week\b|month\b|year\b)"), "1 "), (re.compile(r"\b(?:last week)\b"), "1 week"), (re.compile(r"\blast month\b"), "1 month"), (re.compile(r"\blast year\b"), "1 year"),
    (re.compile(r"(?<=\d) (?:and|n|&) a half"), ".5"), (re.compile(r"(\d) ?1/2"), r"\1.5"),
)  # fmt: skip


class Number(NamedTuple):
    """A number of a message: its value, its unit or None, and where it ends."""

    value: float
    unit: Optional[str]
    end: int


@dataclass(frozen=True)
class Answer:
    """A message as the coach reads it: its folded text, its words, what they mean (by the groups of `coach_words.yml`, with their places), its numbers; and the intent that was understood."""

    text: str
    words: tuple[str, ...]
    groups: Mapping[str, Sequence[tuple[int, int]]]
    numbers: tuple[Number, ...]
    named: frozenset[str] = frozenset()  # situations and conditions that it says hold
    intent: Optional[str] = None

    def says(self, group: str) -> bool:
        return group in self.groups

    @property
    def is_command(self) -> bool:
        """Whether it is a word of the choices beside an exercise: where none is shown, it asks about nothing else either."""
        return any(self.is_all(group) for group in ("next", "repeat", "skip", "easier", "harder", "resume", "same_pain"))

    def begins_with(self, group: str) -> bool:
        """Return whether the message begins with a phrase of a group, or is the first choice of a list."""
        return self.bare == 1 or any(start == 0 for start, _ in self.groups.get(group, ()))

    def is_all(self, group: str) -> bool:
        """Return whether the message is a phrase of a group and nothing else."""
        return (0, len(self.words)) in self.groups.get(group, ())

    @property
    def bare(self) -> Optional[int]:
        """The number, where the message is nothing else but words that go with a choice ("number 2 please")."""
        if len(self.numbers) != 1 or self.numbers[0].unit is not None or self.numbers[0].value % 1:
            return None
        others = [word for word in self.words if not word.isdigit() and word not in _ONES]
        return int(self.numbers[0].value) if _BESIDE_A_CHOICE.issuperset(others) and len(others) < _FEW_WORDS else None

    def is_denied_behind(self, place: tuple[int, int]) -> bool:
        """Return whether the word behind a place denies it: "definitely not", "I do not"."""
        return self.words[place[1] : place[1] + 1] == ("not",)

    @property
    def is_short(self) -> bool:
        return len(self.words) <= _FEW_WORDS


class AnswerReader:
    """Reads messages by the words of `content/coach_words.yml`."""

    def __init__(self, content: Content) -> None:
        phrases = {group: [_split(word) for word in cue.words] for group, cue in content.coach_words.items()}
        self._find = PhraseFinder(phrases)
        self._speller = Speller((*(word for group in phrases.values() for phrase in group for word in phrase), *_NUMBER_WORDS), {})

    def __call__(self, text: str, named: Sequence[str] = (), intent: Optional[str] = None) -> Answer:
        """Return what a message holds. named: situations and conditions found in it; intent: what it was understood to be."""
        tokens = [word.text for word in words_of(fold(text).text.strip(), self._speller)]
        folded, words = " ".join(tokens), tuple(token for token in tokens if token[0].isalnum())
        groups: dict[str, list[tuple[int, int]]] = {}
        for found, start, end in self._find(words):
            for group in found:
                groups.setdefault(group, []).append((start, end))
        return Answer(folded, words, groups, numbers_of(folded), frozenset(named), intent)


def _split(text: str) -> list[str]:
    return [word.text for word in words_of(fold_phrase(text)) if word.text[0].isalnum()]


def numbers_of(text: str) -> tuple[Number, ...]:
    """Return the numbers of a folded text, in digits or words, with what they count where that stands behind them."""
    for pattern, written in _FRACTIONS:
        text = pattern.sub(written, text)
    found = []
    for match in _NUMBER.finditer(text):
        digits, spoken = match["digits"], match["spoken"]
        if spoken == "one" and _NO_NUMBER.search(text[: match.start()]):
            continue  # "the red one"
        value = float(digits.replace(",", ".")) if digits else float(sum(_TENS.get(part, 0) + _ONES.get(part, 0) for part in re.split("[ -]", spoken)))
        unit = next((name for name in _UNITS if match[name]), None)
        found.append(Number(value + (0.5 if "and a half" in match.group() else 0), unit, match.end()))
    return tuple(found)


def yes_no(answer: Answer, is_about_danger: bool = False) -> Optional[str]:
    """Return yes, no or unsure; None where the message says none of them, or yes and no at once. Doubt, or "a little" beside a no, is no "no": of a danger sign both count as yes.

    is_about_danger: a no must stand first, and in words: "floor no problem" denies nothing that was asked.
    """
    if answer.bare in _BY_NUMBER:
        return _BY_NUMBER[answer.bare]
    no_places = [place for group in ("no", "none_of_them") for place in answer.groups.get(group, ())]
    if any(not _within(place, no_places) for place in answer.groups.get("unsure", ())):
        return UNSURE
    is_brief = len(answer.words) <= _BRIEF
    if any((is_brief or start < _FEW_WORDS) and not _within((start, end), no_places) for start, end in answer.groups.get("a_little", ())):
        return UNSURE if no_places else YES
    no_yes = [*no_places, *answer.groups.get("elsewhere", ())]
    said_yes = [place for place in answer.groups.get("yes", ()) if not _within(place, no_yes) and not answer.is_denied_behind(place)]
    if said_yes and no_places:
        return None
    if said_yes:
        return YES if is_brief or said_yes[0][0] == 0 else None
    if no_places:
        return NO if min(start for start, _ in no_places) == 0 or (answer.is_short and not is_about_danger) else None
    if is_about_danger:
        return YES if answer.intent == "affirm" and answer.is_short else None
    return {"affirm": YES, "deny": NO}.get(answer.intent or "")


def agreed(answer: Answer, about: str) -> Optional[str]:
    """Return yes or no to a question about the person's own data, None where it is neither plainly. Nothing is kept or deleted by a yes that may be to something else.

    about: the group of words that show that the message is about it: `keeping_word`, `deleting_word`.
    """
    if answer.says("later"):
        return NO
    said = yes_no(answer)
    if said != YES or answer.bare == 1:
        return said
    if answer.is_all("plain_yes"):
        return YES
    speaks_of_the_other = answer.says("keeps") if about == DELETING else answer.says(DELETING)
    is_unclear = "?" in answer.text or speaks_of_the_other or any(map(answer.says, ("no", "lacks", "wrong")))
    is_about_it = answer.is_short or answer.says(about) or answer.says("permits")
    return YES if answer.begins_with("plain_yes") and is_about_it and not is_unclear else None


def _within(place: tuple[int, int], places: Sequence[tuple[int, int]]) -> bool:
    return any(start <= place[0] and place[1] <= end and (start, end) != place for start, end in places)


def pain_of(answer: Answer, before: Optional[int] = None) -> Optional[int]:
    """Return the pain that a message tells, 0 to 10, a half or a range as its higher whole number; None where it tells none. before: the pain of the start, for "the same"."""
    scores = [number for number in answer.numbers if number.unit == "score" and number.value <= HIGHEST_PAIN] or [number for number in answer.numbers if number.unit is None]
    if scores:
        return None if any(number.value > HIGHEST_PAIN for number in scores) else math.ceil(_current(answer, scores))
    if answer.numbers:
        return None
    if answer.says("same_pain") and before is not None:
        return before
    return 0 if answer.says("no_pain") else None


def _current(answer: Answer, scores: Sequence[Number]) -> float:
    """Return which of several numbers is the pain now: the one beside "now", the latter of "from … to …", else the highest."""
    behind = [number for number in scores if _NOW.match(answer.text[number.end :])]
    before = [number for number in scores if _NOW_BEFORE.search(answer.text[: number.end])]
    if len(scores) > 1 and (behind or before):
        return (behind or before)[-1].value
    return scores[-1].value if len(scores) == 2 and _FROM_TO.search(answer.text) else max(number.value for number in scores)


def _lacks(answer: Answer, group: str) -> bool:
    """Return whether every mention of a thing stands beside a word that says it is not there, or behind one that says it is gone."""
    mentioned = {start for name, groups in answer.groups.items() if name not in ("lacks", "no", "none_of_them") for start, _ in groups}
    denied, gone = ([end - 1 for _, end in answer.groups.get(name, ())] for name in ("lacks", "gone"))
    denied = [place for place in denied if answer.words[place + 1 : place + 2] not in (("good",), ("way",), ("problem",), ("chance",))]  # "floor no good, bed ok"

    def is_lacking(start: int, end: int) -> bool:
        is_denied_before = any(start - _DENIAL_BEFORE <= place < start for place in denied) and answer.words[end : end + 1] != ("yes",)
        is_denied_behind = answer.words[end : end + 1] == ("no",) and not mentioned.intersection((end, end + 1))
        return is_denied_before or is_denied_behind or any(start - _DENIAL_BEFORE <= place <= end + _GONE_BEHIND for place in gone)

    return all(is_lacking(start, end) for start, end in answer.groups[group])


def event_of(content: Content, state: State, answer: Answer) -> Optional[Event]:
    """Return what a message does in a state of the session; None where it answers nothing that is asked."""
    wish = _wish(state, answer)
    if wish is not None or state.stage == PAUSED:
        return wish
    if state.stage == CLEARED and answer.says("agreed"):
        return Event(NO if _lacks(answer, "agreed") else YES)
    if state.stage in YES_NO_STAGES:
        said = yes_no(answer, state.stage in DANGER_STAGES)
        is_of_something_else = state.stage == CLEARED and said == NO and answer.bare is None and not any(map(answer.is_all, ("no", "none_of_them")))
        return Event(said) if said and not is_of_something_else else None
    if state.stage in (WHICH, ABOUT_YOU):
        return _of_a_list(content, state, answer)
    return _OF_STAGE[state.stage](state, answer) if state.stage in _OF_STAGE else None


def follow_up_of(state: State, answer: Answer) -> Optional[Event]:
    """Return what a message that has answered a question says of the next one too, where that can be nothing else: "4, and 15 minutes on the floor"."""
    if state.stage == MINUTES:
        minutes = minutes_said(answer)
        return Event(NUMBER, minutes) if minutes else None
    if state.stage == PLACE:
        can_lie = can_lie_said(answer)
        return None if can_lie is None else Event(YES if can_lie else NO)
    named = things_said(answer) if state.stage == THINGS else ()
    if state.stage == THINGS and not named and answer.says("no_things"):
        return Event(NONE_OF_THEM)
    return Event(CHOSEN, chosen=named) if named else None


def minutes_said(answer: Answer) -> Optional[int]:
    """Return the minutes that a message names as such."""
    for number in answer.numbers:
        if number.unit in ("minutes", "hours"):
            return max(1, round(number.value * (MINUTES_AN_HOUR if number.unit == "hours" else 1)))
    return None


def can_lie_said(answer: Answer) -> Optional[bool]:
    """Return whether a message says that the person can, or cannot, lie down; None where it says neither."""
    if answer.says("bed_ok") and not _lacks(answer, "bed_ok"):
        return True
    if answer.says("upright") or answer.says("bed_ok"):
        return False
    return not _lacks(answer, "floor_ok") if answer.says("floor_ok") else None


def things_said(answer: Answer) -> tuple[str, ...]:
    """Return the things that a message says are at hand."""
    lacking = {thing for thing in THINGS_OFFERED if answer.says(thing) and _lacks(answer, thing)}
    named = {*THINGS_OFFERED} if answer.says("everything") and lacking else {thing for thing in THINGS_OFFERED if answer.says(thing)}
    return tuple(thing for thing in THINGS_OFFERED if thing in named - lacking)


def _wish(state: State, answer: Answer) -> Optional[Event]:
    """Return a pause, an end or a return, which may be said anywhere."""
    if state.stage == PAUSED:
        return Event(STOP) if answer.says("stop") and answer.is_short else Event(RESUME) if answer.says("resume") or answer.intent in ("affirm", "start_session") else None
    for kind, group in ((FELL, "fell"), (UNWELL, "unwell")):
        is_told = answer.says(group) and not _lacks(answer, group) and state.stage not in DANGER_STAGES
        if is_told and (state.stage not in (ABOUT_YOU, WHICH) or (kind == FELL and not answer.numbers and not _LONG_AGO.search(answer.text))):
            return Event(kind)
    if state.noted and answer.says("wrong") and not state.plan:
        return Event(BACK)
    if state.stage != EXERCISE and answer.says("why_asked") and (answer.is_short or answer.groups["why_asked"][0][0] == 0):
        return Event(WHY)
    if state.stage != EXERCISE and answer.is_all("repeat"):
        return Event(REPEAT)
    hurts = answer.says("it_hurts") and state.stage == EXERCISE
    if answer.says("stop") and not hurts and (answer.is_short or state.stage in (EXERCISE, HURTS)):
        return Event(STOP)
    return Event(PAUSE) if answer.says("pause") and not hurts and answer.bare is None and state.stage != MINUTES else None


def _choices(answer: Answer) -> list[int]:
    """Return the numbers that choose from a list: "1,2,3" is three of them."""
    return [int(digits) for digits in _DIGITS.findall(answer.text)] or [int(number.value) for number in answer.numbers if number.unit is None]


def _of_a_list(content: Content, state: State, answer: Answer) -> Optional[Event]:
    """Take what holds of a list, by its numbers, which answer the whole of it, or by name, which may not be all."""
    choices = choices_of(content, state)
    numbers = _choices(answer)
    may_hold = choices if state.stage == WHICH else (*choices, *content.programme.conditions, *content.programme.situations_asked)
    named = tuple(dict.fromkeys(choice for choice in may_hold if choice in answer.named))
    if numbers and _is_numbers_alone(answer) and not named:
        if numbers == [0]:
            return Event(NONE_OF_THEM)
        if state.stage == WHICH and len(numbers) == 1 and len(choices) < numbers[0] < content.programme.numbers.child_under:
            return Event(CHOSEN, chosen=(UNDER_AGE,))
        return Event(CHOSEN, chosen=tuple(choices[number - 1] for number in numbers)) if all(1 <= number <= len(choices) for number in numbers) else None
    weeks = weeks_told(answer)
    if not named and weeks in content.programme.numbers.weeks_of_pregnancy and not re.search(r"\b(?:ago|since|old|after)\b", answer.text) and any(number.unit == "weeks" for number in answer.numbers):
        named = (PREGNANT,)
    if named:
        return Event(CHOSEN, chosen=named, is_whole=False, weeks=weeks)
    is_none = answer.is_all("none_of_them") or answer.is_all("no") or (answer.intent == "deny" and answer.is_short)
    begins_so = any(start == 0 for start, _ in answer.groups.get("none_of_them", ())) and answer.words[0] != "no" and len(answer.words) <= _BRIEF
    return Event(NONE_OF_THEM) if is_none or begins_so else None


def _is_numbers_alone(answer: Answer) -> bool:
    """Return whether a message holds nothing but numbers, and the words between them."""
    return not re.search(r"[a-z]{2,}", re.sub(r"\b(?:and|no|number|numbers|also|plus|nr)\b", "", answer.text))


def weeks_told(answer: Answer) -> Optional[int]:
    """Return the weeks that a message tells, of whatever: in weeks, months, days or years."""
    for number in answer.numbers:
        if number.unit in ("weeks", "months", "days", "years"):
            return _in_weeks(number)
    return None


def _in_weeks(number: Number) -> int:
    weeks = {"months": WEEKS_A_MONTH, "years": WEEKS_A_YEAR, "days": 1 / DAYS_A_WEEK}.get(number.unit or "weeks", 1) * number.value
    return int(weeks) if number.unit in ("days", "weeks", None) else round(weeks)


def _pain(state: State, answer: Answer) -> Optional[Event]:
    pain = pain_of(answer, state.pain_before)
    return Event(NUMBER, pain) if pain is not None else None


def _hurts(state: State, answer: Answer) -> Optional[Event]:
    pain = pain_of(answer, state.pain_now)
    is_sharp, spreads = _pain_kind(answer)
    if pain is None and not is_sharp and not spreads:
        return Event(NUMBER, state.pain_now) if answer.says("muscle") else None
    return Event(IT_HURTS, pain, is_sharp=is_sharp, spreads=spreads)


def _pain_kind(answer: Answer) -> tuple[bool, bool]:
    return tuple(answer.says(group) and not _lacks(answer, group) for group in ("sharp", "spreads"))


def _minutes(state: State, answer: Answer) -> Optional[Event]:
    minutes = minutes_said(answer)
    if minutes:
        return Event(NUMBER, minutes)
    bare = next((int(number.value) for number in answer.numbers if number.unit is None), None)
    if bare and (answer.is_short or _GIVES_TIME.search(answer.text)) and not answer.says("pain_word"):
        is_option = bare <= len(MINUTES_OFFERED) and answer.bare is not None
        return Event(NUMBER, MINUTES_OFFERED[bare - 1] if is_option else bare)
    if answer.says("any_length") or yes_no(answer) == UNSURE:
        return Event(UNSURE)
    return Event(NUMBER, MINUTES_OFFERED[0]) if answer.says("short_time") else None


def _place(state: State, answer: Answer) -> Optional[Event]:
    if answer.bare in (1, 2):
        return Event(YES if answer.bare == 1 else NO)
    can_lie = can_lie_said(answer)
    said = yes_no(answer) if can_lie is None else YES if can_lie else NO
    return Event(said) if said else None


def _things(state: State, answer: Answer) -> Optional[Event]:
    numbers = _choices(answer) if _is_numbers_alone(answer) or answer.is_short or any(map(answer.says, THINGS_OFFERED)) else []
    if any(number > len(THINGS_OFFERED) for number in numbers):
        return None
    by_number, named = {THINGS_OFFERED[number - 1] for number in numbers if number}, things_said(answer)
    chosen = tuple(thing for thing in THINGS_OFFERED if thing in by_number or thing in named)
    if chosen:
        return Event(CHOSEN, chosen=chosen)
    if numbers or any(map(answer.says, THINGS_OFFERED)) or any(map(answer.says, ("none_of_them", "no_things", "no"))) or answer.intent == "deny":
        return Event(NONE_OF_THEM)
    return Event(CHOSEN, chosen=THINGS_OFFERED) if answer.says("everything") else None


_OF_INTENT = {"exercise_hurts": IT_HURTS, "ask_easier": EASIER, "ask_harder": HARDER, "ask_why": WHY, "affirm": NEXT}
_IN_ORDER = (
    (WHY, "why"), (STEP_BY_STEP, "step_by_step"), (ALL_STEPS, "all_steps"), (PLAN_LEFT, "plan_left"), (EASIER, "easier"), (EASIER, "not_up_to_it"), (HARDER, "harder"), (SKIP, "skip"), (REPEAT, "repeat"), (NEXT, "next"),
)  # fmt: skip


def _exercise(state: State, answer: Answer) -> Optional[Event]:
    if answer.bare is not None:
        return Event(MENU[answer.bare - 1]) if 1 <= answer.bare <= len(MENU) else None
    is_sharp, spreads = _pain_kind(answer)
    tells_pain = _TELLS_PAIN.search(answer.text) and not _DID.search(answer.text) and any(number.unit in (None, "score") and number.value <= HIGHEST_PAIN for number in answer.numbers)
    if (answer.says("it_hurts") and not _lacks(answer, "it_hurts")) or spreads or tells_pain:
        return Event(IT_HURTS, pain_of(answer), is_sharp=is_sharp, spreads=spreads)
    if can_lie_said(answer) is not None and _MOVES.search(answer.text):
        return Event(MOVED, int(bool(can_lie_said(answer))))
    for kind, group in _IN_ORDER:
        if answer.says(group):
            return Event(kind)
    if _DID.search(answer.text) or (answer.says("fine") and answer.is_short and not answer.says("posture")):
        return Event(NEXT)
    kind = _OF_INTENT.get(answer.intent or "")
    return Event(kind) if kind and (kind != NEXT or answer.is_short) else None


def _weeks(state: State, answer: Answer) -> Optional[Event]:
    counted = [number for number in answer.numbers if number.unit == "weeks"]
    is_corrected = re.search(r"\b(?:so|but|no) \d", answer.text)
    for number in counted[-1:] or (answer.numbers[::-1] if is_corrected else answer.numbers):
        if number.unit in (None, "weeks", "months", "days", "years"):
            return Event(NUMBER, _in_weeks(number))
    if answer.says("a_while_ago_none") and state.stage == SINCE:
        return Event(NUMBER, 0)
    return Event(UNSURE) if yes_no(answer) == UNSURE else None


def _day_after(state: State, answer: Answer) -> Optional[Event]:
    if answer.bare in _BY_NUMBER:
        return Event(_BY_NUMBER[answer.bare])
    settled, worse = (answer.says(group) and not _lacks(answer, group) for group in ("settled", "worse_after"))
    if settled and worse:  # the later word counts
        return Event(YES if answer.groups["settled"][-1] > answer.groups["worse_after"][-1] else NO)
    if worse or (answer.says("settled") and not settled):
        return Event(NO)
    if settled or answer.says("worse_after"):
        return Event(YES)
    return Event(UNSURE) if answer.says("unsure") else None


_OF_STAGE = {
    PAIN_BEFORE: _pain, PAIN_AFTER: _pain, HURTS: _hurts, MINUTES: _minutes, PLACE: _place, THINGS: _things, EXERCISE: _exercise, WEEK: _weeks, SINCE: _weeks, DAY_AFTER: _day_after,
}  # fmt: skip
