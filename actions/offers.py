"""What is offered or asked behind an answer: what was left open, whether it helped, whether a sentence may be kept."""

from __future__ import annotations

from typing import Optional, Sequence, Text

from actions.turn import ASKED_ABOUT_SYMPTOM, Turn
from sijbot import runtime
from sijbot.answering import also_asked_reply
from sijbot.replies import Reply
from sijbot.triage.assess import NONE

ASKED_WHETHER_HELPFUL = (2, 6)  # after the second answer, and after every sixth from there


def offered_again(turn: Turn, asked: Sequence[Text]) -> Optional[Reply]:
    """Return the offer, once, of what an earlier message asked too and this one does not, or what we asked and was not answered."""
    content = runtime.current().content
    if turn.raised_earlier is not None or turn.waits_for_safety_answer:
        return None
    if turn.left_open == (ASKED_ABOUT_SYMPTOM,):
        return Reply(content.wording["still_open_symptom"])
    return also_asked_reply(content, [content_id for content_id in turn.left_open if content_id in content.subject_of and content_id not in asked], "still_open")


def may_ask_to_keep(turn: Turn) -> bool:
    """Return whether to ask, once in a conversation, if a sentence may be kept: an id was just chosen for it by a button, and nothing in it or since was for the screen."""
    is_chosen = bool(turn.doubts and turn.doubted and (turn.button or "").startswith("topic:"))
    return is_chosen and not turn.keep_asked and turn.raised_earlier is None and not turn.waits_for_safety_answer


def is_time_to_ask(turn: Turn) -> bool:
    """Return whether to ask if the answer helped: now and then, and never beside a danger sign or a question of the screen."""
    first, every = ASKED_WHETHER_HELPFUL
    is_time = turn.answers_given + 1 >= first and (turn.answers_given + 1 - first) % every == 0
    return is_time and turn.assessment.outcome == NONE and turn.raised_earlier is None and not turn.waits_for_safety_answer
