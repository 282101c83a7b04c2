"""What the words around a sign make of it: denied, taken back, asked about, supposed, long past, or simply there.

The cues are data (`content/red_flags/_context.yml`); the rules R1–R16, R19, R23, R24, R26 and R27 that they serve are described in `docs/safety.md`.
Hedging and playing down (R1, R2) and speaking for somebody else (R12) change nothing here, on purpose.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass
from enum import Enum
from typing import Any, Callable, Iterable, Optional, Sequence

from sijbot.triage.match import Match, Reading, Span

QUOTATION_MARKS = frozenset('"“”„«»')
FEW_WORDS = 2  # so many may stand between what is refused and the refusal
SOME_WORDS = 5  # so many may stand between two cues that are read together: "sorry, … I meant", "not as if … isn't", "since … surgery"
TELLING_LETTERS = 4  # a word of so many tells what it is about


class Mention(str, Enum):
    """How a sign is mentioned."""

    PRESENT = "present"
    DENIED = "denied"  # or taken back as a slip (R24)
    ASKED = "asked"  # a question about the sign, nobody said to have it (R13), or somebody says not to want it
    SUPPOSED = "supposed"  # "what if I ever …" (R15)
    PAST = "past"
    NOT_A_PATIENT = "not_a_patient"  # an animal, a thing
    QUOTED = "quoted"  # somebody else's words, or a story, a lesson, a film: nobody here is said to have it (R26, R27)
    LASTING = "lasting"  # long there since something that is known, and not said whether it has changed (R11)
    UNSURE = "unsure"  # "is it normal to …": nobody named (R13, R23); or long there after a known cause, and perhaps changed (R11)


@dataclass(frozen=True)
class Clauses:
    """The clause number of every token."""

    of_token: tuple[int, ...]


def clauses(reading: Reading) -> Clauses:
    """Return the clauses of a message (R3, R4).

    A new one starts at a sentence, at "but", "however" …, and at a comma or "and" that is followed by a word which opens a clause of its own
    (I, my, it, numb, both …), or by words that say something of their own ("no fever, bladder wont empty"). A list of bare nouns stays one
    clause, and so does one that an "or" holds together: "no numbness, weakness or bladder problems".
    """
    breaks = {span.start for span in _cues(reading, "clause_break")}
    openers = {span.start for span in _cues(reading, "clause_opener")}
    joints = {span.start for span in _cues(reading, "clause_joint")}
    pseudo = _covered(_cues(reading, "pseudo_negation"))
    states = {span.start for span in _cues(reading, "clause_verb")}
    lists = {span.start for span in _cues(reading, "list_word")}
    loose = {span.start for span in _cues(reading, "clause_opener_in_list")}
    numbers, number = [], 0
    for index in range(len(reading.words)):
        new_sentence = index > 0 and reading.sentence_of[index] != reading.sentence_of[index - 1]
        joined = index > 0 and index - 1 in joints and index in openers and not (index in loose and _is_in_denied_list(index, reading, states, lists))
        if new_sentence or (index in breaks and index not in pseudo) or joined or _says_something_of_its_own(index, reading, states, lists):
            number += 1
        numbers.append(number)
    return Clauses(tuple(numbers))


def _says_something_of_its_own(index: int, reading: Reading, states: set[int], lists: set[int]) -> bool:
    """True for the first word behind a comma where what follows, up to the next comma, has a verb, and no "or" holds a list together."""
    if index == 0 or reading.words[index - 1] != ",":
        return False
    sentence = reading.sentence_of[index]
    rest = [other for other in range(index, len(reading.words)) if reading.sentence_of[other] == sentence]
    until_comma = next((other for other in rest if reading.words[other] == ","), rest[-1] + 1)
    return not states.isdisjoint(range(index, until_comma)) and lists.isdisjoint(rest)


def _is_in_denied_list(index: int, reading: Reading, states: set[int], lists: set[int]) -> bool:
    """True for a word with a denial before it in its sentence, and an "or" behind it, no verb before that, and no time of now after."""
    sentence = reading.sentence_of[index]
    end = bisect_left(reading.sentence_of, sentence + 1)
    held = next((other for other in range(index, end) if other in lists), end)
    denied = any(reading.sentence_of[cue.start] == sentence and cue.start < index for cue in _cues(reading, "negation"))
    now = any(index < cue.start < end for cue in _cues(reading, "present_fact"))
    return denied and held < end and not now and states.isdisjoint(range(index, held))


def mention(match: Match, reading: Reading, clause_numbers: Clauses, event: bool = False) -> Mention:
    """Return how the sign of this match is mentioned.

    event: the sign is something that happened once, so that what still hurts does not bring it back (R10).
    """
    if _is_taken_back(match, reading, clause_numbers):
        return Mention.DENIED
    key = ("mention", match.spans, event, bool(match.pattern.level))  # many patterns hold by the same words
    return _remembered(reading, key, lambda reading: _mention_of_spans(match, reading, clause_numbers, event))


def _mention_of_spans(match: Match, reading: Reading, clause_numbers: Clauses, event: bool) -> Mention:
    """Return how the words of this match are mentioned."""
    if _is_refused(match, reading, clause_numbers):
        return Mention.ASKED
    if _is_denied(match, reading, clause_numbers):
        return Mention.DENIED
    sentence = reading.sentence_of[match.start]
    animals = (cue for cue in _cues(reading, "not_a_patient") if reading.sentence_of[cue.start] == sentence)
    if any(not _comes_to_the_speaker(animal, match, reading, clause_numbers) for animal in animals):
        return Mention.NOT_A_PATIENT
    if _is_of_the_dead(reading, sentence):
        return Mention.NOT_A_PATIENT
    if _fits_the_speaker(match, reading, sentence):
        return Mention.PRESENT
    if _is_quoted(match, reading) or _is_on_a_checklist(match, reading, sentence) or _is_in_a_frame(match, reading, sentence):
        return Mention.QUOTED
    present = _is_so_now(match, reading, sentence)
    if not present and _is_pretended(match, reading, sentence):
        return Mention.QUOTED
    if not present and (_is_what_if(match, reading, sentence) or _is_for_some_day(match, reading, clause_numbers)):
        return Mention.SUPPOSED
    if _before(reading, "impersonal_question", sentence, match) and not _is_owned(reading, sentence):
        return Mention.UNSURE
    if _is_question(reading, sentence, match) and not _is_owned(reading, sentence):
        return Mention.ASKED
    return (
        _long_standing(match, reading, clause_numbers)
        or (Mention.PAST if _is_past(match, reading, clause_numbers, event) or _is_over(match, reading, clause_numbers) else Mention.PRESENT)
    )  # fmt: skip


def _is_denied(match: Match, reading: Reading, clause_numbers: Clauses) -> bool:
    """R3–R8: a negation earlier in the same clause denies the sign, unless the negative words are the sign itself or are undone."""
    own_words = _covered(match.spans)
    undone = _covered_by(reading, "pseudo_negation") | _not_gone(reading, own_words) | _remembered(reading, "doubled", _doubled)
    for span in match.spans:
        clause = clause_numbers.of_token[span.start]
        for cue in _cues(reading, "negation"):
            same_clause = clause_numbers.of_token[cue.start] == clause
            if same_clause and _reaches(cue, span, reading) and not undone.intersection(range(cue.start, cue.end)):
                if not own_words.intersection(range(cue.start, cue.end)) and not _is_part_of_a_sign(cue, reading) and not _is_itself_negative(span, reading):
                    return True
    for cue in _cues(reading, "negation_after"):
        if match.end <= cue.start <= match.end + 2 and reading.sentence_of[cue.start] in (reading.sentence_of[match.end - 1], reading.sentence_of[match.end - 1] + 1):
            return True
    return False


def _not_gone(reading: Reading, own_words: set[int]) -> set[int]:
    """Return the words of "has not gone" (R6) where what has not gone is the sign, and not "has not gone numb" or "waters have not gone"."""
    return _covered(cue for cue in _cues(reading, "unresolved") if own_words.isdisjoint((cue.end - 1, cue.end)))


def _doubled(reading: Reading) -> set[int]:
    """Return the words of two negations that undo each other (R8): "not as if it isnt", "wouldnt say i have no"."""
    return {
        index
        for first in _cues(reading, "double_negation")
        for second in _cues(reading, "negation")
        if first.end <= second.start <= first.end + SOME_WORDS and _is_unbroken(reading, first.end, second.start)
        for index in range(first.start, second.end)
    }


def _is_unbroken(reading: Reading, start: int, end: int) -> bool:
    """True where these words stand in one sentence, without a comma among them."""
    return reading.sentence_of[start - 1] == reading.sentence_of[end] and "," not in reading.words[start:end]


def _is_taken_back(match: Match, reading: Reading, clause_numbers: Clauses) -> bool:
    """R24: True for a sign that is said to be a slip, with a word in its place: "i cant pee, sorry, autocorrect, i meant i cant plank".

    Taken back is what stands right before, and what the words in its place name again; a part of it alone ("i meant the left leg") takes nothing back.
    """
    return any(_is_replaced(match, slip, reading, clause_numbers) for slip in _remembered(reading, "slips", _slips))


@dataclass(frozen=True)
class _Slip:
    """A "sorry, … i meant …": where it begins, the words that are meant instead, all words before, and those behind that tell what it is about."""

    start: int
    instead: range
    before: frozenset[str]
    behind: frozenset[str]


def _slips(reading: Reading) -> list[_Slip]:
    """Return every slip that is admitted, and with which another word follows, no mere detail."""
    details, none, found = _covered_by(reading, "correction_detail"), _covered_by(reading, "correction_none"), []
    for meant in _cues(reading, "correction_meant"):
        start = next((cue.start for cue in _cues(reading, "correction_slip") if meant.start - SOME_WORDS <= cue.start < meant.start), None)
        instead = _until_comma(reading, meant.end)
        if start is None or meant.start in none or not any(reading.words[index].isalpha() for index in instead):
            continue
        before = range(bisect_left(reading.sentence_of, reading.sentence_of[start] - 1), start)
        said = {reading.words[index] for index in before}
        if not any((index in details or reading.words[index][0].isdecimal()) and reading.words[index] not in said for index in instead):
            behind = range(meant.end, bisect_left(reading.sentence_of, reading.sentence_of[meant.start] + 1))
            found.append(_Slip(start, instead, frozenset(said), _telling(reading, behind)))
    return found


def _until_comma(reading: Reading, start: int) -> range:
    """Return the words from here to the next comma or the end of the sentence."""
    ends = (i for i in range(start, len(reading.words)) if reading.words[i] == "," or reading.sentence_of[i] != reading.sentence_of[start - 1])
    return range(start, next(ends, len(reading.words)))


def _is_replaced(match: Match, slip: _Slip, reading: Reading, clause_numbers: Clauses) -> bool:
    if match.start >= slip.start or reading.sentence_of[match.start] < reading.sentence_of[slip.start] - 1:
        return False
    own_words = _covered(match.spans)
    if match.end > slip.instead.start:  # it stands where its other half is new: "pain in my chest, sorry, i meant in my upper back"
        return not slip.before.isdisjoint(_telling(reading, (index for index in own_words if index >= slip.instead.start)))
    alike = (range(*span) for part in match.pattern.parts for span in reading.spans.get(part.group, ()) if span.start in slip.instead)
    if any(slip.before.isdisjoint(reading.words[index] for index in span) for span in alike):  # it stands: "my calf is hot, sorry, i meant my thigh"
        return False
    last = next((index for index in reversed(range(slip.start)) if reading.words[index].isalpha()), match.start)
    return clause_numbers.of_token[match.end - 1] == clause_numbers.of_token[last] or not slip.behind.isdisjoint(_telling(reading, own_words))


def _telling(reading: Reading, indices: Iterable[int]) -> frozenset[str]:
    words = (reading.words[index] for index in indices)
    return frozenset(word for word in words if word.isalpha() and len(word) >= TELLING_LETTERS)


def _reaches(cue: Span, sign: Span, reading: Reading) -> bool:
    """True where the negation stands before the sign and nobody new acts between them: "havent told anyone i wet myself" denies no sign."""
    if cue.end > sign.start:
        return False
    if any(belief.start <= cue.start and cue.end <= belief.end for belief in _cues(reading, "negated_belief")):
        return True
    return not any(cue.end <= subject.start < sign.start for subject in _cues(reading, "new_subject"))


def _is_quoted(match: Match, reading: Reading) -> bool:
    """R26: True inside quotation marks that hold more than a few words, or the words of somebody who is not here."""
    return any(start < match.start and match.end <= end for start, end in _remembered(reading, "quotations", _quotations))


def _quotations(reading: Reading) -> list[tuple[int, int]]:
    marks = [index for index, word in enumerate(reading.words) if word in QUOTATION_MARKS]
    return [(start, end) for start, end in zip(marks[::2], marks[1::2]) if end - start > FEW_WORDS + 1]


def _fits_the_speaker(match: Match, reading: Reading, sentence: int) -> bool:
    """R26: True where somebody says behind the text that it fits: "… if you cannot pass urine, and i cant"."""
    ends = (cue.end for cue in _cues(reading, "same_here") if reading.sentence_of[cue.start] == sentence and cue.start >= match.end)
    return any(end == len(reading.words) or not reading.words[end].isalpha() for end in ends)


def _is_on_a_checklist(match: Match, reading: Reading, sentence: int) -> bool:
    """True for what somebody was asked about ("she went through the list, bladder, bowel, numb legs"), up to where the speaker answers."""
    asked = [cue for cue in _cues(reading, "checklist") if reading.sentence_of[cue.start] == sentence and cue.end <= match.start]
    if not asked:
        return False
    return not any(asked[0].end <= answer.start < match.end for answer in _cues(reading, "checklist_answer"))


def _is_in_a_frame(match: Match, reading: Reading, sentence: int) -> bool:
    """R27: True where a story, lesson or work is spoken of in this sentence or the one before, and the sign's own sentence says nothing of anybody here."""
    framed = _sentences_with(reading, "frame")
    if sentence not in framed and sentence - 1 not in framed:
        return False
    told = _covered_by(reading, "frame_opens")
    clause_start = max((i for i in range(match.start) if (reading.words[i] in ",:-" or i in told) and reading.sentence_of[i] == sentence), default=-1)
    return not any(
        reading.sentence_of[span.start] == sentence and (span.start > clause_start or sentence not in framed)
        for span in _cues(reading, "ownership") if span.start < match.end
    )


