"""What the screen makes of one message: findings, each with an outcome and a level."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Iterable, Mapping, Optional

from sijbot.content.model import LEVELS

ALARM, ASK, INFORM, NONE = "alarm", "ask", "inform", "none"
SEEN = "seen_by_clinician"  # the fact that somebody has looked at it: it lifts a lock
_OUTCOMES = (ALARM, ASK, INFORM, NONE)  # strongest first


@dataclass(frozen=True)
class Finding:
    """One red flag found in a message; `start` and `end` are code points of the original text.

    is_lasting: it has long been there since something that is known; what is asked is whether it has changed (R11).
    likelihood: log odds that the message means this sign; 0 where it was not read for its meaning. Of signs as pressing, the likeliest is named.
    """

    flag: str
    outcome: str
    level: str
    start: int
    end: int
    is_lasting: bool = False
    likelihood: float = 0.0

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


def without_questions(assessment: Assessment) -> Assessment:
    """Return the assessment without what is only asked about."""
    findings = [finding for finding in assessment.findings if finding.outcome != ASK]
    without = assessment_of(findings, assessment.denied, assessment.answered, assessment.facts)
    return replace(without, corrected=assessment.corrected)


def assessment_of(findings: Iterable[Finding], denied: Iterable[str], answered: Optional[tuple[str, str]], facts: tuple[str, ...]) -> Assessment:
    """Return the findings with the strongest one per flag, most pressing first."""
    strongest: dict[str, Finding] = {}
    for finding in sorted(findings, key=lambda finding: (finding.rank, finding.start)):
        strongest.setdefault(finding.flag, finding)
    ordered = tuple(sorted(strongest.values(), key=lambda finding: (finding.rank, -finding.likelihood, finding.start - finding.end)))
    still_denied = tuple(atom for atom in denied if atom not in strongest and atom not in facts)
    return Assessment(ordered[0].outcome if ordered else NONE, ordered, still_denied, answered, facts)
