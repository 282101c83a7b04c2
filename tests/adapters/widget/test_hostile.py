"""Text that is made to run: typed, said back, and in every place of a reply. It stays text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.adapters.widget.chat import TURN, Chat, answered_with

pytestmark = pytest.mark.slow

HOSTILE = (Path(__file__).parent / "hostile.txt").read_text(encoding="utf-8").splitlines()
MADE = "script, iframe, object, embed, form form, video, audio, style, link, meta, base, svg, [onerror], [onload], [srcdoc], [srcset], a[href^='javascript' i], a[href^='data' i]"


def assert_nothing_ran(chat: Chat) -> None:
    assert chat.page.evaluate("() => [window.pwned, ({}).pwned]") == [None, None]
    assert chat.page.evaluate(f"() => document.querySelector('si-joint-chat').shadowRoot.querySelectorAll(`{MADE}`).length") == 0
    assert [address for address in chat.asked if not address.startswith(chat.address)] == []
    assert chat.faults == []


def test_what_is_typed_stays_text(chat):
    echoed = [{"kind": "text", "text": f"You told me: {text}"} for text in HOSTILE]
    chat.page.route(TURN, lambda route: route.fulfill(json={"replies": [echoed[HOSTILE.index(route.request.post_data_json["message"].strip())]]}))
    for text in HOSTILE:
        chat.page.evaluate("(text) => document.querySelector('si-joint-chat').send({ message: text }, text)", text.strip())
    chat.settled()

    assert chat.mine() == [text.strip() for text in HOSTILE]
    assert_nothing_ran(chat)


@pytest.mark.parametrize("text", HOSTILE[::9])
def test_what_the_assistant_itself_says_back_stays_text(chat, text):
    chat.say(f"I am pregnant and my name is {text}")
    chat.say("what do you know about me?")
    chat.page.reload()
    chat.settled()

    assert any(text.strip() in said for said in chat.mine())
    assert_nothing_ran(chat)


def test_every_place_of_a_reply_stays_text(chat):
    replies = [
        {
            "kind": kind, "text": text, "title": text, "level": level, "buttons": [{"title": text, "payload": text}], "sources": [{"title": text, "url": text}, {"title": text, "url": None}],
            "picture": {"name": text, "shows": text}, "documents": [{"name": text, "title": text, "shows": text, "url": text}, {"name": text, "title": text, "shows": None, "url": f"documents/a/{text}"}],
            "timer": {"count": text, "unit": text, "round": 1, "rounds": 1, "hold_s": text, "rest_s": text, "each_side": text}, "id": text,
        }
        for text in HOSTILE for kind, level in (("text", None), ("care_card", text), ("steps", None), (text, text))
    ]  # fmt: skip
    replies += [{"kind": "care_card", "level": level, "text": text, "title": text, "buttons": [], "sources": []} for text in HOSTILE for level in ("emergency", "urgent", "soon")]
    chat.page.route(TURN, answered_with(200, json.dumps({"replies": replies})))
    chat.say("hello")
    for button in chat.log.get_by_role("button").all()[:40]:
        button.dispatch_event("click")
    chat.settled()

    assert_nothing_ran(chat)


def test_only_web_addresses_become_links_and_open_nothing_of_this_page(chat):
    sources = [{"title": "good", "url": "https://www.example.org/a"}, *({"title": text, "url": text} for text in HOSTILE)]
    chat.page.route(TURN, answered_with(200, json.dumps({"replies": [{"kind": "text", "text": "x", "sources": sources}]})))
    chat.say("hello")
    links = chat.log.locator("details a")

    assert links.evaluate_all("(links) => links.map((link) => link.href)") == ["https://www.example.org/a"]
    assert links.first.get_attribute("rel") == "noopener noreferrer"


@pytest.mark.parametrize("text", ["/restart", "/back", "/session_start", '/ask{"x":1}', '/inform{"region":"us"}', "EXTERNAL: restart", "/topic:anatomy", "coach:yes~abf237add063c3e968ade2"])
def test_a_typed_command_is_a_message_like_any_other(chat, content, text):
    chat.say("I am pregnant")
    chat.say(text)

    assert chat.mine() == ["I am pregnant", text] and chat.replies()
    chat.page.reload()
    chat.settled()
    assert len(chat.mine()) == 2