def _is_pretended(match: Match, reading: Reading, sentence: int) -> bool:
    """R27: True behind "lets role play" or "for my essay, …", whoever is named, up to where somebody speaks in earnest."""
    first = bisect_left(reading.sentence_of, sentence)
    frames = [*_cues(reading, "pretend"), *(cue for cue in _cues(reading, "made_up_for") if cue.start == first)]
    ends = [frame.end for frame in frames if reading.sentence_of[frame.start] == sentence and frame.end <= match.start]
    return bool(ends) and not any(min(ends) <= earnest.start < match.start for earnest in _cues(reading, "in_earnest"))


def _is_so_now(match: Match, reading: Reading, sentence: int) -> bool:
    """R16: True where a fact of now is told; of a day to come, what stands before the supposition tells nothing."""
    facts = [cue for cue in _cues(reading, "present_fact") if reading.sentence_of[cue.start] == sentence]
    never, perhaps = _covered_by(reading, "not_some_day"), _covered_by(reading, "present_fact_perhaps")
    if not any(reading.sentence_of[day.start] == sentence and day.start not in never for day in _cues(reading, "some_day")):
        return bool(facts)
    opens = [cue.start for name in ("hypothetical", "supposition") for cue in _cues(reading, name) if reading.sentence_of[cue.start] == sentence]
    supposed_from = min((start for start in opens if start <= match.start), default=0)
    return any(fact.start >= supposed_from and fact.start not in perhaps for fact in facts)


