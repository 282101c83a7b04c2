"""Passing a hand-off on to a clinic: to whom that is offered, what answers it, and what is said of it. Only where a clinic has set up a way; the person is told to call, whatever comes of it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Mapping, Optional

from sijbot.coaching.reading import Answer, yes_no
from sijbot.content.model import LEVELS, Content
from sijbot.language.normalise import fold
from sijbot.records.hand_offs import PassedOn
from sijbot.records.outbox import DELIVERED, FAILED
from sijbot.regions import region_of, worded
from sijbot.replies import CHOICES, Button, Reply
from sijbot.routing import NO, TELL, YES
from sijbot.triage.hand_off import help_line
from sijbot.triage.lock import Lock

OFFER, CONTACT = "offer", "contact"  # what is asked: whether it may be passed on; by what the person can be reached. The latter is also what answers it
LEVELS_TOLD = ("urgent", "soon")  # at an emergency the person calls, and nothing else is to be done first
CONTACT_CHARACTERS = 300
_FEWEST_DIGITS = 5  # of a telephone number
_ADDRESS = re.compile(r"[^\s@]@[^\s@]")
_MARKS = ".,;:!-–"
_PLAIN = ("affirm", "deny", "inform")


def may_be_told(content: Content, lock: Optional[Lock]) -> bool:
    """Return whether a clinic may be told of what stands: nothing that is for now, and nothing that has a line of its own, such as a crisis line."""
    if lock is None or lock.level not in LEVELS_TOLD:
        return False
    own = (content.hand_offs.get(content.sign(flag).hand_off or "") for flag in lock.flags)
    return not any(each is not None and each.every_level for each in own)


def as_pressing(level: str) -> tuple[str, ...]:
    """Return the level and those above it."""
    return LEVELS[: LEVELS.index(level) + 1]


def answer_to(question: str, text: str, answer: Answer, understood: Mapping[str, Any]) -> Optional[str]:
    """Return what a message answers to `OFFER` or `CONTACT`: yes, no, CONTACT where it says by what somebody can be reached, or None.

    A no before a number is a no: nothing is sent by mistake.
    """
    begins_with = {group for group in ("no", "stop", "later") for start, _ in answer.groups.get(group, ()) if start == 0}
    if question == CONTACT and is_contact(text):
        is_as_typed = answer.words[:1] == tuple(word.strip(_MARKS) for word in fold(text).text.split()[:1])  # and no name that was taken for a misspelt no
        return NO if begins_with and is_as_typed else CONTACT
    if begins_with - {"no"} and answer.is_short:
        return NO
    is_plain = answer.is_short or understood.get("intent") in _PLAIN or understood.get("outcome") != "answer"
    said = yes_no(replace(answer, intent=understood.get("intent"))) if is_plain else None
    return said if said in (YES, NO) else None


def is_contact(text: str) -> bool:
    """Return whether a text holds what may be a telephone number or an e-mail address."""
    return sum(map(str.isdecimal, text)) >= _FEWEST_DIGITS or bool(_ADDRESS.search(text))


def contact_of(text: str) -> str:
    """Return what a clinic is told of how to reach somebody, as they typed it."""
    return text.strip()[:CONTACT_CHARACTERS]


def what_to_do(content: Content, lock: Lock, region: Optional[str]) -> str:
    """Return what the person does themselves about what stands: whom to call, or that they book."""
    return worded(content, "tell_book", region) if lock.level == "soon" else help_line(content, lock.flags[0], lock.level, region)


def offer_reply(content: Content) -> Reply:
    """Return the question whether the clinic may be told."""
    return Reply(content.wording["tell_offer"], kind=CHOICES, buttons=tuple(Button(content.wording[f"tell_{answer}"], f"{TELL}:{answer}") for answer in (YES, NO)))


def contact_reply(content: Content, lock: Lock, region: Optional[str]) -> Reply:
    """Return the question how the clinic can reach the person, with all that would be sent."""
    findings = "; ".join(content.sign(flag).finding for flag in lock.flags)
    places = {"findings": findings, "level": content.mail[f"level_{lock.level}"], "country": region_of(content, region).title, "help": what_to_do(content, lock, region)}
    return Reply(worded(content, "tell_contact", region, **places))


def line_reply(content: Content, key: str, lock: Lock, region: Optional[str]) -> Reply:
    """Return a text that ends with what the person does themselves."""
    return Reply(worded(content, key, region, help=what_to_do(content, lock, region)))


def state_reply(content: Content, told: PassedOn, lock: Optional[Lock], region: Optional[str]) -> Reply:
    """Return what became of something that was passed on; what to do is that of what stands, where that is more pressing."""
    if told.state == DELIVERED:
        at = told.settled_at
        time = content.wording["tell_long_ago"] if at is None else content.wording["tell_time"].format(value=f"{at:%H:%M}", at=f"{at.day} {at:%B}")
        return Reply(worded(content, "tell_delivered", region, at=time))
    about = lock if lock and lock.level in as_pressing(told.level) else Lock(told.level, told.flags, told.settled_at)
    return line_reply(content, "tell_failed" if told.state == FAILED else "tell_queued", about, region)
