"""Ways into the states of the widget, for tests of any of them."""

from __future__ import annotations

from typing import Callable, Optional

from tests.adapters.widget.chat import Chat

EMERGENCY, URGENT, IN_DOUBT = "I've lost control of my bladder", "my foot drags and slaps when I walk", "who can help?"
QUESTIONS = (  # of the coach, in its order: a part of each, and what somebody without danger signs or conditions answers
    *((f"{number} of 6:", "No") for number in range(1, 7)),
    ("hold for you now", "None"), ("from 0", "3"), ("How long do you have?", "10 min"), ("Can you get down", "Yes"), ("at hand", "None"),
)  # fmt: skip
MOST_EXERCISES = 12


def to_first_exercise(chat: Chat, press: Optional[Callable[[str], object]] = None, has_begun: bool = False) -> None:
    """Begin a session and answer what the coach asks until an exercise is shown. press: presses the newest button of a name, and waits for what comes."""
    if not has_begun:
        chat.say("start a session")
    for _ in QUESTIONS:
        if has_exercise(chat):
            return
        asked = chat.replies()[-1]
        (press or chat.press)(next(words for part, words in QUESTIONS if part in asked))


def has_exercise(chat: Chat) -> bool:
    return "Done, next" in chat.replies()[-1]


def to_timer(chat: Chat) -> None:
    """Go on in a session until an exercise is held, and so counted in seconds."""
    to_first_exercise(chat)
    for _ in range(MOST_EXERCISES):
        if "Start the timer" in chat.replies()[-1]:
            return
        chat.press("Skip")
    raise AssertionError("no exercise of the session has seconds: " + chat.replies()[-1])
