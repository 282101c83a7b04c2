"""The one function that turns an assessment into the words that a person reads."""

from __future__ import annotations

from typing import Optional

from sijbot.content.model import Content
from sijbot.regions import words_of
from sijbot.replies import CARE_CARD, Reply
from sijbot.triage.assess import ALARM, ASK, Assessment

CRISIS = "crisis"


def kind_of(content: Content, assessment: Assessment) -> str:
    """Return which text of `hand_off/` fits the most pressing finding."""
    first = assessment.findings[0]
    flag = content.red_flags[first.flag]
    at_own_level = first.level == flag.level
    return flag.hand_off if flag.hand_off and (at_own_level or flag.hand_off == CRISIS) else first.level


def replaces_answer(content: Content, assessment: Assessment) -> bool:
    """True where the hand-off stands instead of an answer: an emergency, a crisis, and every question of the screen."""
    if assessment.outcome not in (ALARM, ASK):
        return False
    return assessment.outcome == ASK or assessment.level == "emergency" or kind_of(content, assessment) == CRISIS


def hand_off_message(content: Content, assessment: Assessment, region_code: Optional[str]) -> Optional[Reply]:
    """Return the care card for an alarm or an ask, or None where the screen found neither.

    The most pressing finding is named, the others follow in one line (R30); where one of those is about self-harm, the crisis line is added.
    The reply's id is the same for the same findings, so that a second copy can be dropped.
    """
    if assessment.outcome not in (ALARM, ASK):
        return None
    kind = kind_of(content, assessment)
    template = content.hand_offs[kind]
    first = content.red_flags[assessment.findings[0].flag]
    also = [content.red_flags[finding.flag] for finding in assessment.distinct[1:] if finding.outcome in (ALARM, ASK)]
    places = {**words_of(content, region_code), "finding": first.finding}
    blocks = [template.text.format(**places)]
    if assessment.outcome == ASK and template.question:
        blocks.insert(0, template.question.format(**places, question=first.question))
    if also:
        blocks.append(template.also.format(findings="; ".join(flag.finding for flag in also)))
    if kind != CRISIS and any(flag.hand_off == CRISIS for flag in also):
        blocks.append(places["crisis_line"])
    flags = "+".join(finding.flag for finding in assessment.distinct if finding.outcome in (ALARM, ASK))
    identity = f"hand-off:{assessment.outcome}:{kind}:{flags}"
    return Reply("\n\n".join(blocks), kind=CARE_CARD, title=template.title, level=assessment.level, id=identity)