def _is_what_if(match: Match, reading: Reading, sentence: int) -> bool:
    """R15: True behind "what if", "in case"; "as if" and "not sure if" suppose nothing."""
    said = _covered_by(reading, "not_hypothetical")
    return any(reading.sentence_of[cue.start] == sentence and cue.start <= match.start and cue.start not in said for cue in _cues(reading, "hypothetical"))


def _is_for_some_day(match: Match, reading: Reading, clause_numbers: Clauses) -> bool:
    """R15: True for "should my foot ever drag", "if i couldnt lift it one day"."""
    sentence = reading.sentence_of[match.start]
    first = bisect_left(reading.sentence_of, sentence)
    opens = [cue for cue in _cues(reading, "supposition") if cue.start in (first, _behind_the_lead(reading, first))]
    never = _covered_by(reading, "not_some_day")
    days = [cue for cue in _cues(reading, "some_day") if cue.start not in never and reading.sentence_of[cue.start] == sentence]
    return any(
        cue.start < match.start
        and _is_unbroken(reading, min(cue.end, match.start), max(day.end, match.end) - 1)
        and (0 <= day.start - cue.end < SOME_WORDS or clause_numbers.of_token[day.start] == clause_numbers.of_token[match.end - 1])
        for cue in opens
        for day in days
    )


