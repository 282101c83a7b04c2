"""Server, network and page fail in turn: nothing typed is lost, no reply is shown twice, the emergency line is always there."""

from __future__ import annotations

import pytest

from tests.adapters.conftest import running
from tests.adapters.widget.chat import TURN, answered_with

pytestmark = pytest.mark.slow

QUESTION = "what is the si joint?"


def test_a_stopped_server_gets_the_message_when_it_is_back(trained, tmp_path, chat_of, content):
    with running(trained, tmp_path) as first:
        port = first.http.base_url.port
        chat = chat_of(address=str(first.http.base_url).rstrip("/")).open()
        chat.say("hello")
        first.kill()
        chat.type(QUESTION)
        chat.trouble.get_by_text("cannot be reached").wait_for()
        assert chat.is_in_view(chat.line)
        assert "Not sent yet" in chat.log.locator(".mine").last.inner_text()
    with running(trained, tmp_path, port):
        chat.trouble.get_by_role("button", name="Try again").click()
        chat.settled()
        assert not chat.trouble.is_visible()
        assert chat.mine() == ["hello", QUESTION]
        assert chat.times(content.answers["anatomy"].short[:40]) == 1


@pytest.mark.parametrize("is_pressed", [False, True])
def test_a_reply_that_takes_twenty_seconds_is_missed_after_fifteen_and_shown_once(chat, content, is_pressed):
    chat.page.clock.install()
    held = []
    chat.page.route(TURN, lambda route: held.append(route) if not held else route.continue_())
    chat.type(QUESTION)
    chat.page.wait_for_function("() => document.querySelector('si-joint-chat').isBusy")
    chat.page.clock.run_for(16_000)
    chat.trouble.get_by_text("cannot be reached").wait_for()
    assert chat.is_in_view(chat.line)
    chat.page.clock.run_for(4_000)
    if is_pressed:
        chat.trouble.get_by_role("button", name="Try again").click()
        chat.page.clock.run_for(4_000)
    else:
        held[0].continue_()
    chat.page.clock.resume()
    chat.settled()

    assert chat.mine() == [QUESTION] and chat.times(content.answers["anatomy"].short[:40]) == 1
    assert not chat.trouble.is_visible()


def test_a_reply_that_never_comes_is_asked_for_again_and_shown_once(chat, content):
    chat.page.clock.install()
    held = []
    chat.page.route(TURN, lambda route: held.append(route) if not held else route.continue_())
    chat.type(QUESTION)
    chat.page.wait_for_function("() => document.querySelector('si-joint-chat').isBusy")
    chat.page.clock.run_for(46_000)
    late = held[0].fetch()  # the server was only slow: it has taken the message
    assert late.ok
    chat.page.clock.run_for(20_000)
    chat.page.clock.resume()
    chat.settled()

    assert chat.mine() == [QUESTION] and chat.times(content.answers["anatomy"].short[:40]) == 1
    assert not chat.trouble.is_visible()


@pytest.mark.parametrize("status, body", [(500, '{"replies": []}'), (500, "<html>"), (200, ""), (200, "[]"), (200, '{"replies": []}'), (502, "Bad Gateway"), (200, '{"replies": null}'), (404, "{}")])
def test_what_is_no_answer_says_so_and_can_be_tried_again(chat, content, status, body):
    ids = []
    chat.page.on("request", lambda request: ids.append(request.post_data_json["message_id"]) if request.url.endswith("/webhook") else None)
    chat.page.route(TURN, answered_with(status, body))
    chat.type(QUESTION)
    chat.trouble.get_by_role("button", name="Try again").wait_for()
    assert "Nothing that you typed is lost" in chat.trouble.inner_text() and chat.trouble.get_by_role("alert").count() == 1
    assert chat.is_in_view(chat.line)
    chat.page.unroute(TURN)
    chat.trouble.get_by_role("button", name="Try again").click()
    chat.settled()

    assert not chat.trouble.is_visible()
    assert chat.times(content.answers["anatomy"].short[:40]) == 1
    assert len(ids) == 2 and ids[0] == ids[1]


def test_what_is_sent_offline_goes_out_when_the_connection_is_back(chat, content):
    chat.page.context.set_offline(True)
    chat.type("hello")
    chat.trouble.get_by_text("You are offline").wait_for()
    chat.type(QUESTION)
    assert chat.is_in_view(chat.line)
    chat.page.context.set_offline(False)
    chat.page.wait_for_function("() => !document.querySelector('si-joint-chat').state.outbox.length")
    chat.settled()

    assert chat.mine() == ["hello", QUESTION] and chat.times(content.answers["anatomy"].short[:40]) == 1
    assert not chat.trouble.is_visible()


