"""More than one of it: elements on a page, pages of a tab, tabs, an element that comes and goes; and what is remembered, whatever stands there."""

from __future__ import annotations

import json

import pytest
from tests.adapters.widget.chat import TURN, Chat, answered_with
from tests.adapters.widget.dialogues import EMERGENCY, URGENT, to_timer

pytestmark = pytest.mark.slow

QUESTION = "what is the si joint?"
LATER = "() => new Promise((done) => setTimeout(done, 100))"
CARD = json.dumps({"replies": [{"kind": "care_card", "level": "emergency", "title": "Go", "text": "Call 999 now.", "id": "a", "buttons": [], "sources": []}, {"kind": "fault", "text": "Not now."}]})

NOT_NOW = json.dumps({"replies": [{"kind": "fault", "text": "Not now."}]})


def key_of(chat: Chat) -> str:
    return chat.page.evaluate("() => Object.keys(sessionStorage)[0]")


def stored(chat: Chat) -> list[dict]:
    return chat.page.evaluate("() => Object.values(sessionStorage).map(JSON.parse)")


@pytest.mark.parametrize(
    "state",
    [
        '{"outbox":null}', '{"outbox":{}}', '{"outbox":[null]}', '{"outbox":"x"}', '{"pins":null}', '{"pins":[null]}', '{"pins":[{"level":"soon"}]}', '{"pins":[{"level":"emergency","sources":[null]}]}',
        '{"token":"café ✓"}', '{"token":7}', '{"line":7}', '{"draft":{}}', "7", "[]", '"abc"', "{", "null",
    ],
)  # fmt: skip
def test_whatever_is_remembered_the_chat_works(chat, content, state):
    key = key_of(chat)
    chat.page.evaluate("([key, state]) => { document.querySelector('si-joint-chat').memory.save = () => {}; sessionStorage[key] = state; }", [key, state])
    chat.page.reload()
    chat.settled().say(QUESTION)

    assert chat.times(content.answers["anatomy"].short[:40]) == 1


def test_two_elements_of_a_page_are_two_conversations(chat_of):
    chat = chat_of().with_element("<si-joint-chat></si-joint-chat><si-joint-chat>")
    chat.page.goto(chat.address)
    first, second = (chat.page.locator("si-joint-chat").nth(place) for place in (0, 1))
    first.get_by_label("Your message").fill(EMERGENCY)
    first.get_by_label("Your message").press("Enter")
    first.locator(".card.emergency").first.wait_for()
    second.get_by_label("Your message").fill("x")
    chat.page.reload()
    first.locator(".card.emergency").first.wait_for()

    assert second.locator(".card").count() == 0 and second.get_by_label("Your message").input_value() == "x"


def test_an_element_that_was_taken_out_writes_and_sends_nothing(chat, content):
    chat.page.evaluate("() => { window.old = document.querySelector('si-joint-chat'); old.remove(); document.querySelector('main').append(document.createElement('si-joint-chat')); }")
    chat.settled().say("first")
    chat.box.fill("a draft")
    sent = []
    chat.page.on("request", lambda request: sent.append(request.url))
    chat.page.evaluate("() => { old.input.value = ''; old.keep(); old.send({ message: 'lost' }, 'lost'); }")
    chat.page.evaluate(LATER)
    chat.page.reload()
    chat.settled()

    assert chat.box.input_value() == "a draft" and chat.mine() == ["first"]
    assert [url for url in sent if url.endswith("/webhook")] == []


def test_an_element_that_is_moved_in_mid_flight_shows_the_answer_once(chat, content):
    held = []
    chat.page.route(TURN, lambda route: held.append(route))
    with chat.page.expect_request(TURN):
        chat.type(QUESTION)
    chat.page.evaluate("() => { const chat = document.querySelector('si-joint-chat'); const box = document.createElement('div'); document.querySelector('main').append(box); box.append(chat); }")
    held[0].continue_()
    chat.settled()

    assert chat.mine() == [QUESTION] and chat.times(content.answers["anatomy"].short[:40]) == 1


