"""Decides who gets a short answer ("yes", "a little", "no"): whoever asked last."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Mapping, Optional

RED_FLAG, DID_YOU_MEAN = "red_flag", "did_you_mean"
CONSENT, COACH, DIARY, TELL = "consent", "coach", "diary", "tell"
YES, NO, UNSURE = "yes", "no", "unsure"
TELL_ANSWER = "tell_answer"  # intent of what answers whether, and for whom, a clinic is told
KEEP = "keep"  # what the button begins with by which somebody says whether a sentence may be kept
ACTION_SEEN = "action_seen"  # taken for somebody who says to have been seen


@dataclass(frozen=True)
class Expecting:
    """A question that was put and not yet answered: who asked (`owner`), what (`question`: an id), and how often it was put.

    is_about_change: asked was whether the sign has changed, since it has long been there (R11); level: how pressing it is if it is so.
    """

    owner: str
    question: str
    asked: int = 1
    is_about_change: bool = False
    level: str = "emergency"

    @classmethod
    def from_slot(cls, slot: Optional[Mapping]) -> Optional["Expecting"]:
        """Return what the slot `expecting` holds, or None."""
        return cls(**slot) if slot else None

    def to_slot(self) -> dict:
        return asdict(self)


def route(short_answer: Optional[str], expecting: Optional[Expecting]) -> Optional[tuple[str, str]]:
    """Return (owner, answer) where the message is a short answer and somebody waits for one; else None.

    short_answer: what `Screen.short_answer` made of the message: yes, no, unsure or None.
    """
    if expecting is None or short_answer is None:
        return None
    return expecting.owner, short_answer