def _long_standing(match: Match, reading: Reading, clause_numbers: Clauses) -> Optional[Mention]:
    """R11, R19: what has long been so since something that is known: PAST where it is said not to have changed, PRESENT where it has, else LASTING.

    None where it is no such sign. A fact is no sign, and its pattern has no level: it stays what it is.
    """
    sentence = reading.sentence_of[match.start]
    if not match.pattern.level or not any(match.start <= cue.start and cue.end <= match.end for cue in _cues(reading, "lasting_sign")):
        return None
    if not _has_long_had_a_cause(match, reading, clause_numbers) or _in_sentence(reading, "resolved", sentence):
        return None
    said_the_same = _in_sentence(reading, "unchanged", sentence)
    same = _covered_by(reading, "unchanged") | _covered_by(reading, "not_recurring")
    changes = ("changed",) if said_the_same else ("changed", "changed_perhaps")
    if any(reading.sentence_of[cue.start] == sentence and cue.start not in same for name in changes for cue in _cues(reading, name)):
        return Mention.PRESENT
    return Mention.PAST if said_the_same else Mention.LASTING


def _has_long_had_a_cause(match: Match, reading: Reading, clause_numbers: Clauses) -> bool:
    """True for "numb since my surgery years ago" and "since my surgery years ago i leak"; "after" it counts only with "it left me"."""
    sentence, of = reading.sentence_of[match.start], clause_numbers.of_token
    times = [cue for cue in _cues(reading, "long_time") if reading.sentence_of[cue.start] == sentence]
    links = [*_cues(reading, "cause_link"), *(_cues(reading, "cause_link_after") if _in_sentence(reading, "left_with", sentence) else ())]
    own, first = of[match.end - 1], bisect_left(reading.sentence_of, sentence)
    for link in links if times else ():
        there = of[link.end - 1]
        causes = [cue for cue in _cues(reading, "known_cause") if 0 <= cue.start - link.end < SOME_WORDS and _is_unbroken(reading, link.end, cue.start)]
        near = [time for time in times if of[time.start] in (own, there)]
        if not causes or not near or reading.sentence_of[link.start] != sentence:
            continue
        if link.start > match.start:
            between = (index for index in range(match.end, link.start) if of[index] != own)
        else:  # "since my surgery my back hurts, numb crotch" says nothing about the crotch
            told = max(cue.end for cue in (*causes, *(time for time in near if of[time.start] == there)))
            between = (index for index in range(told, match.start) if of[index] == there) if own == there + 1 else ()
            if link.start != first or own not in (there, there + 1):
                continue
        if not any(reading.words[index].isalpha() for index in between):
            return True
    return False