def test_going_back_to_a_page_shows_the_card_that_came_on_the_next_one(launch, server, content):
    browser = launch(ignore_default_args=["--disable-back-forward-cache"])
    chat = Chat(browser.new_page(), str(server.http.base_url).rstrip("/")).open()
    chat.page.evaluate("() => { window.isSame = true; }")
    chat.page.goto(chat.address + "/?next")
    chat.settled().say(EMERGENCY)
    chat.page.go_back(wait_until="commit")
    assert chat.page.evaluate("() => window.isSame"), "the page was loaded anew: this shows nothing"
    chat.card("emergency").wait_for()
    chat.box.press("x")
    pins = [state["pins"] for state in stored(chat)]

    assert [pin["level"] for pin in pins[0]] == ["emergency"]


def test_a_history_that_cannot_be_had_at_first_comes_later_and_doubles_nothing(chat, content):
    chat.say("hello")
    chat.page.route("**/history", answered_with(503, '{"replies": [{"kind": "fault", "text": "Not now."}]}'))
    chat.page.reload()
    chat.trouble.get_by_text("Not now.").wait_for()
    chat.type(QUESTION)
    chat.log.get_by_text(content.answers["anatomy"].short[:40]).wait_for()
    chat.page.unroute("**/history")
    chat.trouble.get_by_role("button", name="Try again").click()
    chat.settled()

    assert chat.mine() == ["hello", QUESTION] and chat.times(content.answers["anatomy"].short[:40]) == 1
    assert not chat.trouble.is_visible()


def test_a_conversation_that_cannot_be_begun_says_so(chat_of):
    chat = chat_of()
    chat.page.route("**/conversations", answered_with(500, '{"replies": []}'))
    chat.page.goto(chat.address)
    chat.trouble.get_by_role("button", name="Try again").wait_for()
    assert chat.is_in_view(chat.line)
    chat.page.unroute("**/conversations")
    chat.trouble.get_by_role("button", name="Try again").click()
    chat.settled()

    assert not chat.trouble.is_visible() and len(chat.replies()) >= 1


def test_answers_stand_under_their_own_questions(chat, content):
    held = []
    chat.page.route(TURN, lambda route: held.append(route) if not held else route.continue_())
    with chat.page.expect_request(TURN):
        chat.type(QUESTION)
    chat.type(content.exercises["clam_shell"].title)
    held[0].continue_()
    chat.settled()
    shown = chat.log.locator(".msg").evaluate_all("(all) => all.map((each) => [each.classList.contains('mine'), each.textContent])")
    (first, second), answer = (place for place, (is_mine, _) in enumerate(shown) if is_mine), next(place for place, (_, text) in enumerate(shown) if content.answers["anatomy"].short[:40] in text)

    assert first < answer < second < next(place for place, (_, text) in enumerate(shown) if content.exercises["clam_shell"].steps[0] in text)


def test_a_hand_off_in_a_refusal_is_not_doubled_by_trying_again(chat):
    chat.page.route(TURN, answered_with(503, CARD))
    chat.type("hello")
    for _ in range(3):
        chat.trouble.get_by_text("Not now.").wait_for()
        chat.trouble.get_by_role("button", name="Try again").click()
    chat.trouble.get_by_text("Not now.").wait_for()

    assert chat.log.get_by_text("Immediate action required").count() == 1 and chat.card("emergency").count() == 1


def test_danger_does_not_wait_behind_a_message_that_is_to_be_sent_again_later(chat):
    later = {"status": 429, "headers": {"Retry-After": "60"}, "body": NOT_NOW, "content_type": "application/json"}
    chat.page.route(TURN, lambda route: route.fulfill(**later) if QUESTION in route.request.post_data else route.continue_())
    chat.type(QUESTION)
    chat.trouble.get_by_text("Not now.").wait_for()
    chat.type(EMERGENCY)

    chat.card("emergency").wait_for()
    assert chat.mine() == [QUESTION, EMERGENCY]


def test_a_hand_off_comes_to_the_top_although_the_conversation_was_deleted_meanwhile(chat):
    held = []
    chat.page.route(TURN, lambda route: held.append(route))
    with chat.page.expect_request(TURN):
        chat.type(EMERGENCY)
    chat.page.evaluate("() => { document.querySelector('si-joint-chat').forget(); }")
    chat.log.get_by_text("Deleted, here and on the server").wait_for()
    held[0].fulfill(status=200, body=CARD, content_type="application/json")

    chat.card("emergency").wait_for()
    assert chat.mine() == []


