"""From a message, and what is known, to an `Assessment`: the danger screen itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Iterable, Mapping, Optional

from sijbot.content.model import LEVELS, Content, Pattern, RedFlag
from sijbot.routing import NO, RED_FLAG, UNSURE, YES, Expecting, route
from sijbot.triage.context import Mention, clauses, mention
from sijbot.triage.combine import combined
from sijbot.triage.match import FlagPattern, Matcher, compiled, fold_phrase, words_of
from sijbot.triage.meaning import Meaning

ALARM, ASK, INFORM, NONE = "alarm", "ask", "inform", "none"
_OUTCOMES = (ALARM, ASK, INFORM, NONE)  # strongest first
WINDOW_CHARACTERS = 2000
OVERLAP_CHARACTERS = 400  # what begins in the first half of it, and ends in it, is left to the window before, which sees the words in front
_SHORT_MESSAGE_WORDS = 25
_SHORT_ANSWER_WORDS = 6
_LETTERS_THAT_TELL = 4
_SHORT_ANSWER_CHARACTERS = 80

_OUTCOME_OF = {
    Mention.PRESENT: ALARM, Mention.UNSURE: ASK, Mention.ASKED: INFORM, Mention.SUPPOSED: INFORM, Mention.QUOTED: INFORM,
    Mention.DENIED: NONE, Mention.PAST: NONE, Mention.NOT_A_PATIENT: NONE,
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One red flag found in a message; `start` and `end` are code points of the original text."""

    flag: str
    outcome: str
    level: str
    start: int
    end: int

    @property
    def rank(self) -> tuple[int, int]:
        """Sorts the most pressing finding first."""
        return _OUTCOMES.index(self.outcome), LEVELS.index(self.level)


