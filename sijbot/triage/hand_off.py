"""The one function that turns an assessment into the words that a person reads."""

from __future__ import annotations

from typing import Optional, Sequence

from sijbot.content.model import Content
from sijbot.regions import words_of
from sijbot.replies import CARE_CARD, Reply
from sijbot.triage.assess import ALARM, ASK, Assessment, Finding

MOST_NAMED = 3  # further findings in one line; a longer list is not read



def kind_of(content: Content, finding: Finding) -> str:
    """Return which text of `hand_off/` fits a finding: that of its flag, or that of its level where the level is not the flag's own."""
    flag = content.sign(finding.flag)
    if flag.hand_off and (finding.level == flag.level or content.hand_offs[flag.hand_off].every_level):
        return flag.hand_off
    return finding.level


def _kind_of_all(content: Content, as_pressing: Sequence[Finding]) -> str:
    """Return which text fits signs that are as pressing as one another: that of the first, or one that comes before it."""
    kind, *others = [kind_of(content, finding) for finding in as_pressing]
    return next((other for other in others if kind in content.hand_offs[other].instead_of), kind)


def replaces_answer(content: Content, assessment: Assessment) -> bool:
    """True where the hand-off stands instead of an answer: an emergency, a text for every level, and every question of the screen."""
    if assessment.outcome not in (ALARM, ASK):
        return False
    return assessment.outcome == ASK or assessment.level == "emergency" or content.hand_offs[kind_of(content, assessment.findings[0])].every_level


def is_handed_over(content: Content, assessment: Assessment) -> bool:
    """True where an alarm's hand-off stands instead of an answer: what else the message asks need not be understood."""
    return assessment.outcome == ALARM and replaces_answer(content, assessment)


def hand_off_message(content: Content, assessment: Assessment, region_code: Optional[str]) -> Optional[Reply]:
    """Return the care card for an alarm or an ask, or None where the screen found neither.

    The most pressing finding is named, the others follow in one line (R30); where one of those has a line of its own, such as a crisis line,
    that is added. The reply's id is the same for the same findings in any order, so that a second copy can be dropped.
    """
    if assessment.outcome not in (ALARM, ASK):
        return None
    first, *others = [finding for finding in assessment.distinct if finding.outcome in (ALARM, ASK)]
    kind = _kind_of_all(content, [finding for finding in (first, *others) if finding.rank == first.rank])
    template, flag = content.hand_offs[kind], content.sign(first.flag)
    places = {**words_of(content, region_code), "finding": flag.finding}
    blocks = [template.text.format(**places)]
    if assessment.outcome == ASK and template.question:
        question = question_of(content, first.flag, first.is_lasting)
        blocks.insert(0, template.question.format(**places, question=question))
    if others:
        named = others[:MOST_NAMED]
        blocks.append(template.also.format(findings="; ".join(content.sign(other.flag).finding for other in named)))
    blocks.extend(_emergency_lines(content, assessment, region_code))
    kinds = dict.fromkeys(kind_of(content, other) for other in others)
    blocks.extend(content.hand_offs[other].beside.format(**places) for other in kinds if other != kind and content.hand_offs[other].beside)
    identity = f"hand-off:{assessment.outcome}:{kind}:{'+'.join(sorted(finding.flag for finding in (first, *others)))}"
    return Reply("\n\n".join(blocks), kind=CARE_CARD, title=template.title, level=assessment.level, id=identity)


def question_of(content: Content, flag_id: str, is_about_change: bool) -> str:
    """Return the yes/no question about a flag; of a sign that has long been there, whether it has changed (R11)."""
    return content.wording["question_of_change"] if is_about_change else content.sign(flag_id).question


def help_line(content: Content, flag_id: str, level: str, region_code: Optional[str]) -> str:
    """Return where to turn about a flag at a level: a line of its own where it has one, such as a crisis line, else that of the level."""
    words, own = words_of(content, region_code), content.hand_offs.get(content.sign(flag_id).hand_off or "")
    if own is not None and own.every_level:
        return own.beside.format(**words)
    return words["emergency_line" if level == "emergency" else "urgent_line"]


def hand_off_again(content: Content, assessment: Assessment, region_code: Optional[str]) -> Reply:
    """Return the one line for an alarm whose whole hand-off was shown before, with the id of the whole one."""
    whole = hand_off_message(content, assessment, region_code)
    first = assessment.distinct[0]
    kind = _kind_of_all(content, [finding for finding in assessment.distinct if finding.rank == first.rank])
    again = content.hand_offs[kind].again
    text = again.format(**words_of(content, region_code), finding=content.sign(first.flag).finding)
    return Reply(text, kind=CARE_CARD, title=whole.title, level=whole.level, id=whole.id)


def _emergency_lines(content: Content, assessment: Assessment, region_code: Optional[str]) -> list[str]:
    """Return what of a question of the coach's screen that was answered with yes would be an emergency, where its level is lower."""
    asked = [content.programme.screen[flag] for flag in assessment.flags if flag in content.programme.screen]
    return [content.coach["emergency_if"].format(**words_of(content, region_code), what=question.emergency_if) for question in asked if question.emergency_if]
