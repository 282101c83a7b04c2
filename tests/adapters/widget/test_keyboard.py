"""Without a mouse and without eyes: the order of focus, and what is announced when."""

from __future__ import annotations

import pytest

from tests.adapters.widget.chat import TURN, Chat
from tests.adapters.widget.dialogues import EMERGENCY, MOST_EXERCISES, has_exercise, to_first_exercise, to_timer

pytestmark = pytest.mark.slow

MOST_TABS = 60
FOCUSED = "() => { let node = document.activeElement; while (node.shadowRoot?.activeElement) node = node.shadowRoot.activeElement; return [node.tagName, node.className, node.textContent.trim(), node.getAttribute('role') || '']; }"
LIVE = "() => document.querySelector('si-joint-chat').shadowRoot"


def focused(chat: Chat) -> list[str]:
    return chat.page.evaluate(FOCUSED)


def tab_to(chat: Chat, name: str, backwards: bool = False) -> None:
    """Press Tab until the focus is on a button of that name."""
    for _ in range(MOST_TABS):
        chat.page.keyboard.press("Shift+Tab" if backwards else "Tab")
        tag, _, text, _ = focused(chat)
        if tag == "BUTTON" and text == name:
            return
    raise AssertionError(f"no way to '{name}' by the Tab key")


def press_by_key(chat: Chat, name: str) -> None:
    tab_to(chat, name)
    chat.page.keyboard.press("Enter")
    chat.settled()


def test_a_whole_session_is_done_by_keyboard_alone(chat, content):
    chat.box.focus()
    chat.page.keyboard.type("start a session")
    chat.page.keyboard.press("Enter")
    chat.settled()
    chat.log.focus()
    chat.page.evaluate(f"() => ({LIVE})().querySelector('.log .mine:last-of-type')?.focus()")
    to_first_exercise(chat, lambda name: press_by_key(chat, name), has_begun=True)
    rounds = 0
    while has_exercise(chat) and rounds < 6 * MOST_EXERCISES:
        press_by_key(chat, "Done, next")
        rounds += 1

    assert rounds > 3
    assert "?" in chat.replies()[-1]  # how it was


def test_the_timer_goes_by_keyboard_and_announces_start_and_end_alone(chat):
    chat.page.clock.install()
    to_timer(chat)
    chat.page.evaluate(
        f"""() => {{ window.said = []; const root = ({LIVE})(), status = root.querySelector('[role=status]');
          new MutationObserver(() => status.textContent && window.said.push(status.textContent)).observe(status, {{ childList: true, characterData: true, subtree: true }}); }}"""
    )
    clock = chat.page.get_by_role("timer").last
    tab_to(chat, "Start the timer")
    chat.page.keyboard.press("Space")
    before = clock.inner_text()
    chat.page.clock.run_for(2000)
    assert clock.inner_text() != before
    chat.page.keyboard.press("Space")
    stopped = clock.inner_text()
    chat.page.clock.run_for(5000)
    assert clock.inner_text() == stopped
    chat.page.keyboard.press("Space")
    chat.page.clock.run_for(900_000)

    assert chat.page.evaluate("() => window.said") == ["Timer started.", "Timer paused.", "Timer started.", "Timer finished."]
    assert clock.get_attribute("aria-live") == "off"
    assert focused(chat)[2] == "Start the timer"


def test_the_focus_goes_from_what_is_urgent_to_the_conversation_to_the_message_box(chat, content):
    chat.say(EMERGENCY)
    chat.page.get_by_role("button", name="Options").focus()
    order = []
    while "textarea" not in order and len(order) < MOST_TABS:
        chat.page.keyboard.press("Tab")
        tag, _, text, role = focused(chat)
        order.append("card" if text in ("Call 112", "999", "112", "911", "I have read this") else role or tag.lower())

    assert order.index("card") < order.index("log") < order.index("textarea")
    chat.page.keyboard.press("Tab")
    assert focused(chat)[2] == "Send"


def test_a_pressed_choice_leads_on_to_what_it_brought(chat, content):
    chat.say(content.answers["anatomy"].title)
    chat.log.get_by_role("button", name=content.wording["more_hint"]).press("Enter")
    chat.settled()

    assert focused(chat)[1].startswith("msg mine")


def test_escape_closes_the_corner_chat_and_gives_the_focus_back(chat_of):
    chat = chat_of()
    chat.page.goto(chat.address + "/demo")
    opener = chat.page.get_by_role("button", name="Ask about your SI joint")
    opener.press("Enter")
    chat.settled()
    assert chat.page.get_by_role("dialog", name="SI Joint Assistant").is_visible()
    chat.page.keyboard.press("Escape")

    assert not chat.page.get_by_role("dialog").is_visible()
    assert focused(chat)[2] == "Ask about your SI joint"


def live_regions(chat: Chat) -> list[tuple[str, str, str]]:
    """Return (role, politeness, name) of each live region as the browser tells assistive technology, in order."""
    nodes = {node["nodeId"]: node for node in chat.page.context.new_cdp_session(chat.page).send("Accessibility.getFullAXTree")["nodes"]}
    found, waiting = [], [next(iter(nodes))]
    while waiting:
        node = nodes[waiting.pop()]
        waiting += reversed(node.get("childIds", ()))
        properties = {each["name"]: each["value"].get("value") for each in node.get("properties", ())}
        role = node["role"]["value"]
        if role in ("alert", "log", "status", "timer"):
            found.append((role, properties.get("live", "off"), node.get("name", {}).get("value", "")))
    return found


def test_alert_log_and_status_stand_in_this_order_for_assistive_technology(chat, content):
    chat.say(EMERGENCY)
    chat.say(content.answers["anatomy"].title)
    regions = live_regions(chat)

    assert [role for role, _, _ in regions][:1] == ["alert"]
    assert ("log", "polite", "Conversation") in regions
    assert [role for role, _, _ in regions].index("log") < [role for role, _, _ in regions].index("status")
    assert {live for role, live, _ in regions if role == "alert"} == {"assertive"}


def test_a_message_and_its_answer_are_read_in_the_order_in_which_they_were_said(chat, content):
    chat.say(content.answers["anatomy"].title)
    tree = chat.log.aria_snapshot()

    assert tree.index(content.answers["anatomy"].title) < tree.index(content.answers["anatomy"].short[:40])
    assert "You:" in tree and "Assistant:" in tree


def test_the_typing_indicator_is_said_only_where_one_waits(chat):
    held = []
    chat.page.route(TURN, lambda route: held.append(route))
    chat.type("what is the si joint?")
    status = chat.page.get_by_role("status")
    status.get_by_text("The assistant is writing").wait_for()
    held[0].continue_()
    chat.settled()

    assert status.inner_text() == ""