@dataclass(frozen=True)
class Assessment:
    """What the screen makes of one message.

    outcome: alarm, ask, inform or none; findings: one per flag, the most pressing first; denied: the flags and facts that were denied;
    answered: (flag, yes | no | unsure) where the message answered the question that was open; facts: what it says about the person;
    corrected: flags raised earlier that it takes back as a slip (R24).
    """

    outcome: str = NONE
    findings: tuple[Finding, ...] = ()
    denied: tuple[str, ...] = ()
    answered: Optional[tuple[str, str]] = None
    facts: tuple[str, ...] = ()
    corrected: tuple[str, ...] = ()

    @property
    def level(self) -> Optional[str]:
        """The level of the highest alarm or ask; None for a question about a sign."""
        return self.findings[0].level if self.outcome in (ALARM, ASK) else None

    @property
    def flags(self) -> tuple[str, ...]:
        """The ids of the flags found, highest first."""
        return tuple(finding.flag for finding in self.findings)

    @property
    def distinct(self) -> tuple[Finding, ...]:
        """The findings without those whose words lie inside a more pressing one's: the same words read twice need naming once."""
        kept: list[Finding] = []
        for finding in self.findings:
            if not any(other.start <= finding.start and finding.end <= other.end and other.rank < finding.rank for other in kept):
                kept.append(finding)
        return tuple(kept)

    def to_dict(self) -> dict:
        """Return the assessment as JSON-ready data; `from_dict` reads it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping) -> "Assessment":
        answered = data["answered"]
        findings = tuple(Finding(**finding) for finding in data["findings"])
        facts, corrected = tuple(data["facts"]), tuple(data["corrected"])
        return cls(data["outcome"], findings, tuple(data["denied"]), tuple(answered) if answered else None, facts, corrected)


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
        raised_by = (*self.raised_by, *((finding.flag, telling_words(text[finding.start : finding.end])) for finding in alarms))
        known = replace(
            self, atoms=tuple(atom for atom in said if atom not in gone),
            raised_by=tuple(entry for entry in raised_by if entry[0] not in assessment.corrected),
        )  # fmt: skip
        if assessment.outcome == ASK:
            return replace(known, expecting=Expecting(RED_FLAG, assessment.findings[0].flag))
        if assessment.answered:
            flag, answer = assessment.answered
            return replace(known, expecting=None, answered_no=self.answered_no + ((flag,) if answer == NO else ()))
        return known


NOTHING_KNOWN = Known()


@dataclass
class Screen:
    """The danger screen, compiled from content. Reading it is cheap; building it takes a fraction of a second.

    Raises: sijbot.triage.match.PatternError for a pattern that cannot be compiled.
    """

    content: Content
    meaning: Optional[Meaning] = None
    _matcher: Matcher = field(init=False)

    def __post_init__(self) -> None:
        self._matcher = Matcher(self.content.vocabulary, self.content.context, _patterns(self.content), self.content.forms)
        self._short_answers = {
            phrase: answer for answer in (YES, NO, UNSURE) for phrase in self.content.context["answer_" + answer].words
        }  # fmt: skip

    def __call__(self, text: str, known: Known = NOTHING_KNOWN) -> Assessment:
        """Return the highest urgency found in one message.

        text: any length; judged in overlapping windows, by sentence and clause. Odd input raises nothing; empty text gives outcome `none`.
        known: the question that is open, if any: "a little" then raises the flag that was asked about (R20).
        """
        windows = [self._window(text[start : start + WINDOW_CHARACTERS], start) for start in _window_starts(len(text))]
        findings = [finding for window in windows for finding in window.findings]
        facts: dict[str, Finding] = {}
        for fact in (fact for window in windows for fact in window.facts):
            facts.setdefault(fact.flag, fact)
        findings.extend(self._combined(findings, facts, known))
        denied = sorted({atom for window in windows for atom in window.denied})
        assessment = self._with_answer(_assessment(findings, denied, None, tuple(facts)), text, known)
        return replace(assessment, corrected=self._corrected(assessment, text, known))

    def with_meaning(self, text: str, known: Known = NOTHING_KNOWN) -> Assessment:
        """Return the assessment, and where it found no sign that somebody has, a question about a flag whose meaning is near (outcome `ask`).

        Slower than the screen itself, by some milliseconds: nothing certain waits for it. Says the same where `meaning` is None.
        """
        assessment = self(text, known)
        if self.meaning is None or assessment.outcome in (ALARM, ASK) or assessment.answered or assessment.corrected:
            return assessment
        is_short = len(text.split()) <= _SHORT_MESSAGE_WORDS  # says one thing, and that has been understood; a longer one may hold more
        if is_short and (assessment.outcome == INFORM or assessment.denied or self._says_all_is_well(text)):
            return assessment
        near = self.meaning.nearest(text)
        if near is None or near.flag in known.answered_no or near.flag not in self.content.red_flags:
            return assessment
        finding = Finding(near.flag, ASK, self.content.red_flags[near.flag].level, near.start, near.end)
        return _assessment((*assessment.findings, finding), assessment.denied, None, assessment.facts)

    def _corrected(self, assessment: Assessment, text: str, known: Known) -> tuple[str, ...]:
        """R24: flags whose own words are said to be a slip: "sorry, I meant hip flexor, not bladder". "Never mind" takes nothing back."""
        if not known.raised_by or assessment.outcome == ALARM or "cue:correction" not in self._matcher.read(text).spans:
            return ()
        named = telling_words(text)
        return tuple(dict.fromkeys(flag for flag, words in known.raised_by if words & named))

    def _says_all_is_well(self, text: str) -> bool:
        """True for "no numbness anywhere" and "bladder fine": vectors of sentences do not tell a sign from its denial."""
        spans = self._matcher.read(text).spans
        if "cue:all_well" in spans:
            return True
        own_words = {span.start for span in spans.get("cue:negative_symptom", ())}
        return any(span.start == 0 and span.start not in own_words for span in spans.get("cue:negation", ()))

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

    def _window(self, text: str, offset: int) -> "_Window":
        reading = self._matcher.read(text)
        window = _Window()
        if len(reading.doc) == 0:
            return window
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
                    window.findings.append(Finding(flag_id, outcome, level, offset + start, offset + end))
        return window

    def _combined(self, findings: Iterable[Finding], facts: Mapping[str, Finding], known: Known) -> list[Finding]:
        """Return what the facts and flags of this message raise together with those of earlier ones, at the place of one of this message."""
        now = {**facts, **{finding.flag: finding for finding in findings if finding.outcome == ALARM}}
        return [
            replace(now[atom], flag=rule.raises, outcome=ASK if rule.ask else ALARM, level=rule.level or self.content.red_flags[rule.raises].level)
            for rule, atom in combined(self.content.combinations, now, known.atoms)
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
        return _assessment(assessment.findings + (said_yes,), assessment.denied, answered.answered, assessment.facts)


@dataclass
class _Window:
    """What one stretch of a message holds; the outcome of a fact means nothing."""

    findings: list[Finding] = field(default_factory=list)
    facts: list[Finding] = field(default_factory=list)
    denied: list[str] = field(default_factory=list)


def _patterns(content: Content) -> list[FlagPattern]:
    compiled_patterns: list[FlagPattern] = []
    for key, matched in (*content.red_flags.items(), *content.facts.items()):
        level = getattr(matched, "level", "")
        for pattern in matched.patterns:
            compiled_patterns.extend(compiled(key, level, pattern, content.vocabulary))
        for exception in matched.unless:
            compiled_patterns.extend(compiled(key, level, Pattern(exception), content.vocabulary, hides=True))
    return compiled_patterns


def telling_words(text: str) -> frozenset[str]:
    """Return the words of a text that can tell what it is about: those of four letters and more."""
    return frozenset(word.text for word in words_of(fold_phrase(text)) if len(word.text) >= _LETTERS_THAT_TELL and word.text.isalpha())


def raised(assessment: Assessment, other: Assessment) -> Assessment:
    """Return both assessments of one message as one: every finding at its highest, nothing lowered."""
    facts = tuple(dict.fromkeys(assessment.facts + other.facts))
    both = _assessment(assessment.findings + other.findings, assessment.denied, assessment.answered or other.answered, facts)
    return replace(both, corrected=() if both.outcome == ALARM else assessment.corrected)


def _outcome(flag: RedFlag, how: Mention) -> str:
    if flag.always and how in (Mention.SUPPOSED, Mention.UNSURE):
        return ALARM
    if flag.ask_about and how in (Mention.ASKED, Mention.PAST, Mention.QUOTED):
        return ASK
    return _OUTCOME_OF[how]


def _window_starts(length: int) -> Iterable[int]:
    return range(0, max(1, length - OVERLAP_CHARACTERS), WINDOW_CHARACTERS - OVERLAP_CHARACTERS)


def _assessment(findings: Iterable[Finding], denied: Iterable[str], answered: Optional[tuple[str, str]], facts: tuple[str, ...]) -> Assessment:
    """Return the findings with the strongest one per flag, most pressing first."""
    strongest: dict[str, Finding] = {}
    for finding in sorted(findings, key=lambda finding: (finding.rank, finding.start)):
        strongest.setdefault(finding.flag, finding)
    ordered = tuple(sorted(strongest.values(), key=lambda finding: (finding.rank, finding.start - finding.end)))
    still_denied = tuple(atom for atom in denied if atom not in strongest and atom not in facts)
    return Assessment(ordered[0].outcome if ordered else NONE, ordered, still_denied, answered, facts)