def test_nothing_can_be_sent_while_a_deletion_runs(chat):
    held = []
    chat.page.route("**/conversations", lambda route: held.append(route))
    chat.say("hello")
    with chat.page.expect_request("**/conversations"):
        chat.page.evaluate("() => { document.querySelector('si-joint-chat').forget(); }")
    assert chat.box.evaluate("(box) => Boolean(box.closest('[inert]'))")
    held[0].continue_()
    chat.log.get_by_text("Deleted, here and on the server").wait_for()

    assert not chat.box.evaluate("(box) => Boolean(box.closest('[inert]'))")


def test_a_double_click_confirms_nothing(chat):
    chat.say("hello")
    chat.page.get_by_role("button", name="Options").click()
    box = chat.page.get_by_role("dialog").get_by_role("button", name="Delete my conversation").bounding_box()
    for down in range(4, int(box["height"]), 8):
        chat.page.mouse.dblclick(box["x"] + box["width"] / 2, box["y"] + down)
        chat.page.keyboard.press("Escape")
        chat.page.get_by_role("button", name="Options").click()

    assert chat.mine() == ["hello"]


def test_a_button_of_a_conversation_that_ended_says_its_words(chat, content):
    chat.say(content.answers["anatomy"].title)
    chat.page.evaluate("() => { document.querySelector('si-joint-chat').state.token = 'ended'; }")
    chat.press(content.wording["more_hint"])
    assert chat.mine()[-1] == content.wording["more_hint"]
    first = chat.log.get_by_role("button", name=content.wording["more_hint"]).first
    chat.page.evaluate("() => { for (const each of document.querySelector('si-joint-chat').shadowRoot.querySelectorAll('.log button')) each.disabled = false; }")
    first.click()
    chat.settled()

    assert not any("could not read that" in reply for reply in chat.replies())


def test_buttons_of_earlier_questions_of_a_session_are_none_any_more_also_after_a_reload(chat):
    chat.say("start a session")
    chat.say("no")
    chat.say("no")
    for _ in range(2):
        enabled = chat.log.get_by_role("button", name="Yes", exact=True).evaluate_all("(all) => all.map((each) => !each.disabled)")
        assert enabled == [False, False, True]
        chat.page.reload()
        chat.settled()


def test_the_words_of_the_chat_may_be_late_the_emergency_line_is_not(chat_of):
    chat = chat_of()
    held = []
    chat.page.route("**/strings.de.js", lambda route: held.append(route))
    chat.with_element('<si-joint-chat language="de">').page.goto(chat.address, wait_until="commit")
    chat.page.wait_for_function("() => document.querySelector('si-joint-chat')?.words")

    assert chat.page.get_by_role("link", name="999").is_visible()
    held[0].abort()
    chat.settled()
    assert chat.line.is_visible()


def test_a_server_that_is_no_address_leaves_the_line_of_the_page(chat_of):
    chat = chat_of().with_element('<si-joint-chat server="http://[">')
    chat.page.goto(chat.address)
    chat.page.wait_for_function("() => document.querySelector('si-joint-chat')?.words")

    assert chat.page.get_by_role("link", name="999").is_visible()


@pytest.mark.parametrize("is_taken", [True, False])
def test_a_closed_chat_opens_for_what_is_urgent_and_sends_what_was_left(chat_of, is_taken):
    chat = chat_of()
    chat.page.goto(chat.address + "/demo")
    opener = chat.page.get_by_role("button", name="Ask about your SI joint")
    opener.click()
    chat.settled()
    held = []
    chat.page.route(TURN, lambda route: held.append(route))
    with chat.page.expect_request(TURN):
        chat.type(URGENT)
    chat.page.keyboard.press("Escape")
    assert opener.is_visible()
    held[0].continue_()
    chat.card("urgent").wait_for()

    chat.page.keyboard.press("Escape")
    with chat.page.expect_request(TURN):
        chat.page.evaluate(f"(text) => document.querySelector('si-joint-chat').send({{ message: text }}, text)", EMERGENCY)
    chat.page.evaluate("() => { const chat = document.querySelector('si-joint-chat'); chat.state.open = false; chat.memory.save(); }")
    if is_taken:
        held[1].fetch()
    chat.page.unroute(TURN)
    chat.page.reload()
    chat.card("emergency").wait_for()


