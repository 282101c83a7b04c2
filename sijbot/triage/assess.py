"""From a message, and what is known, to an `Assessment`: the danger screen itself."""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Callable, Iterable, Mapping, Optional, Sequence

from sijbot.content.model import Content, RedFlag
from sijbot.language.remembered import Remembered
from sijbot.language.sign_reader import Scores
from sijbot.routing import NO, RED_FLAG, UNSURE, YES, Expecting, route
from sijbot.triage.assessment import ALARM, ASK, INFORM, NONE, SEEN, Assessment, Finding, assessment_of
from sijbot.triage.combine import Combiner
from sijbot.triage.context import Mention, clauses, mention
from sijbot.triage.match import Matcher, Span, fold_phrase, words_of
from sijbot.triage.patterns import compile_patterns
from sijbot.triage.weigh import FEW_WORDS, MANY_CHARACTERS, MOST_CHARACTERS_READ, VERY_FEW_WORDS, Suspicion, is_short, sentence_around, weighed

logger = logging.getLogger(__name__)

WINDOW_CHARACTERS = 2000
OVERLAP_CHARACTERS = 400  # what begins in the first half of it, and ends in it, is left to the window before, which sees the words in front
WINDOWS_REMEMBERED = 64  # messages whose words were read last
ALARMS_REMEMBERED = 10_000  # messages of which is known whether their words alarm: who is not taken in a crowd comes again with the same one
_THERE_AGAIN = ("cue:recurring", "cue:back_again", "cue:goes_on", "cue:not_over", "cue:present_fact")
_SHORT_ANSWER_WORDS = 9
_LETTERS_THAT_TELL = 4
_SHORT_ANSWER_CHARACTERS = 80

# "10 mins", "about 3 weeks", "5": an answer to something, which has no meaning of its own to be weighed.
_AMOUNT = re.compile(r"\W*(?:(?:about|around|maybe|like|only|just|a)\s+)?\d{1,3}(?:[.,]\d)?\s?(?:min|mins|minutes?|hours?|days?|weeks?|wks?|months?|years?|times)?(?:\s+(?:please|pls|only|max|today|or so))?\W*", re.IGNORECASE)
_OUTCOME_OF = {
    Mention.PRESENT: ALARM, Mention.UNSURE: ASK, Mention.LASTING: ASK, Mention.ASKED: INFORM, Mention.SUPPOSED: INFORM, Mention.QUOTED: INFORM,
    Mention.DENIED: NONE, Mention.PAST: NONE, Mention.NOT_A_PATIENT: NONE,
}  # fmt: skip


@dataclass(frozen=True)
class Known:
    """What earlier turns left open."""

    expecting: Optional[Expecting] = None
    answered_no: tuple[str, ...] = ()  # flags that were asked about and denied: not asked about again by meaning alone
    atoms: tuple[str, ...] = ()  # facts said and flags raised, for combinations (R21)
    raised_by: tuple[tuple[str, frozenset[str]], ...] = ()  # flags raised, each with the words that raised it (R24)

    def after(self, assessment: Assessment, text: str) -> "Known":
        """Return what is known after a turn with this message. What is denied or taken back now is no longer known."""
        alarms = [finding for finding in assessment.findings if finding.outcome == ALARM]
        gone = {*assessment.denied, *assessment.corrected}
        said = dict.fromkeys((*self.atoms, *assessment.facts, *(finding.flag for finding in alarms)))
        raised_by = dict.fromkeys((*self.raised_by, *((finding.flag, telling_words(text[finding.start : finding.end])) for finding in alarms)))
        known = replace(
            self, atoms=tuple(atom for atom in said if atom not in gone),
            raised_by=tuple(entry for entry in raised_by if entry[0] not in assessment.corrected),
        )  # fmt: skip
        if assessment.outcome == ASK:
            return replace(known, expecting=asked_about(assessment))
        if assessment.answered:
            flag, answer = assessment.answered
            return replace(known, expecting=None, answered_no=self.answered_no + ((flag,) if answer == NO else ()))
        return replace(known, expecting=None) if SEEN in assessment.facts else known

    def to_dict(self) -> dict:
        """Return it as JSON-ready data; `from_dict` reads it."""
        return {
            "expecting": self.expecting.to_slot() if self.expecting else None, "answered_no": list(self.answered_no), "atoms": list(self.atoms),
            "raised_by": [[flag, sorted(words)] for flag, words in self.raised_by],
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping) -> "Known":
        raised_by = tuple((flag, frozenset(words)) for flag, words in data["raised_by"])
        return cls(Expecting.from_slot(data["expecting"]), tuple(data["answered_no"]), tuple(data["atoms"]), raised_by)


