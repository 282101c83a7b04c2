"""Each state of the widget: readable for everyone, and a picture of it to be looked at (`SIJBOT_SCREENSHOTS=folder`)."""

from __future__ import annotations

from typing import Callable

import pytest

from tests.adapters.widget.chat import TURN, Chat, answered_with
from tests.adapters.widget.dialogues import EMERGENCY, IN_DOUBT, URGENT, to_timer

pytestmark = pytest.mark.slow

SIZES = [(320, 568), (768, 1024), (1280, 800)]


def closed(chat: Chat, content) -> None:
    chat.page.goto(chat.address + "/demo")
    chat.page.get_by_role("button", name="Ask about your SI joint").wait_for()


def empty(chat: Chat, content) -> None:
    chat.open()


def answer(chat: Chat, content) -> None:
    chat.open().say(content.answers["anatomy"].title)
    chat.log.get_by_role("button", name=content.wording["more_hint"]).wait_for()
    chat.log.get_by_text("Sources").click()


def did_you_mean(chat: Chat, content) -> None:
    chat.open().say(IN_DOUBT)
    chat.log.get_by_text(content.wording["did_you_mean"]).wait_for()


def exercise_with_running_timer(chat: Chat, content) -> None:
    to_timer(chat.open())
    chat.page.get_by_role("button", name="Start the timer").last.click()
    chat.page.get_by_role("button", name="Pause the timer").last.wait_for()


def emergency(chat: Chat, content) -> None:
    chat.open().say(EMERGENCY)
    chat.card("emergency").wait_for()


def urgent(chat: Chat, content) -> None:
    chat.open().say(URGENT)
    chat.card("urgent").wait_for()


def error(chat: Chat, content) -> None:
    chat.open()
    chat.page.route(TURN, answered_with(500, '{"replies": []}'))
    chat.type("where is the joint?")
    chat.trouble.get_by_role("button", name="Try again").wait_for()


def offline(chat: Chat, content) -> None:
    chat.open()
    chat.page.context.set_offline(True)
    chat.type("where is the joint?")
    chat.trouble.get_by_text("You are offline").wait_for()


def dark(chat: Chat, content) -> None:
    chat.page.emulate_media(color_scheme="dark")
    emergency(chat, content)
    chat.say(content.answers["anatomy"].title)


STATES = (closed, empty, answer, did_you_mean, exercise_with_running_timer, emergency, urgent, error, offline, dark)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_a_state_is_readable_for_everyone_at_every_size(chat_of, content, pictures, state: Callable[[Chat, object], None]):
    chat = chat_of()
    state(chat, content)
    for width, height in SIZES:
        chat.page.set_viewport_size({"width": width, "height": height})
        chat.show_newest()
        chat.page.screenshot(path=str(pictures / f"{state.__name__}_{width}.png"))
        assert not chat.overflows(), f"{width} pixels"
        if state is not closed:
            assert chat.is_in_view(chat.line), f"{width} pixels"
            assert chat.is_in_view(chat.box), f"{width} pixels"
    assert chat.violations() == []
    assert chat.faults == []
