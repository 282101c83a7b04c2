"""From an answer or exercise, and what is known of the person, to replies."""

from __future__ import annotations

from dataclasses import replace
from typing import Iterable, Mapping, Optional, Sequence

from sijbot.coaching.programme import Person, may_be_drawn
from sijbot.content.model import Answer, Caution, Content, Exercise
from sijbot.regions import worded, words_of
from sijbot.replies import CARE_CARD, CHOICES, STEPS, Button, Citation, Picture, Reply, Timer
from sijbot.routing import KEEP
from sijbot.triage.assessment import INFORM, Assessment
from sijbot.triage.lock import Lock

EXERCISE_SUBJECT, BEGIN_SESSION = "exercise", "coach:begin"
DID_YOU_MEAN_AT_MOST = 3
RELATED_AT_MOST = 2
DETAIL_OF = {"ask_amount": "dose", "ask_easier": "easier", "ask_harder": "harder"}  # what a question about an exercise asks for, by intent


def answer_replies(content: Content, content_id: str, situations: Sequence[str]) -> list[Reply]:
    """Return the short form of an answer, or an exercise whole, with the cautions that fit the person, sources and related questions."""
    if content_id in content.exercises:
        return [_exercise_reply(content, content_id, content.exercises[content_id], situations)]
    answer = content.answers[content_id]
    text = _with_cautions(answer.short, answer.cautions, situations)
    begin = (begin_button(content),) if content.subject_of[content_id] == EXERCISE_SUBJECT else ()
    buttons = (Button(content.wording["more_hint"], f"more:{content_id}"), *_related(content, answer), *begin)
    return [Reply(text, title=answer.title, buttons=buttons, sources=citations(content, answer.sources))]


def details_words(content: Content, details: Mapping[str, str]) -> str:
    """Return what somebody told of the pain, in words: "on the left side, worse with sitting, for 3 weeks"."""
    said = {
        "side": content.details[f"side_{details['side']}"].note if "side" in details else None,
        "worse": content.details[f"worse_{details['worse']}"].note if "worse" in details else None,
        "since": details.get("since"),
        **{key: content.wording[f"detail_{key}"].format(value=details[key]) if key in details else None for key in ("score", "week")},
    }  # fmt: skip
    return ", ".join(filter(None, said.values()))


def told_reply(content: Content, content_ids: Sequence[str], details: Mapping[str, str]) -> Optional[Reply]:
    """Return what the person told, beside an answer that asks to take it along; None beside others."""
    if not details or not any(content.answers[key].tells_details for key in content_ids if key in content.answers):
        return None
    return Reply(content.wording["told"].format(details=details_words(content, details)))


def noted_reply(content: Content, details: Mapping[str, str]) -> Reply:
    """Return thanks for what the person told of the pain, said back, with the answer about what makes it worse."""
    worse = details.get("worse")
    buttons = (Button(content.title_of(worse), f"topic:{worse}"),) if worse in content.subject_of else ()
    return Reply(content.wording["noted"].format(details=details_words(content, details)), buttons=buttons)


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


def detail_reply(content: Content, content_id: Optional[str], intent: str, situations: Sequence[str]) -> Reply:
    """Return how much, or what is easier or harder, of the exercise just explained; the long form of another answer; a request to name an exercise where nothing was said.

    intent: a key of DETAIL_OF.
    """
    exercise = content.exercises.get(content_id or "")
    if exercise is None:
        return more_replies(content, content_id, situations)[0] if content_id in content.answers else Reply(content.wording["which_exercise"])
    text = getattr(exercise, DETAIL_OF[intent]) or content.wording[f"no_{DETAIL_OF[intent]}"]
    return Reply(_with_cautions(text, exercise.adapt, situations), title=exercise.title, buttons=_related(content, exercise), sources=citations(content, exercise.sources))


def sources_reply(content: Content, content_id: Optional[str]) -> Reply:
    """Return where the answer just given is from, each source on a line."""
    record = content.answers.get(content_id or "") or content.exercises.get(content_id or "")
    if record is None:
        return Reply(content.wording["sources_of_nothing"])
    shown = citations(content, record.sources)
    lines = "\n".join(f"- {source.title}" for source in shown)
    reviewed = f"{record.reviewed_on.day} {record.reviewed_on:%B %Y}"
    return Reply(content.wording["sources"].format(title=record.title, sources=lines, reviewed_on=reviewed), sources=shown)


def situation_reply(content: Content, content_id: Optional[str], situations: Sequence[str], region_code: Optional[str]) -> Reply:
    """Return what the answer just given says to somebody in these situations; that it says nothing special, where it does not."""
    record = content.answers.get(content_id or "") or content.exercises.get(content_id or "")
    if record is None or not situations:
        return Reply(worded(content, "which_situation", region_code))
    cautions = record.cautions if isinstance(record, Answer) else record.adapt
    fitting = [caution.text for caution in cautions if caution.when in situations]
    text = "\n\n".join(fitting) if fitting else worded(content, "no_caution", region_code)
    return Reply(text, title=record.title, sources=citations(content, record.sources))


def clarify_reply(content: Content, closest: Sequence[str], doubts: int, region_code: Optional[str]) -> Reply:
    """Return what is said to a message that was not understood: "did you mean" first, then how to say it, then a way out.

    closest: ids, the closest first; at most three become buttons. doubts: how many messages in a row were not understood, this one among them.
    """
    buttons = tuple(Button(content.title_of(content_id), f"topic:{content_id}") for content_id in closest[:DID_YOU_MEAN_AT_MOST])
    if doubts > 2:
        return Reply(worded(content, "way_out", region_code), buttons=buttons)
    if doubts == 2:
        return Reply(content.wording["rephrase_hint"], buttons=buttons)
    return Reply(content.wording["did_you_mean"], kind=CHOICES, buttons=buttons) if buttons else Reply(content.wording["rephrase"])