NOTHING_KNOWN = Known()


@dataclass
class Screen:
    """The danger screen, compiled from content. Reading it is cheap; building it takes a few seconds.

    reader: scores a whole message (`SignReader.read`); None leaves the verdict to the words.
    Raises: sijbot.triage.match.PatternError naming every pattern that cannot be compiled, or can never match.
    """

    content: Content
    reader: Optional[Callable[[str], Scores]] = None
    _matcher: Matcher = field(init=False)
    _combine: Combiner = field(init=False)
    _windows: Remembered[tuple[_Window, ...]] = field(init=False)
    _alarms: Remembered[bool] = field(init=False)

    def __post_init__(self) -> None:
        patterns, self._matcher = compile_patterns(self.content)
        self._combine = Combiner(self.content.combinations)
        self._windows = Remembered(self._read_windows, WINDOWS_REMEMBERED)  # the channel and the gate both read a message
        self._alarms = Remembered(lambda text: self(text).outcome == ALARM, ALARMS_REMEMBERED)
        self._short_answers = {
            phrase: answer for answer in (YES, NO, UNSURE) for phrase in self.content.context["answer_" + answer].words
        }  # fmt: skip
        self._flags_of: dict[str, set[str]] = defaultdict(set)  # which flags' patterns a group of the vocabulary stands in
        for pattern in patterns:
            for part in pattern.parts:
                if pattern.flag_id in self.content.red_flags and part.group in self.content.vocabulary:
                    self._flags_of[part.group].add(pattern.flag_id)

    def __call__(self, text: str, known: Known = NOTHING_KNOWN) -> Assessment:
        """Return the highest urgency that the words of one message say: patterns, context and combinations (layers 1 and 2).

        text: any length; judged in overlapping windows, by sentence and clause. Odd input raises nothing; empty text gives outcome `none`.
        known: the question that is open, if any: "a little" then raises the flag that was asked about (R20).
        """
        return self.suspicion(text, known).found

    def alarms(self, text: str) -> bool:
        """Return whether a message alarms by its words alone, whatever was said before."""
        return self._alarms(text)

    def verdict(self, text: str, known: Known = NOTHING_KNOWN) -> Assessment:
        """Return the verdict of all three layers: what the words say, weighed with what the whole message means.

        Slower than the words alone by some milliseconds; an alarm that is certain does not wait for that.
        """
        return self.weigh(self.suspicion(text, known), text)

    def weigh(self, suspicion: Suspicion, text: str) -> Assessment:
        """Return the verdict on a message whose words have been read; what they say stands where there is no reader, or it fails, or there is too much to read."""
        if self.reader is None or suspicion.is_settled or len(text) > MOST_CHARACTERS_READ:
            return suspicion.found
        try:
            return weighed(suspicion, self.scores(text), self.content, self.scores_alone(text))
        except Exception as error:  # whatever an inference engine raises: the words alone alarm more often, not less
            logger.error("the sign reader failed: %s", type(error).__name__)
            return suspicion.found

    def scores(self, text: str) -> Scores:
        """Return what the reader says of a text, read with its words as they were meant; the places are those of the text itself.

        Raises: whatever the reader does.
        """
        respelt = self._matcher.respelt(text)
        scores = self.reader(respelt.text)
        return replace(scores, places={flag: respelt.original_place(place) for flag, place in scores.places.items()})

    def respelt(self, text: str) -> str:
        """Return a text with every misspelt word as it was meant."""
        return self._matcher.respelt(text).text

    def scores_alone(self, text: str) -> Callable[[Finding, int], Scores]:
        """Return a function that gives the scores of the sentence of the text that holds a finding, with at most so many words around it."""
        return lambda finding, words_around: self.scores(sentence_around(text, finding.start, finding.end, words_around))

    def suspicion(self, text: str, known: Known = NOTHING_KNOWN) -> Suspicion:
        """Return what the words of a message say, and what is needed to weigh it. Arguments as of the screen itself."""
        windows = self._windows(text)
        findings = [finding for window in windows for finding in window.findings]
        facts: dict[str, Finding] = {}
        for fact in (fact for window in windows for fact in window.facts):
            facts.setdefault(fact.flag, fact)
        now = {**facts, **{finding.flag: finding for finding in findings if finding.outcome == ALARM}}
        alone = self._combined(now, ())
        over_turns = self._combined(now, known.atoms) if known.atoms else alone
        if SEEN in facts:  # what was asked about has been looked at, and what was raised if it is not said to be there again: this message must say by itself that it is
            is_back = any(cue in window.spans for window in windows for cue in _THERE_AGAIN)
            looked_at = {known.expecting.question if known.expecting else None, *(() if is_back else known.atoms)}
            over_turns = [finding for finding in over_turns if finding in alone or finding.flag not in looked_at]
        denied = sorted({atom for window in windows for atom in window.denied})
        said = assessment_of(findings + over_turns, denied, None, tuple(facts))
        answered = self._with_answer(said, text, known)
        found = replace(answered, corrected=self._corrected(answered, text, known, windows))
        short = is_short(text)
        return Suspicion(
            found, short, is_short(text, FEW_WORDS), certain=frozenset(finding.flag for finding in set(over_turns) - set(alone)), denied_before=known.answered_no,
            says_all_is_well=short and (found.outcome == INFORM or bool(found.denied) or any(map(_says_all_is_well, windows)) or bool(_AMOUNT.fullmatch(text))),
            says_facts_alone=is_short(text, VERY_FEW_WORDS) and found.outcome == NONE and bool(found.facts),
            is_very_long=len(text) > MANY_CHARACTERS,
            named=frozenset(flag for window in windows for group in window.spans.keys() & self._flags_of.keys() for flag in self._flags_of[group]),
        )  # fmt: skip

    @staticmethod
    def _corrected(assessment: Assessment, text: str, known: Known, windows: Sequence["_Window"]) -> tuple[str, ...]:
        """R24: flags whose own words are said to be a slip: "sorry, I meant hip flexor, not bladder". "Never mind" takes nothing back."""
        if not known.raised_by or assessment.outcome == ALARM or not any("cue:correction" in window.spans for window in windows):
            return ()
        named = telling_words(text)
        return tuple(dict.fromkeys(flag for flag, words in known.raised_by if words & named))

    def short_answer(self, text: str) -> Optional[str]:
        """Return yes, no or unsure where the message is, or begins as, a short answer; else None (R20).

        A "no" with a "sometimes" or "a little" behind it is unsure.
        """
        if len(text) > _SHORT_ANSWER_CHARACTERS:
            return None
        words = [word.text for word in words_of(fold_phrase(text)) if word.text[0].isalnum()]
        if not words or len(words) > _SHORT_ANSWER_WORDS:
            return None
        for length in range(len(words), 0, -1):
            answer = self._short_answers.get(" ".join(words[:length]))
            if answer:
                return UNSURE if answer == NO and self._holds_a_yes(words[length:]) else answer
        return None

    def _holds_a_yes(self, words: list[str]) -> bool:
        parts = (" ".join(words[start:end]) for start in range(len(words)) for end in range(start + 1, len(words) + 1))
        return any(self._short_answers.get(part) in (YES, UNSURE) for part in parts)

    def _read_windows(self, text: str) -> tuple["_Window", ...]:
        return tuple(self._window(text[start : start + WINDOW_CHARACTERS], start) for start in _window_starts(len(text)))

    def _window(self, text: str, offset: int) -> "_Window":
        reading = self._matcher.read(text)
        window = _Window()
        if len(reading.words) == 0:
            return window
        window.spans = reading.spans
        clause_numbers = clauses(reading)
        seen_before = OVERLAP_CHARACTERS if offset else 0
        for match in self._matcher.matches(reading, clause_numbers.of_token):
            start, end = reading.original_span(match.start, match.end)
            if start < seen_before / 2 and end <= seen_before:
                continue
            flag_id, level = match.pattern.flag_id, match.pattern.level
            flag = self.content.red_flags.get(flag_id)
            how = mention(match, reading, clause_numbers, flag.event if flag else False)
            if how is Mention.DENIED:
                window.denied.append(flag_id)
            elif flag is None:
                if how is Mention.PRESENT or (how is Mention.PAST and self.content.facts[flag_id].past_counts):
                    window.facts.append(Finding(flag_id, NONE, level, offset + start, offset + end))
            else:
                outcome = _outcome(flag, how)
                if outcome != NONE:
                    outcome = ASK if outcome == ALARM and match.pattern.asks else outcome
                    window.findings.append(Finding(flag_id, outcome, level, offset + start, offset + end, how is Mention.LASTING))
        return window

    def _combined(self, now: Mapping[str, Finding], before: tuple[str, ...]) -> list[Finding]:
        """Return what the facts and flags of this message raise together with those of earlier ones, at the place of one of this message."""
        return [
            replace(now[atom], flag=rule.raises, outcome=ASK if rule.ask else ALARM, level=rule.level or self.content.red_flags[rule.raises].level)
            for rule, atom in self._combine(now, before)
        ]

    def _with_answer(self, assessment: Assessment, text: str, known: Known) -> Assessment:
        routed = route(self.short_answer(text), known.expecting)
        if routed is None or routed[0] != RED_FLAG or known.expecting.question not in self.content.red_flags:
            return assessment
        flag_id, answer = known.expecting.question, routed[1]
        answered = replace(assessment, answered=(flag_id, answer))
        if answer == NO:
            return answered
        # R20: "a little", "sometimes" and "don't know" count as yes.
        said_yes = Finding(flag_id, ALARM, self.content.red_flags[flag_id].level, 0, len(text))
        return assessment_of(assessment.findings + (said_yes,), assessment.denied, answered.answered, assessment.facts)