def test_options_in_the_address_of_the_script_are_attributes_and_nothing_else(chat_of):
    chat = chat_of()
    chat.page.route(chat.address + "/bare", lambda route: route.fulfill(content_type="text/html", body='<!doctype html><title>x</title><body><script type="module" src="/si-joint-chat.js?innerHTML=%3Cimg%20src%3Dx%20onerror%3Dwindow.pwned%3D1%3E&onclick=window.pwned=1&region=uk"></script></body>'))
    chat.page.goto(chat.address + "/bare")
    chat.page.get_by_role("button", name="Ask about your SI joint").click()
    chat.settled()

    assert chat.element.evaluate("(chat) => chat.getAttributeNames().sort()") == ["open", "position", "region"]
    assert chat.page.evaluate("() => window.pwned") is None


def test_a_timer_stops_where_its_exercise_is_over(chat):
    chat.page.clock.install()
    to_timer(chat)
    clock = chat.page.get_by_role("timer").last
    chat.page.get_by_role("button", name="Start the timer").last.click()
    chat.page.clock.run_for(2000)
    chat.type(EMERGENCY)
    chat.card("emergency").wait_for()
    chat.page.clock.run_for(1000)
    stopped = clock.inner_text()
    chat.page.clock.run_for(5000)

    assert clock.inner_text() == stopped


def test_a_connection_that_comes_back_leaves_the_focus_where_it_is(chat):
    chat.page.context.set_offline(True)
    chat.trouble.get_by_text("You are offline").wait_for()
    chat.page.get_by_role("button", name="Options").focus()
    chat.page.context.set_offline(False)
    chat.trouble.wait_for(state="hidden")

    assert chat.page.evaluate("() => document.querySelector('si-joint-chat').shadowRoot.activeElement.textContent") == "Options"


def test_a_chat_that_was_opened_for_a_card_is_open_in_every_way(chat_of):
    chat = chat_of()
    chat.page.goto(chat.address + "/demo")
    opener = chat.page.get_by_role("button", name="Ask about your SI joint")
    opener.click()
    chat.settled()
    chat.page.route(TURN, lambda route: route.fulfill(status=503, body=CARD, content_type="application/json"))
    chat.page.evaluate("() => document.querySelector('si-joint-chat').show(false)")
    chat.page.evaluate("(text) => { document.querySelector('si-joint-chat').send({ message: text }, text); }", URGENT)
    chat.card("emergency").wait_for()

    assert chat.page.locator("[aria-expanded=true]").count() == 1
    chat.page.keyboard.press("Escape")
    assert not chat.card("emergency").is_visible() and opener.is_visible()


def test_a_refused_message_answers_nothing_so_that_the_open_question_stays_open(chat):
    chat.say("start a session")
    chat.box.fill("word " * 9000)
    chat.box.press("Enter")
    chat.settled()

    assert chat.log.get_by_role("button", name="Not sure").last.is_enabled()


@pytest.mark.parametrize("order", [(URGENT, EMERGENCY), (EMERGENCY, URGENT)])
@pytest.mark.parametrize("path", ["/", "/demo"])
def test_with_two_cards_in_a_low_window_the_emergency_is_in_view(chat_of, order, path):
    chat = chat_of(viewport={"width": 390, "height": 420})
    chat.page.goto(chat.address + path)
    if path == "/demo":
        chat.page.get_by_role("button", name="Ask about your SI joint").click()
    chat.settled()
    for text in order:
        chat.page.locator(".top").evaluate("(top) => { top.scrollTop = top.scrollHeight; }")  # one reads on in the card before
        chat.say(text)
    chat.say("ok")

    for node in (chat.card("emergency").get_by_role("heading"), chat.card("emergency").get_by_role("link").first, chat.line.get_by_role("link").first):
        assert chat.is_in_view(node)