def _comes_to_the_speaker(animal: Span, match: Match, reading: Reading, clause_numbers: Clauses) -> bool:
    """True where somebody of ours acts in the clause of the animal or of the sign: "my dog pulled me over", "I fell over the cat"."""
    theirs = {clause_numbers.of_token[animal.start], clause_numbers.of_token[match.start]}
    inside = range(animal.start, animal.end)
    about_it = _covered_by(reading, "animal_pronoun")
    people = (span.start for span in _cues(reading, "ownership") if span.end - span.start == 1 and span.start not in about_it)
    return any(person not in inside and person < match.end and clause_numbers.of_token[person] in theirs for person in people)


def _is_of_the_dead(reading: Reading, sentence: int) -> bool:
    """R12: True where one of ours is said to be long dead, and nobody else is named, before them or compared with them."""
    if not _in_sentence(reading, "long_dead", sentence) or _in_sentence(reading, "likeness", sentence):
        return False
    named = _covered_by(reading, "kin")
    theirs = {index for lead in _cues(reading, "kin_lead") if not named.isdisjoint(range(lead.end, lead.end + FEW_WORDS)) for index in range(*lead)}
    here = [index for index in named if reading.sentence_of[index] == sentence]
    behind = {index for index in _covered_by(reading, "animal_pronoun") if here and index > here[0]}
    people = {cue.start for cue in _cues(reading, "ownership") if reading.sentence_of[cue.start] == sentence}
    return len(here) == 1 and people <= named | theirs | behind


