"""What the words around a sign make of it: denied, asked about, supposed, long past, or simply there.

The cues are data (`content/red_flags/_context.yml`); the rules R1–R16 that they serve are described in `docs/safety.md`.
Hedging and playing down (R1, R2) and speaking for somebody else (R12) change nothing here, on purpose.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from enum import Enum
from typing import Any, Callable

from sijbot.triage.match import Match, Reading, Span

QUOTATION_MARKS = frozenset('"“”„«»')
FEW_WORDS = 2  # so many may stand between what is refused and the refusal


class Mention(str, Enum):
    """How a sign is mentioned."""

    PRESENT = "present"
    DENIED = "denied"
    ASKED = "asked"  # a question about the sign, nobody said to have it (R13), or somebody says not to want it
    SUPPOSED = "supposed"  # "what if I ever …" (R15)
    PAST = "past"
    NOT_A_PATIENT = "not_a_patient"  # an animal, a thing
    QUOTED = "quoted"  # somebody else's words, or a story, a lesson, a film: nobody here is said to have it (R26, R27)
    UNSURE = "unsure"  # "is it normal to …": nobody named (R13, R23)


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
    numbers, number = [], 0
    for index in range(len(reading.doc)):
        new_sentence = index > 0 and reading.sentence_of[index] != reading.sentence_of[index - 1]
        joined = index > 0 and index - 1 in joints and index in openers
        if new_sentence or (index in breaks and index not in pseudo) or joined or _says_something_of_its_own(index, reading, states, lists):
            number += 1
        numbers.append(number)
    return Clauses(tuple(numbers))


def _says_something_of_its_own(index: int, reading: Reading, states: set[int], lists: set[int]) -> bool:
    """True for the first word behind a comma where what follows, up to the next comma, has a verb, and no "or" holds a list together."""
    if index == 0 or reading.doc[index - 1].text != ",":
        return False
    sentence = reading.sentence_of[index]
    rest = [other for other in range(index, len(reading.doc)) if reading.sentence_of[other] == sentence]
    until_comma = next((other for other in rest if reading.doc[other].text == ","), rest[-1] + 1)
    return not states.isdisjoint(range(index, until_comma)) and lists.isdisjoint(rest)


def mention(match: Match, reading: Reading, clause_numbers: Clauses, event: bool = False) -> Mention:
    """Return how the sign of this match is mentioned.

    event: the sign is something that happened once, so that what still hurts does not bring it back (R10).
    """
    if _is_refused(match, reading, clause_numbers):
        return Mention.ASKED
    if _is_denied(match, reading, clause_numbers):
        return Mention.DENIED
    sentence = reading.sentence_of[match.start]
    animals = (cue for cue in _cues(reading, "not_a_patient") if reading.sentence_of[cue.start] == sentence)
    if any(not _comes_to_the_speaker(animal, match, reading, clause_numbers) for animal in animals):
        return Mention.NOT_A_PATIENT
    if _is_quoted(match, reading) or _is_on_a_checklist(match, reading, sentence) or _is_in_a_frame(match, reading, sentence):
        return Mention.QUOTED
    present = _in_sentence(reading, "present_fact", sentence)
    if not present and _before(reading, "hypothetical", sentence, match):
        return Mention.SUPPOSED
    if _before(reading, "impersonal_question", sentence, match) and not _is_owned(reading, sentence):
        return Mention.UNSURE
    if _is_question(reading, sentence, match) and not _is_owned(reading, sentence):
        return Mention.ASKED
    return Mention.PAST if _is_past(match, reading, clause_numbers, event) else Mention.PRESENT


def _is_denied(match: Match, reading: Reading, clause_numbers: Clauses) -> bool:
    """R3–R8: a negation earlier in the same clause denies the sign, unless the negative words are the sign itself or are undone."""
    undone = _covered_by(reading, "pseudo_negation")
    own_words = _covered(match.spans)
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
    marks = [token.i for token in reading.doc if token.text in QUOTATION_MARKS]
    return [(start, end) for start, end in zip(marks[::2], marks[1::2]) if end - start > FEW_WORDS + 1]


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
    clause_start = max((index for index in range(match.start) if reading.doc[index].text in ",:-" and reading.sentence_of[index] == sentence), default=-1)
    return not any(
        reading.sentence_of[span.start] == sentence and (span.start > clause_start or sentence not in framed)
        for span in _cues(reading, "ownership") if span.start < match.end
    )


def _comes_to_the_speaker(animal: Span, match: Match, reading: Reading, clause_numbers: Clauses) -> bool:
    """True where somebody of ours acts in the clause of the animal or of the sign: "my dog pulled me over", "I fell over the cat"."""
    theirs = {clause_numbers.of_token[animal.start], clause_numbers.of_token[match.start]}
    inside = range(animal.start, animal.end)
    about_it = _covered_by(reading, "animal_pronoun")
    people = (span.start for span in _cues(reading, "ownership") if span.end - span.start == 1 and span.start not in about_it)
    return any(person not in inside and person < match.end and clause_numbers.of_token[person] in theirs for person in people)


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
    times = [cue for cue in _cues(reading, "long_past") if reading.sentence_of[cue.start] == sentence and not _is_followed_by_now(cue, match, reading)]
    if not times:
        return False
    stretches = _remembered(reading, "stretches", lambda reading: _stretches(reading, clause_numbers))
    own_words = [index for span in match.spans for index in range(span.start, span.end)]
    own_stretches = {stretches[index] for index in own_words}
    if not any(stretches[cue.end - 1] in own_stretches or _stands_alone(cue, reading, stretches) or _opens_sentence(cue, reading, sentence) for cue in times):
        return False
    if event:
        own_clauses = {clause_numbers.of_token[index] for index in own_words}
        return not any(clause_numbers.of_token[cue.start] in own_clauses for cue in _cues(reading, "happened_again"))
    return _in_sentence(reading, "resolved", sentence) or not _in_sentence(reading, "recurring", sentence)


def _is_followed_by_now(cue: Span, match: Match, reading: Reading) -> bool:
    """True where the sign comes behind the time and in the present tense: "saw a doctor months ago both my legs are numb"."""
    return any(cue.end <= verb.start < match.end for verb in _cues(reading, "present_tense"))


def _opens_sentence(cue: Span, reading: Reading, sentence: int) -> bool:
    """True for a time at the beginning of its sentence, which all of it is told of: "in 2016 I had the works: couldnt pee, numb underneath"."""
    return cue.start == bisect_left(reading.sentence_of, sentence)


def _stretches(reading: Reading, clause_numbers: Clauses) -> tuple[int, ...]:
    """Return the number of the stretch of every token: a clause, or what stands before, between or behind its commas."""
    numbers, number = [], 0
    for index, token in enumerate(reading.doc):
        if index > 0 and (token.text == "," or clause_numbers.of_token[index] != clause_numbers.of_token[index - 1]):
            number += 1
        numbers.append(number)
    return tuple(numbers)


def _stands_alone(cue: Span, reading: Reading, stretches: tuple[int, ...]) -> bool:
    """True where the cue is its whole stretch, but for small words: "that was in 2015"."""
    small = _covered(_cues(reading, "beside_time"))
    words = {token.i for token in reading.doc if token.is_alpha and stretches[token.i] == stretches[cue.end - 1]}
    return words <= small.union(range(cue.start, cue.end))


def _is_part_of_a_sign(cue: Span, reading: Reading) -> bool:
    """True where the negative word belongs to a longer phrase of the vocabulary that means a sign ("no feeling", "not able to")."""
    longer = _remembered(reading, "longer phrases", _longer_phrases)
    return any(end >= cue.end and end - start > cue.end - cue.start for start, end in longer.get(cue.start, ()))


def _longer_phrases(reading: Reading) -> dict[int, list[tuple[int, int]]]:
    """Return the phrases of more than one word that mean a sign, by each of their words."""
    phrases: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for group, spans in reading.spans.items():
        if not group.startswith(("cue:", "=", "#")):  # plain words of a pattern ("havent had") are no sign by themselves
            for span in spans:
                if span.end - span.start > 1:
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
    asks = first in opens or (first + 1 in opens and any(span.start == first for span in _cues(reading, "question_lead")))
    return asks and first < match.start + 1


def _is_owned(reading: Reading, sentence: int) -> bool:
    """R14: somebody is said to have it. "My SI joint" alone does not count: it names the joint and not the sign."""
    return sentence in _remembered(reading, "owned sentences", _owned_sentences)


def _owned_sentences(reading: Reading) -> set[int]:
    joints = _covered_by(reading, "own_joint")
    return {reading.sentence_of[span.start] for span in _cues(reading, "ownership") if span.start not in joints}


def _remembered(reading: Reading, key: Any, find: Callable[[Reading], Any]) -> Any:
    """Return what `find` says of a reading, found once: every sign of a message asks the same of the words around it."""
    if key not in reading.remembered:
        reading.remembered[key] = find(reading)
    return reading.remembered[key]


def _covered_by(reading: Reading, name: str) -> set[int]:
    return _remembered(reading, ("covered", name), lambda reading: _covered(_cues(reading, name)))


def _sentences_with(reading: Reading, name: str) -> set[int]:
    return _remembered(reading, ("sentences", name), lambda reading: {reading.sentence_of[span.start] for span in _cues(reading, name)})


def _cues(reading: Reading, name: str) -> tuple[Span, ...]:
    return reading.spans.get("cue:" + name, ())


def _covered(spans: tuple[Span, ...]) -> set[int]:
    return {index for span in spans for index in range(span.start, span.end)}


def _in_sentence(reading: Reading, name: str, sentence: int) -> bool:
    return sentence in _sentences_with(reading, name)


def _before(reading: Reading, name: str, sentence: int, match: Match) -> bool:
    return sentence in _sentences_with(reading, name) and any(
        reading.sentence_of[span.start] == sentence and span.start <= match.start for span in _cues(reading, name)
    )
