"""The third layer: what a message means as a whole, weighed with the words that were found in it.

Words decide short messages. In a story the same words stand for what was asked, denied,
feared, or happened to somebody else long ago, and no list of cues tells that apart: there a pattern is a suspicion, and becomes an alarm where the meaning of the
message agrees, a question where it leaves doubt, and information where it speaks against it; but where the sentence that holds it leaves no doubt when it is read
alone, it is asked about, whatever stands around it. Where no word of a sign is found, meaning asks; it alarms by itself only where a short message leaves it no doubt.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Callable, Mapping, Optional, Sequence

from sijbot.content.model import LEVELS, Content, RedFlag
from sijbot.language.sign_reader import Scores
from sijbot.triage.assessment import ALARM, ASK, INFORM, NONE, Assessment, Finding, assessment_of

GRAVE = ("emergency", "urgent")
LIKELY_FLAG, LIKELY_IN_SHORT = -2.5, -1.0  # log odds: a flag less likely than this is not named in an alarm
NEAR_FLAGS = 3.0  # log odds: a flag that is so much less likely than the likeliest may still be the one named
SHORT_WORDS = 25  # what says no more than that says one thing
VERY_FEW_WORDS = 10
MANY_CHARACTERS = 2000
MOST_CHARACTERS_READ = 8000  # reading takes a second for so many, and nobody else's message is read meanwhile: of a longer one the words decide alone
MORE_OF_VERY_LONG = 2.5  # log odds: so much surer must the meaning of a longer message be
MORE_OF_FACTS_ALONE = 2.5  # log odds: so much surer must the meaning of words be that have been understood as facts about the person
FEW_WORDS = 60  # in a message of so many a pattern tells more than in a longer one
MOST_SENTENCES = 3  # of a story are read alone, those of the most pressing signs
WORDS_AROUND, FEW_WORDS_AROUND = 12, 2  # of a sentence that does not end, before and behind the sign; of an emergency that no full stop parts from what stands before it
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


@dataclass(frozen=True)
class Thresholds:
    """Log odds, by level, from which on a message alarms or asks.

    short_alarm, short_ask: the same for a short message in which words find nothing; words: what a pattern in a story counts, and in a message of few words;
    once_urgent: what is enough for an emergency in a message that alarms as urgent anyway: of two levels in doubt, the higher;
    sentence: what the level and the sign that words find in a sentence of a story must reach together when it is read alone, to be asked about though the whole says that nothing
    is there; own_words: the same for an emergency read with hardly a word around it.
    """

    alarm: Mapping[str, float]
    ask: Mapping[str, float]
    short_alarm: Mapping[str, float]
    short_ask: Mapping[str, float]
    words: float
    words_of_few: float
    once_urgent: float
    sentence: float
    own_words: float


THRESHOLDS = Thresholds(  # 2026-11-29, on the messages held back and on retold real posts: scripts/thresholds.py prints what they do there
    alarm={"emergency": -0.6, "urgent": 1.6, "soon": 1.1},
    ask={"emergency": -2.9, "urgent": -2.9, "soon": 99.0},
    short_alarm={"emergency": 3.6, "urgent": 4.0, "soon": 1.9},
    short_ask={"emergency": -2.3, "urgent": 0.2, "soon": 99.0},
    words=-0.6, words_of_few=2.5, once_urgent=-3.5, sentence=5.0, own_words=7.0,
)  # fmt: skip


@dataclass(frozen=True)
class Suspicion:
    """What the words of a message say, and what is needed to weigh it.

    certain: flags that need no agreement: this message completes what earlier ones began; named: flags for which any word of their patterns is in the message;
    denied_before: flags that were asked about and denied; says_all_is_well: a short message that asks, or says that something is well;
    says_facts_alone: one of very few words that have been understood as something about the person ("I'm pregnant, week 33").
    """

    found: Assessment
    is_short: bool
    has_few_words: bool
    certain: frozenset[str]
    named: frozenset[str]
    denied_before: tuple[str, ...]
    says_all_is_well: bool
    says_facts_alone: bool
    is_very_long: bool

    @property
    def is_understood(self) -> bool:
        """True for a short message that words have found something in: it says one thing."""
        return self.is_short and self.found.outcome in (ALARM, ASK)

    @property
    def is_settled(self) -> bool:
        """True where nothing that the message means could change the verdict for the better, or which sign it names first."""
        found = self.found
        if found.answered or found.corrected:
            return True
        if self.is_understood:
            return [finding.rank for finding in found.findings].count(found.findings[0].rank) == 1
        return found.outcome == ALARM and found.level == "emergency" and found.flags[0] in self.certain


def is_short(text: str, words: int = SHORT_WORDS) -> bool:
    """Return whether a message has no more than so many words: few enough for them to decide."""
    return len(text.split()) <= words


def weighed(
    suspicion: Suspicion, scores: Scores, content: Content, scores_alone: Callable[[Finding, int], Scores], thresholds: Thresholds = THRESHOLDS
) -> Assessment:
    """Return the verdict on one message, judged as a whole and, where the whole says that nothing is there, by the sentences that hold its grave signs.

    scores: of the whole; scores_alone: of the sentence that holds a finding, with at most so many words around it; asked for only where it matters.
    """
    verdict = _weighed_as_a_whole(suspicion, scores, content, thresholds)
    insisted = {finding.flag for finding in _lowered(suspicion, verdict) if _says_so_alone(finding, scores_alone, thresholds)}
    if not insisted:
        return verdict
    findings = [replace(finding, outcome=ASK) if finding.flag in insisted else finding for finding in verdict.findings]
    return replace(assessment_of(findings, verdict.denied, verdict.answered, verdict.facts), corrected=verdict.corrected)


def _weighed_as_a_whole(suspicion: Suspicion, scores: Scores, content: Content, thresholds: Thresholds) -> Assessment:
    """Return the verdict by the meaning of the whole.

    What the words say of a short message stands; where they find nothing in it, its meaning may. Every finding in a longer one is judged by the score of its own level.
    """
    found = suspicion.found
    if suspicion.is_short:
        findings, thresholds = list(found.findings), replace(thresholds, alarm=thresholds.short_alarm, ask=thresholds.short_ask)
    else:
        words = thresholds.words_of_few if suspicion.has_few_words else thresholds.words
        findings = [finding if finding.flag in suspicion.certain else _judged(finding, scores, content, thresholds, words) for finding in found.findings]
        findings = [replace(finding, outcome=INFORM) if finding.outcome == ASK and finding.flag in suspicion.denied_before else finding for finding in findings]
        findings = [finding if finding.flag in suspicion.certain else _named_or_not(finding, findings, scores, content) for finding in findings]
    so_far = assessment_of(findings, found.denied, found.answered, found.facts)
    if suspicion.is_very_long:
        sure = {level: odds + MORE_OF_VERY_LONG for level, odds in thresholds.alarm.items()}
        thresholds = replace(thresholds, alarm=sure, ask=thresholds.alarm)  # one of its many stretches is near to something by chance
    meant = None if suspicion.is_understood else _meant(suspicion, scores, content, thresholds)
    if meant is not None and (so_far.outcome != ALARM or LEVELS.index(meant.level) < LEVELS.index(so_far.level)):
        findings.append(meant)
    findings = [replace(finding, likelihood=round(scores.flags.get(finding.flag, 0.0), 2)) for finding in findings]
    return replace(assessment_of(findings, found.denied, found.answered, found.facts), corrected=found.corrected)


def _lowered(suspicion: Suspicion, verdict: Assessment) -> list[Finding]:
    """Return the few grave signs that the words of a story alarm about and its meaning has made information, where they are more pressing than the verdict."""
    if suspicion.is_short:
        return []
    graver = GRAVE[: LEVELS.index(verdict.level)] if verdict.level else GRAVE
    lowered = {finding.flag for finding in verdict.findings if finding.outcome == INFORM} - set(suspicion.denied_before)
    return [finding for finding in suspicion.found.findings if finding.outcome == ALARM and finding.level in graver and finding.flag in lowered][:MOST_SENTENCES]


def _says_so_alone(finding: Finding, scores_alone: Callable[[Finding, int], Scores], thresholds: Thresholds) -> bool:
    """Return whether the sentence of a finding leaves no doubt by itself. "I've lost control of my bladder" is not less true for the weather around it."""

    def reach(words_around: int) -> float:
        scores = scores_alone(finding, words_around)
        return scores.levels[finding.level] + scores.flags.get(finding.flag, 0.0)

    return reach(WORDS_AROUND) >= thresholds.sentence or (finding.level == "emergency" and reach(FEW_WORDS_AROUND) >= thresholds.own_words)


def sentence_around(text: str, start: int, end: int, words_around: int) -> str:
    """Return the sentence that holds a place of the text, with at most so many words before and behind the place."""
    first = max((match.end() for match in _SENTENCE_END.finditer(text, 0, start) if match.end() <= start), default=0)
    after = _SENTENCE_END.search(text, end)
    last = after.start() if after else len(text)
    before, behind = text[first:start].split(" "), text[end:last].split(" ")
    return " ".join(before[-words_around - 1 :]) + text[start:end] + " ".join(behind[: words_around + 1])


def _judged(finding: Finding, scores: Scores, content: Content, thresholds: Thresholds, words: float) -> Finding:
    """Return what a finding in a story comes to: its words count, and the meaning of the message. Where a question about it is to be asked anyway, at least that."""
    if finding.outcome not in (ALARM, ASK):
        return finding
    outcome = _outcome(scores, finding.level, thresholds, words if finding.outcome == ALARM else 0.0)
    is_asked_anyway = finding.outcome == ALARM and content.red_flags[finding.flag].ask_about
    return replace(finding, outcome=ASK if outcome == INFORM and is_asked_anyway else outcome)


def _named_or_not(finding: Finding, findings: Sequence[Finding], scores: Scores, content: Content) -> Finding:
    """Return a finding in a story, as information where it alarms as another does that is at least as pressing, and its own flag is unlikely: the message is not about that."""
    if finding.outcome != ALARM or content.red_flags[finding.flag].ask_about or _is_likely(finding, scores):
        return finding
    is_needless = any(other.outcome == ALARM and other.rank <= finding.rank and _is_likely(other, scores) for other in findings)
    return replace(finding, outcome=INFORM) if is_needless else finding


def _is_likely(finding: Finding, scores: Scores) -> bool:
    return scores.flags.get(finding.flag, 0.0) >= LIKELY_FLAG


def _outcome(scores: Scores, level: str, thresholds: Thresholds, words: float = 0.0) -> str:
    score = scores.levels[level] + words
    if score >= thresholds.alarm[level]:
        return ALARM
    if level == "emergency" and score >= thresholds.once_urgent and scores.levels["urgent"] + words >= thresholds.alarm["urgent"]:
        return ALARM
    return ASK if score >= thresholds.ask[level] else INFORM


def _meant(suspicion: Suspicion, scores: Scores, content: Content, thresholds: Thresholds) -> Optional[Finding]:
    """Return the finding that the meaning of a message comes to, or None: an alarm where some words of its flag are there, or the message is short; else a question."""
    if suspicion.says_facts_alone:
        sure = {level: odds + MORE_OF_FACTS_ALONE for level, odds in thresholds.alarm.items()}
        thresholds = replace(thresholds, alarm=sure, ask=sure)
    likely = LIKELY_IN_SHORT if suspicion.is_short else LIKELY_FLAG
    for level in LEVELS:
        outcome = _outcome(scores, level, thresholds)
        if outcome == INFORM or (outcome != ALARM and suspicion.says_all_is_well):
            continue
        flags = [flag for flag in _likely_flags((level,), scores, content) if scores.flags[flag] >= likely]
        named = [flag for flag in flags if flag in suspicion.named] or (flags if suspicion.is_short else [])
        if outcome == ALARM and named and not suspicion.says_all_is_well:
            return Finding(named[0], ALARM, level, *scores.places[named[0]])
        flag = _likely_flags(GRAVE, scores, content)[0]
        if level == "soon" or flag in suspicion.denied_before:
            return None
        own_level = content.red_flags[flag].level
        return Finding(flag, ASK, own_level if own_level in GRAVE else level, *scores.places[flag])
    return None


def _likely_flags(levels: Sequence[str], scores: Scores, content: Content) -> list[str]:
    """Return the flags of these levels that the meaning is near, the nearest first."""
    flags = [flag for flag in scores.flags if flag in content.red_flags and not levels_of(content.red_flags[flag]).isdisjoint(levels)]
    highest = max(scores.flags[flag] for flag in flags)
    return sorted((flag for flag in flags if scores.flags[flag] >= highest - NEAR_FLAGS), key=scores.flags.__getitem__, reverse=True)


def levels_of(flag: RedFlag) -> set[str]:
    """Return every level that a flag may be raised at."""
    return {flag.level, *(pattern.level for pattern in flag.patterns if pattern.level)}
