"""From an answer or exercise, and what is known of the person, to replies."""

from __future__ import annotations

from typing import Iterable, Optional, Sequence

from sijbot.content.model import Answer, Caution, Content, Exercise
from sijbot.regions import worded, words_of
from sijbot.replies import CHOICES, STEPS, Button, Citation, Reply
from sijbot.triage.assessment import INFORM, Assessment
from sijbot.triage.lock import Lock

DID_YOU_MEAN_AT_MOST = 3
RELATED_AT_MOST = 2


def answer_replies(content: Content, content_id: str, situations: Sequence[str]) -> list[Reply]:
    """Return the short form of an answer, or an exercise whole, with the cautions that fit the person, sources and related questions."""
    if content_id in content.exercises:
        return [_exercise_reply(content, content_id, content.exercises[content_id], situations)]
    answer = content.answers[content_id]
    text = _with_cautions(answer.short, answer.cautions, situations)
    buttons = (Button(content.wording["more_hint"], f"more:{content_id}"), *_related(content, answer))
    return [Reply(text, title=answer.title, buttons=buttons, sources=citations(content, answer.sources))]


def more_replies(content: Content, content_id: Optional[str], situations: Sequence[str]) -> list[Reply]:
    """Return the long form of the answer just given, or a sentence that there is no more."""
    if content_id not in content.answers:
        return [Reply(content.wording["nothing_more"])]
    answer = content.answers[content_id]
    text = _with_cautions(answer.more, answer.cautions, situations)
    return [Reply(text, title=answer.title, buttons=_related(content, answer), sources=citations(content, answer.sources))]


def push_back_replies(content: Content, content_id: Optional[str]) -> list[Reply]:
    """Return what the answer says to somebody who disagrees with it."""
    answer = content.answers.get(content_id or "")
    if answer is None or answer.push_back is None:
        return [Reply(content.wording["push_back"])]
    return [Reply(answer.push_back, buttons=_related(content, answer), sources=citations(content, answer.sources))]


def clarify_reply(content: Content, closest: Sequence[str]) -> Reply:
    """Return "did you mean" with at most three of the closest ids as buttons, or a request to say it again where there are none."""
    if not closest:
        return Reply(content.wording["rephrase"])
    buttons = tuple(Button(content.title_of(content_id), f"topic:{content_id}") for content_id in closest[:DID_YOU_MEAN_AT_MOST])
    return Reply(content.wording["did_you_mean"], kind=CHOICES, buttons=buttons)


def information_reply(content: Content, flag_id: str, region_code: Optional[str]) -> Reply:
    """Return the answer to a question about a danger sign, with what to do if it is there now (R13, R15)."""
    flag = content.red_flags[flag_id]
    text = f"{flag.information}\n\n{worded(content, 'information_now', region_code)}"
    return Reply(text, title=flag.title, sources=citations(content, flag.sources))


def mentioned_line(content: Content, assessment: Assessment, region_code: Optional[str]) -> Optional[Reply]:
    """Return the one line about a grave sign that a story only touches on; None where it does not."""
    if assessment.outcome != INFORM or assessment.findings[0].level == "soon":
        return None
    finding = content.red_flags[assessment.findings[0].flag].finding
    return Reply(worded(content, f"mentioned_{assessment.findings[0].level}_line", region_code, finding=finding))


def safety_net_reply(content: Content, content_id: str, region_code: Optional[str], shown_before: bool, lock: Optional[Lock] = None) -> Optional[Reply]:
    """Return when to get help: in full the first time that a subject calls for it, one line after that, nothing for other subjects.

    Nor does somebody who thinks of dying, or is hurt at home, get a list of bladder signs.
    """
    if lock is not None and _has_own_line(content, lock):
        return None
    if not content.subjects[content.subject_of[content_id]].safety_net:
        return None
    return Reply(worded(content, "safety_net_line" if shown_before else "safety_net", region_code))


def booking_line_reply(content: Content, region_code: Optional[str]) -> Reply:
    """Return the one line by which a `soon` finding goes with an answer."""
    return Reply(worded(content, "booking_line", region_code))


def talk_reply(content: Content, intent: str, region_code: Optional[str]) -> Reply:
    """Return what is said to a message that tells or reacts, where no story leads on from it."""
    key = intent if intent in ("report_symptom", "exercise_hurts", "push_back") else "rephrase"
    return Reply(worded(content, key, region_code))


def stand_by_reply(content: Content, lock: Optional[Lock], region_code: Optional[str], otherwise: str, kind: str = "stand_by") -> Reply:
    """Return what to do about the sign that stands, said again; the wording `otherwise` where none does.

    kind: "stand_by" to somebody who doubts, "nod" to somebody who says "ok".
    """
    if lock is None or lock.level == "soon":
        return Reply(worded(content, otherwise, region_code))
    flag = content.red_flags[lock.flags[0]]
    key = f"stand_by_{flag.hand_off}" if _has_own_line(content, lock) else f"{kind}_{lock.level}"
    return Reply(worded(content, key, region_code, finding=flag.finding))


def _has_own_line(content: Content, lock: Lock) -> bool:
    """True where what stands has a line of its own at every level, such as a crisis line."""
    kind = content.red_flags[lock.flags[0]].hand_off
    return kind is not None and content.hand_offs[kind].every_level


def standing_line(content: Content, lock: Optional[Lock], region_code: Optional[str]) -> Optional[Reply]:
    """Return the one line that stands before everything else while an emergency or urgent level stands; None where none does."""
    if lock is None or lock.level == "soon":
        return None
    flag = content.red_flags[lock.flags[0]]
    if lock.level != "emergency" and _has_own_line(content, lock):
        return Reply(content.hand_offs[flag.hand_off].again.format(**words_of(content, region_code), finding=flag.finding))
    return Reply(worded(content, f"standing_{lock.level}_line", region_code, finding=flag.finding))


def citations(content: Content, keys: Iterable[str]) -> tuple[Citation, ...]:
    """Return the sources of an answer as they are shown."""
    return tuple(Citation(content.sources[key].title, content.sources[key].url) for key in keys)


def _exercise_reply(content: Content, content_id: str, exercise: Exercise, situations: Sequence[str]) -> Reply:
    steps = "\n".join(f"{number}. {step}" for number, step in enumerate(exercise.steps, 1))
    stop = "\n".join(f"- {item}" for item in exercise.stop_if)
    blocks = [exercise.purpose, steps, f"How much: {exercise.dose}", f"Stop if:\n{stop}"]
    if exercise.easier:
        blocks.append(f"Easier: {exercise.easier}")
    text = _with_cautions("\n\n".join(blocks), exercise.adapt, situations)
    return Reply(text, kind=STEPS, title=exercise.title, buttons=_related(content, exercise), sources=citations(content, exercise.sources))


def _with_cautions(text: str, cautions: Iterable[Caution], situations: Sequence[str]) -> str:
    fitting = [caution.text for caution in cautions if caution.when in situations]
    return "\n\n".join([text, *fitting])


def _related(content: Content, record: Answer | Exercise) -> tuple[Button, ...]:
    return tuple(Button(content.title_of(content_id), f"topic:{content_id}") for content_id in record.related[:RELATED_AT_MOST])
