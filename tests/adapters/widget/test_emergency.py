"""What must not be missed: it is in view, it is announced, it stays, and it dials the right number."""

from __future__ import annotations

import pytest

from tests.adapters.widget.chat import TURN, answered_with
from tests.adapters.widget.dialogues import EMERGENCY, URGENT

pytestmark = pytest.mark.slow

SMALL = {"viewport": {"width": 320, "height": 568}}
SMALL_TALK = ("ok", "thanks", "are you sure?", "what is the joint?", "it hurts when I sit", "hello", "why?", "and heat?", "exercises", "I feel better")


def call_link(chat):
    return chat.card("emergency").get_by_role("link").first


def test_the_card_is_in_view_on_a_small_phone_and_stays_after_ten_messages_a_reload_and_a_lost_connection(chat_of):
    chat = chat_of(**SMALL).open()
    chat.say(EMERGENCY)
    heading = chat.card("emergency").get_by_role("heading")
    assert chat.is_in_view(heading) and chat.is_in_view(call_link(chat))
    for text in SMALL_TALK:
        chat.say(text)
        assert chat.is_in_view(heading), text
        assert chat.is_in_view(call_link(chat)), text
    chat.page.reload()
    chat.settled()
    assert chat.is_in_view(heading) and chat.is_in_view(call_link(chat))
    chat.page.context.set_offline(True)
    chat.type("and now?")
    chat.trouble.wait_for()
    assert chat.is_in_view(heading) and chat.is_in_view(call_link(chat))
    chat.page.context.set_offline(False)
    chat.settled()
    assert chat.is_in_view(heading) and chat.is_in_view(call_link(chat))


@pytest.mark.parametrize("region", ["uk", "us", "eu", "au", "in", "ke"])
def test_the_link_dials_the_number_of_the_region(chat_of, content, region):
    chat = chat_of()
    chat.with_element(f'<si-joint-chat region="{region}">').open().say(EMERGENCY)

    number = content.regions[region].emergency_number
    assert call_link(chat).get_attribute("href") == f"tel:{number.split()[0]}"
    assert chat.line.get_by_role("link", name=number.split()[0]).first.get_attribute("href") == f"tel:{number.split()[0]}"


def test_the_card_is_an_alert_in_a_place_that_was_there_before_it(chat):
    assert chat.page.get_by_role("alert").count() == 0  # there, but with nothing in it to find
    assert chat.page.locator(".pins [role=alert]").count() == 2
    chat.page.evaluate("window.before = document.querySelector('si-joint-chat').shadowRoot.querySelector('.pins [role=alert]')")
    chat.say(EMERGENCY)

    assert chat.page.evaluate("() => Boolean(window.before.querySelector('.card.emergency'))")


def test_what_was_read_may_shrink_and_can_be_had_again_but_not_be_taken_away(chat):
    chat.say(EMERGENCY)
    tall = chat.card("emergency").bounding_box()["height"]
    chat.card("emergency").get_by_role("button", name="I have read this").click()

    assert chat.card("emergency").bounding_box()["height"] < tall
    assert call_link(chat).is_visible() and chat.card("emergency").get_by_role("heading").is_visible()
    chat.card("emergency").get_by_role("button", name="Show all of it").click()
    assert chat.card("emergency").bounding_box()["height"] == tall


def test_an_urgent_card_stays_beside_an_emergency(chat):
    chat.say(URGENT)
    chat.say(EMERGENCY)
    chat.page.reload()
    chat.settled()

    assert chat.card("urgent").count() == chat.card("emergency").count() == 1
    order = chat.page.locator(".pins .card").evaluate_all("(cards) => cards.map((card) => card.className)")
    assert "emergency" in order[0] and "urgent" in order[1]


def test_a_hand_off_in_a_refusal_comes_to_the_top_all_the_same(chat, content):
    card = '{"kind": "care_card", "level": "emergency", "title": "Go", "text": "Call 999 now.", "buttons": [], "sources": []}'
    chat.page.route(TURN, answered_with(503, f'{{"replies": [{card}, {{"kind": "fault", "text": "Sorry, not now."}}]}}'))
    chat.type(EMERGENCY)

    call_link(chat).wait_for()
    assert call_link(chat).get_attribute("href") == "tel:999"
    assert "Sorry, not now." in chat.trouble.inner_text()


def test_the_closed_chat_shows_that_an_emergency_stands(chat_of):
    chat = chat_of()
    chat.page.goto(chat.address + "/demo")
    chat.page.get_by_role("button", name="Ask about your SI joint").click()
    chat.settled().say(EMERGENCY)
    chat.page.get_by_role("button", name="Close the chat").click()

    link = chat.page.get_by_role("link", name="Emergency: 999")
    assert chat.is_in_view(link) and link.get_attribute("href") == "tel:999"
    chat.page.reload()
    assert chat.is_in_view(link)


def test_the_emergency_line_is_there_without_scripts_and_without_the_script_file(chat_of):
    without = chat_of(java_script_enabled=False)
    without.page.goto(without.address + "/")
    assert without.page.get_by_role("link", name="999").is_visible()

    broken = chat_of()
    broken.page.route("**/si-joint-chat.js", lambda route: route.abort())
    broken.page.goto(broken.address + "/")
    assert broken.page.get_by_role("link", name="999").is_visible()


@pytest.mark.parametrize("width, height", [(390, 420), (320, 318), (667, 320), (320, 256), (844, 390)])
@pytest.mark.parametrize("path", ["/", "/demo"])
def test_in_a_low_window_the_card_comes_into_view_by_itself(chat_of, width, height, path):
    """A phone with its keyboard up, one on its side, a strong zoom."""
    chat = chat_of(viewport={"width": width, "height": height})
    chat.page.goto(chat.address + path)
    if path == "/demo":
        chat.page.get_by_role("button", name="Ask about your SI joint").click()
    chat.settled()
    assert chat.is_in_view(chat.line.get_by_role("link").first)
    for text in (EMERGENCY, "ok", "what is the si joint?"):
        chat.say(text)
        assert chat.is_in_view(chat.card("emergency").get_by_role("heading")), text
        assert chat.is_in_view(call_link(chat)), text
    assert not chat.overflows()
    chat.box.scroll_into_view_if_needed()
    assert chat.is_in_view(chat.box)


def test_a_window_that_gets_low_still_shows_where_one_was(chat_of):
    chat = chat_of(viewport={"width": 390, "height": 740}).open()
    for text in ("what is the si joint?", "how should I sleep?", "ok"):
        chat.say(text)
    for height in (420, 740):
        chat.page.set_viewport_size({"width": 390, "height": height})
        chat.page.wait_for_function("(height) => innerHeight === height", arg=height)
        assert chat.is_in_view(chat.log.locator(".mine").last)


def test_in_an_ordinary_page_there_is_room_to_read(chat_of):
    chat = chat_of()
    chat.page.route(chat.address + "/bare", lambda route: route.fulfill(content_type="text/html", body='<!doctype html><title>x</title><body><p>Text.</p><si-joint-chat></si-joint-chat><script type="module" src="/si-joint-chat.js"></script></body>'))
    chat.page.goto(chat.address + "/bare")
    chat.settled()

    assert chat.log.bounding_box()["height"] > 250