def test_a_network_that_ends_in_mid_send_loses_and_doubles_nothing(chat, content):
    chat.page.route(TURN, lambda route: (route.fetch(), route.abort("connectionreset")) and None, times=1)  # it was taken, and the answer never came
    chat.type(QUESTION)
    chat.trouble.get_by_text("cannot be reached").wait_for()
    chat.trouble.get_by_role("button", name="Try again").click()
    chat.settled()

    assert chat.mine() == [QUESTION] and chat.times(content.answers["anatomy"].short[:40]) == 1


@pytest.mark.parametrize("is_taken", [True, False])
def test_a_page_reloaded_in_mid_send_shows_the_message_and_its_answer_once(chat, content, is_taken):
    chat.say("hello")
    chat.page.route(TURN, lambda route: is_taken and route.fetch() and None, times=1)  # no answer ever
    with chat.page.expect_request(TURN):
        chat.type(QUESTION)
    chat.page.unroute(TURN)
    chat.page.reload()
    chat.settled()

    assert chat.mine() == ["hello", QUESTION] and chat.times(content.answers["anatomy"].short[:40]) == 1


def test_a_draft_outlives_a_reload(chat):
    chat.box.fill("it hurts when")
    chat.page.reload()
    chat.settled()

    assert chat.box.input_value() == "it hurts when"


def test_a_tab_closed_in_mid_send_and_opened_again_goes_on_where_it_was_asked_to(chat_of, context_of, content):
    context = context_of()
    first = chat_of(context).open()
    first.say("hello")
    first.page.get_by_role("button", name="Options").click()
    first.page.get_by_label("Keep this conversation on this device").check()
    first.page.get_by_role("button", name="Back to the chat").click()
    first.page.route(TURN, lambda route: None)
    with first.page.expect_request(TURN):
        first.type(QUESTION)
    first.page.close()
    second = chat_of(context).open()
    second.page.wait_for_function("() => !document.querySelector('si-joint-chat').state.outbox.length")
    second.settled()

    assert second.mine() == ["hello", QUESTION] and second.times(content.answers["anatomy"].short[:40]) == 1


def test_without_being_asked_to_a_closed_tab_leaves_nothing_on_the_device(chat_of, context_of):
    context = context_of()
    first = chat_of(context).open()
    first.say("my secret sentence")
    first.page.close()
    second = chat_of(context).open()

    assert second.mine() == [] and second.page.evaluate("() => localStorage.length") == 0


def test_an_ended_conversation_begins_anew_and_the_message_goes_on(chat, content):
    chat.say("hello")
    chat.page.evaluate("() => { document.querySelector('si-joint-chat').state.token = 'ended'; }")
    chat.say(QUESTION)

    assert chat.log.get_by_text("The earlier conversation had ended").is_visible()
    assert chat.times(content.answers["anatomy"].short[:40]) == 1


def test_a_message_that_is_too_long_comes_back_into_the_box(chat):
    text = "it hurts " * 5000
    chat.box.fill(text)
    chat.box.press("Enter")
    chat.settled()

    assert chat.box.input_value() == text.strip()
    assert "too long" in chat.replies()[-1]


def test_storage_that_is_blocked_stops_nothing(chat_of, content):
    chat = chat_of()
    chat.page.add_init_script("for (const name of ['sessionStorage', 'localStorage']) Object.defineProperty(window, name, { get() { throw new DOMException('blocked', 'SecurityError'); } });")
    chat.open().say(QUESTION)

    assert chat.times(content.answers["anatomy"].short[:40]) == 1 and chat.faults == []


def test_a_reply_that_is_not_as_agreed_is_shown_by_its_words(chat):
    chat.page.route(TURN, answered_with(200, '{"replies": [{"kind": "hologram", "text": "Still readable.", "buttons": "none", "sources": 7, "picture": 3, "timer": {}, "documents": null}, {"text": "And this."}]}'))
    chat.say("hello")

    assert any("Still readable." in reply for reply in chat.replies()) and any("And this." in reply for reply in chat.replies())
    assert "hologram" not in chat.log.inner_text()