def also_asked_reply(content: Content, content_ids: Sequence[str], wording: str = "also_asked") -> Optional[Reply]:
    """Return the offer of what else a message asked; None where that was all."""
    if not content_ids:
        return None
    return Reply(content.wording[wording], kind=CHOICES, buttons=tuple(Button(content.title_of(key), f"topic:{key}") for key in content_ids))


def helpful_question(content: Content, content_id: str) -> Reply:
    """Return the question whether an answer helped."""
    buttons = tuple(Button(content.wording[f"helpful_{word}"], f"helpful:{word}:{content_id}") for word in ("yes", "no"))
    return Reply(content.wording["helpful_question"], kind=CHOICES, buttons=buttons)


def keep_question(content: Content, content_id: str) -> Reply:
    """Return the question whether a sentence that was not understood may be kept for whoever improves the assistant."""
    buttons = tuple(Button(content.wording[f"keep_{word}"], f"{KEEP}:{word}:{content_id}") for word in ("yes", "no"))
    return Reply(content.wording["keep_question"], kind=CHOICES, buttons=buttons)


def helpful_reply(content: Content, helped: bool, content_id: Optional[str], region_code: Optional[str]) -> Reply:
    """Return the thanks for saying whether an answer helped; where it did not, with what is near to it."""
    record = content.answers.get(content_id or "") or content.exercises.get(content_id or "")
    if helped:
        return Reply(content.wording["helped"])
    return Reply(worded(content, "not_helped", region_code), buttons=_related(content, record) if record else ())


def declined_reply(content: Content, kind: str, region_code: Optional[str]) -> Reply:
    """Return what is said to a message of one kind that is out of scope ("other_medical", "abuse" …)."""
    return Reply(worded(content, f"declined_{kind}", region_code))


def information_reply(content: Content, flag_id: str, region_code: Optional[str]) -> Reply:
    """Return the answer to a question about a danger sign, with what to do if it is there now (R13, R15)."""
    flag = content.sign(flag_id)
    text = f"{flag.information}\n\n{worded(content, 'information_now', region_code)}"
    return Reply(text, title=flag.title, sources=citations(content, flag.sources))


def mentioned_line(content: Content, assessment: Assessment, region_code: Optional[str]) -> Optional[Reply]:
    """Return the one line about a grave sign that a story only touches on; None where it does not."""
    if assessment.outcome != INFORM or assessment.findings[0].level == "soon":
        return None
    finding = content.sign(assessment.findings[0].flag).finding
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


def booking_line_reply(content: Content, flag_ids: Sequence[str], region_code: Optional[str]) -> Reply:
    """Return the one line by which `soon` findings go with an answer: all are named (R30)."""
    findings = "; ".join(content.sign(flag_id).finding for flag_id in flag_ids)
    return Reply(worded(content, "booking_line", region_code, finding=findings))


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
    flag = content.sign(lock.flags[0])
    key = f"stand_by_{flag.hand_off}" if _has_own_line(content, lock) else f"{kind}_{lock.level}"
    return Reply(worded(content, key, region_code, finding=flag.finding))


def _has_own_line(content: Content, lock: Lock) -> bool:
    """True where what stands has a line of its own at every level, such as a crisis line."""
    kind = content.sign(lock.flags[0]).hand_off
    return kind is not None and content.hand_offs[kind].every_level


def standing_line(content: Content, lock: Optional[Lock], region_code: Optional[str]) -> Optional[Reply]:
    """Return the one line that stands before everything else while an emergency or urgent level stands; None where none does."""
    if lock is None or lock.level == "soon":
        return None
    flag = content.sign(lock.flags[0])
    if lock.level != "emergency" and _has_own_line(content, lock):
        return Reply(content.hand_offs[flag.hand_off].again.format(**words_of(content, region_code), finding=flag.finding))
    return Reply(worded(content, f"standing_{lock.level}_line", region_code, finding=flag.finding))


def standing_card(content: Content, lock: Lock, region_code: Optional[str]) -> Reply:
    """Return the line about what stands as a card, so that it comes before a lesser one."""
    line, flag = standing_line(content, lock, region_code), content.sign(lock.flags[0])
    return replace(line, kind=CARE_CARD, level=lock.level, title=content.hand_offs[flag.hand_off or lock.level].title)


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
    picture = Picture(content_id, exercise.picture) if may_be_drawn(content, Person(frozenset(situations)), content_id) else None
    amount = exercise.amount
    timer = Timer(amount.least, amount.unit, 1, amount.rounds, amount.hold_s, amount.rest_s, amount.each_side)
    return Reply(
        text, kind=STEPS, title=exercise.title, buttons=(*_related(content, exercise), begin_button(content)), sources=citations(content, exercise.sources), picture=picture, timer=timer if picture else None,
    )  # fmt: skip


def begin_button(content: Content) -> Button:
    """Return the offer of a guided session."""
    return Button(content.coach["button_begin"], BEGIN_SESSION)


def _with_cautions(text: str, cautions: Iterable[Caution], situations: Sequence[str]) -> str:
    fitting = [caution.text for caution in cautions if caution.when in situations]
    return "\n\n".join([text, *fitting])


def _related(content: Content, record: Answer | Exercise) -> tuple[Button, ...]:
    return tuple(Button(content.title_of(content_id), f"topic:{content_id}") for content_id in record.related[:RELATED_AT_MOST])