def _is_refused(match: Match, reading: Reading, clause_numbers: Clauses) -> bool:
    """True for what somebody says not to want ("dont want to kill myself"), unless the words are the sign itself ("dont want to be here")."""
    clause = clause_numbers.of_token[match.start]
    undone = _covered_by(reading, "pseudo_negation")
    own_words = _covered(match.spans)
    return any(
        clause_numbers.of_token[cue.start] == clause and cue.start < match.start <= cue.end + FEW_WORDS and cue.start not in undone | own_words
        for cue in _cues(reading, "refused")
    )


def _is_past(match: Match, reading: Reading, clause_numbers: Clauses, event: bool) -> bool:
    """R9, R10: said to be long past, beside the sign or by itself ("years ago, …"), and not said to be back."""
    sentence = reading.sentence_of[match.start]
    weeks = _covered_by(reading, "not_long_past")
    times = [
        cue for cue in _cues(reading, "long_past")
        if reading.sentence_of[cue.start] == sentence and cue.start not in weeks and not _is_followed_by_now(cue, match, reading)
    ]  # fmt: skip
    if not times:
        return False
    stretches = _remembered(reading, "stretches", lambda reading: _stretches(reading, clause_numbers))
    own_words = [index for span in match.spans for index in range(span.start, span.end)]
    own_stretches = {stretches[index] for index in own_words}
    ended = any(reading.sentence_of[cue.start] == sentence and cue.start >= match.end for cue in _cues(reading, "episode_over"))
    if not any(
        stretches[cue.end - 1] in own_stretches or _stands_alone(cue, reading, stretches) or _opens_sentence(cue, reading, sentence)
        or (ended and cue.end <= match.start) for cue in times
    ):  # fmt: skip
        return False
    if event:
        own_clauses = {clause_numbers.of_token[index] for index in own_words}
        return not any(clause_numbers.of_token[cue.start] in own_clauses for cue in _cues(reading, "happened_again"))
    over, never_back = _covered_by(reading, "not_recurring"), _covered_by(reading, "never_back")
    well = [cue.end for cue in _cues(reading, "resolved") if reading.sentence_of[cue.start] == sentence]
    if well:
        back = (cue.start for cue in _cues(reading, "back_again") if reading.sentence_of[cue.start] == sentence and cue.start not in over | never_back)
        return not any(max(well) <= start for start in back)
    if not _in_sentence(reading, "not_over", sentence):
        over = over | never_back
    return not any(reading.sentence_of[cue.start] == sentence and cue.start not in over for cue in _cues(reading, "recurring"))