@dataclass
class _Window:
    """What one stretch of a message holds; the outcome of a fact means nothing."""

    findings: list[Finding] = field(default_factory=list)
    facts: list[Finding] = field(default_factory=list)
    denied: list[str] = field(default_factory=list)
    spans: Mapping[str, Sequence[Span]] = field(default_factory=dict)


def _says_all_is_well(window: _Window) -> bool:
    """True for "no numbness anywhere" and "bladder fine": vectors of sentences do not tell a sign from its denial."""
    if "cue:all_well" in window.spans:
        return True
    own_words = {span.start for span in window.spans.get("cue:negative_symptom", ())}
    return any(span.start == 0 and span.start not in own_words for span in window.spans.get("cue:negation", ()))


def telling_words(text: str) -> frozenset[str]:
    """Return the words of a text that can tell what it is about: those of four letters and more."""
    return frozenset(word.text for word in words_of(fold_phrase(text)) if len(word.text) >= _LETTERS_THAT_TELL and word.text.isalpha())


def asked_about(assessment: Assessment) -> Expecting:
    """Return the question that an assessment with outcome `ask` leaves open."""
    first = assessment.findings[0]
    return Expecting(RED_FLAG, first.flag, is_about_change=first.is_lasting, level=first.level)


def raised(assessment: Assessment, other: Assessment) -> Assessment:
    """Return both assessments of one message as one: every finding at its highest, nothing lowered."""
    facts = tuple(dict.fromkeys(assessment.facts + other.facts))
    both = assessment_of(assessment.findings + other.findings, assessment.denied, assessment.answered or other.answered, facts)
    return replace(both, corrected=() if both.outcome == ALARM else assessment.corrected)


def _outcome(flag: RedFlag, how: Mention) -> str:
    if flag.always and how in (Mention.SUPPOSED, Mention.UNSURE):
        return ALARM
    if flag.ask_about and how in (Mention.ASKED, Mention.SUPPOSED, Mention.PAST, Mention.QUOTED):
        return ASK
    return _OUTCOME_OF[how]


def _window_starts(length: int) -> Iterable[int]:
    return range(0, max(1, length - OVERLAP_CHARACTERS), WINDOW_CHARACTERS - OVERLAP_CHARACTERS)