def _is_over(match: Match, reading: Reading, clause_numbers: Clauses) -> bool:
    """R9, R10: True for what never came back, and for what was, was looked at, and was found to be nothing."""
    of, sentence, own = clause_numbers.of_token, reading.sentence_of[match.start], clause_numbers.of_token[match.end - 1]
    goes_on_with_it = _remembered(reading, "clauses that go on with it", lambda reading: _clauses_that_go_on_with_it(reading, clause_numbers))
    long_ago = any(_in_sentence(reading, name, sentence) for name in ("long_past", "year_named"))
    if _is_gone_for_good(match, reading, clause_numbers, long_ago):
        return True
    years, it = {time.start for time in _cues(reading, "long_time")}, _covered_by(reading, "speaks_of_it")
    if any(cue.start > match.end and cue.start - 1 in it and cue.end in years and of[cue.start] <= own + 1 for cue in _cues(reading, "not_for_years")):
        return True
    if long_ago and not any(_in_sentence(reading, name, sentence) for name in ("present_fact", "not_over")):
        clauses_of_it = {own, *goes_on_with_it.intersection((own + 1,))}
        if any(cue.start >= match.end and of[cue.start] in clauses_of_it for cue in _cues(reading, "never_back")):
            return True
    told = any(match.start - FEW_WORDS <= cue.start < match.end and of[cue.start] == own for cue in _cues(reading, "told_as_past"))
    looks = [cue.end for cue in _cues(reading, "looked_at_it") if match.end <= cue.start and own <= of[cue.start] <= own + 1]
    clear = looks and any(min(looks) <= cue.start and reading.sentence_of[cue.start] == sentence for cue in _cues(reading, "found_clear"))
    return bool(told and clear) and not _in_sentence(reading, "goes_on", sentence)


def _clauses_that_go_on_with_it(reading: Reading, clause_numbers: Clauses) -> set[int]:
    """Return the clauses that begin with "it" or the like."""
    of = clause_numbers.of_token
    return {of[cue.start] for cue in _cues(reading, "speaks_of_it") if cue.start and of[cue.start] != of[cue.start - 1]}


def _is_gone_for_good(match: Match, reading: Reading, clause_numbers: Clauses, long_ago: bool) -> bool:
    """R9: True for a complaint that is said to be long gone in its own clause, and is the last one named before that."""
    of, own = clause_numbers.of_token, clause_numbers.of_token[match.end - 1]
    names = ("gone_for_good", "gone_for_good_dated") if long_ago else ("gone_for_good",)
    denials, back = _covered_by(reading, "negation"), _cues(reading, "back_again")
    for cue in (cue for name in names for cue in _cues(reading, name)):
        if cue.start < match.end or of[cue.start] != own or not denials.isdisjoint(range(match.end, cue.start)):
            continue
        last = max((index for index in _covered_by(reading, "can_go") if index < cue.start), default=-1)
        is_it = last == match.end or last in _covered(match.spans)
        if is_it and not any(cue.end <= again.start and reading.sentence_of[again.start] == reading.sentence_of[cue.start] for again in back):
            return True
    return False


def _is_followed_by_now(cue: Span, match: Match, reading: Reading) -> bool:
    """True where the sign comes behind the time and in the present tense: "saw a doctor months ago both my legs are numb"."""
    return any(cue.end <= verb.start < match.end for verb in _cues(reading, "present_tense"))


def _opens_sentence(cue: Span, reading: Reading, sentence: int) -> bool:
    """True for a time at the beginning of its sentence, which all of it is told of: "in 2016 I had the works: couldnt pee, numb underneath"."""
    return cue.start == bisect_left(reading.sentence_of, sentence)


def _stretches(reading: Reading, clause_numbers: Clauses) -> tuple[int, ...]:
    """Return the number of the stretch of every token: a clause, or what stands before, between or behind its commas."""
    numbers, number = [], 0
    for index, word in enumerate(reading.words):
        if index > 0 and (word == "," or clause_numbers.of_token[index] != clause_numbers.of_token[index - 1]):
            number += 1
        numbers.append(number)
    return tuple(numbers)


def _stands_alone(cue: Span, reading: Reading, stretches: tuple[int, ...]) -> bool:
    """True where the cue is its whole stretch, but for small words: "that was in 2015"."""
    small = _covered_by(reading, "beside_time")
    own = stretches[cue.end - 1]
    words = (index for index in range(bisect_left(stretches, own), bisect_right(stretches, own)) if reading.words[index].isalpha())
    return all(index in small or cue.start <= index < cue.end for index in words)


def _is_part_of_a_sign(cue: Span, reading: Reading) -> bool:
    """True where the negative word belongs to a longer phrase of the vocabulary that means a sign ("no feeling", "not able to")."""
    longer = _remembered(reading, "longer phrases", _longer_phrases)
    return any(end >= cue.end and end - start > cue.end - cue.start for start, end in longer.get(cue.start, ()))


def _longer_phrases(reading: Reading) -> dict[int, list[tuple[int, int]]]:
    """Return the phrases of more than one word that mean a sign, by each of their words."""
    phrases: dict[int, list[tuple[int, int]]] = defaultdict(list)
    not_gone = set(_cues(reading, "unresolved"))  # of these, `_not_gone` says more
    plain = {cue.start for cue in _cues(reading, "plain_denial")}
    for group, spans in reading.spans.items():
        if not group.startswith(("cue:", "=", "#")):  # plain words of a pattern ("havent had") are no sign by themselves
            for span in spans:
                if span.end - span.start > 1 and span not in not_gone and span.start not in plain:
                    for index in range(span.start, span.end):
                        phrases[index].append((span.start, span.end))
    return phrases


def _is_itself_negative(span: Span, reading: Reading) -> bool:
    """R5: "no feeling", "cant feel" stay signs even inside a list of denials."""
    return any(cue.start >= span.start and cue.end <= span.end for name in ("negation", "negative_symptom") for cue in _cues(reading, name))


def _is_question(reading: Reading, sentence: int, match: Match) -> bool:
    """R13: the sentence opens as a question about something, or names signs in general, before the sign."""
    if _before(reading, "question_about", sentence, match):
        return True
    first = bisect_left(reading.sentence_of, sentence)
    opens = {span.start for span in _cues(reading, "question_start")}
    if _in_sentence(reading, "question_tail", sentence):
        opens |= {span.start for span in _cues(reading, "question_start_weak")}
    return first <= match.start and not opens.isdisjoint((first, _behind_the_lead(reading, first)))


def _behind_the_lead(reading: Reading, first: int) -> int:
    """Return where a sentence begins in earnest: behind "and", "excuse me,", "please,"."""
    leads = _remembered(reading, "question leads", _question_leads)
    here = first
    while here in leads or (here > first and here < len(reading.words) and reading.words[here] == ","):
        here = leads.get(here, here + 1)
    return here


def _question_leads(reading: Reading) -> dict[int, int]:
    """Return where each begins and ends; of those that begin together, the longest."""
    return {span.start: span.end for span in reversed(_cues(reading, "question_lead"))}


def _is_owned(reading: Reading, sentence: int) -> bool:
    """R14, R16: somebody is said to have it, or it is there now. "My SI joint" alone does not count: it names the joint and not the sign."""
    return sentence in _remembered(reading, "owned sentences", _owned_sentences)


def _owned_sentences(reading: Reading) -> set[int]:
    nobodys = _covered_by(reading, "own_joint") - _covered_by(reading, "joint_hurts")
    general = _sentences_with(reading, "people_in_general")
    nobodys |= {index for index in _covered_by(reading, "general_pronoun") if reading.sentence_of[index] in general}
    owned = {reading.sentence_of[span.start] for span in _cues(reading, "ownership") if span.start not in nobodys}
    return owned | _sentences_with(reading, "happening_now")


def _remembered(reading: Reading, key: Any, find: Callable[[Reading], Any]) -> Any:
    """Return what `find` says of a reading, found once: every sign of a message asks the same of the words around it."""
    if key not in reading.remembered:
        reading.remembered[key] = find(reading)
    return reading.remembered[key]


def _covered_by(reading: Reading, name: str) -> set[int]:
    return _remembered(reading, ("covered", name), lambda reading: _covered(_cues(reading, name)))


def _sentences_with(reading: Reading, name: str) -> set[int]:
    return _remembered(reading, ("sentences", name), lambda reading: {reading.sentence_of[span.start] for span in _cues(reading, name)})


def _cues(reading: Reading, name: str) -> Sequence[Span]:
    return reading.spans.get("cue:" + name, ())


def _covered(spans: Iterable[Span]) -> set[int]:
    return {index for span in spans for index in range(span.start, span.end)}


def _in_sentence(reading: Reading, name: str, sentence: int) -> bool:
    return sentence in _sentences_with(reading, name)


def _before(reading: Reading, name: str, sentence: int, match: Match) -> bool:
    return sentence in _sentences_with(reading, name) and any(
        reading.sentence_of[span.start] == sentence and span.start <= match.start for span in _cues(reading, name)
    )

