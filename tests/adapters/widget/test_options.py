"""What one can do with the conversation as a whole, and the ways to look at it."""

from __future__ import annotations

import pytest

from tests.adapters.widget.dialogues import EMERGENCY

pytestmark = pytest.mark.slow

QUESTION = "what is the si joint?"


def choose(chat, name: str):
    chat.page.get_by_role("button", name="Options").click()
    chat.page.get_by_role("dialog").get_by_role("button", name=name).click()


def choose_country(place, code: str):
    place.get_by_label("Where you are").select_option(code)
    place.get_by_role("button", name="Set").click()


def test_the_options_are_readable_for_everyone_and_escape_leads_back(chat):
    chat.page.get_by_role("button", name="Options").click()
    assert chat.violations() == []
    chat.page.keyboard.press("Escape")
    assert not chat.page.get_by_role("dialog").is_visible()
    assert chat.page.evaluate("() => document.querySelector('si-joint-chat').shadowRoot.activeElement.textContent") == "Options"


def test_the_conversation_can_be_saved_as_text(chat, content, tmp_path):
    chat.say(QUESTION)
    chat.say(EMERGENCY)
    with chat.page.expect_download() as waiting:
        choose(chat, "Save the conversation as text")
    waiting.value.save_as(tmp_path / "saved.txt")
    text = (tmp_path / "saved.txt").read_text(encoding="utf-8")

    assert waiting.value.suggested_filename == "conversation.txt"
    said = [f"You: {QUESTION}", content.answers["anatomy"].short[:40], f"You: {EMERGENCY}", content.red_flags["ces_bladder_incontinence"].finding]
    assert [text.index(each) for each in said] == sorted(text.index(each) for each in said)


def test_deleting_erases_the_conversation_on_the_server_too(chat, server):
    chat.say("my secret sentence")
    token = chat.page.evaluate("() => document.querySelector('si-joint-chat').state.token")
    assert server.http.get("/webhooks/web/history", headers={"Authorization": f"Bearer {token}"}).text.count("my secret sentence") == 1
    choose(chat, "Delete my conversation")
    chat.page.get_by_role("dialog").get_by_role("button", name="Yes").click()
    chat.log.get_by_text("Deleted, here and on the server").wait_for()
    chat.settled()

    assert "my secret sentence" not in server.http.get("/webhooks/web/history", headers={"Authorization": f"Bearer {token}"}).text
    assert chat.mine() == []
    assert "my secret sentence" not in chat.page.evaluate("() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }])")
    assert chat.say(QUESTION).mine() == [QUESTION]


def test_what_could_not_be_deleted_is_not_called_deleted(chat):
    chat.say("hello")
    chat.page.route("**/webhooks/web/conversations", lambda route: route.abort())
    choose(chat, "Delete my conversation")
    chat.page.get_by_role("dialog").get_by_role("button", name="Yes").click()

    chat.trouble.get_by_text("Nothing was deleted").wait_for()
    assert chat.mine() == ["hello"]


def test_a_deletion_can_be_thought_better_of(chat):
    chat.say("hello")
    choose(chat, "Delete my conversation")
    chat.page.get_by_role("dialog").get_by_role("button", name="No, go back").click()

    assert chat.mine() == ["hello"]


def test_starting_again_shows_nothing_of_before_but_what_is_urgent(chat, content):
    chat.say(EMERGENCY)
    choose(chat, "Start again")
    chat.page.get_by_role("dialog").get_by_role("button", name="Yes").click()
    chat.settled()

    assert chat.mine() == ["Start again"] and chat.card("emergency").is_visible()
    chat.page.reload()
    chat.settled()
    assert chat.mine() == ["start again"] and chat.card("emergency").is_visible()
    chat.say("how should I sleep?")
    assert content.red_flags["ces_bladder_incontinence"].finding in chat.replies()[-1]  # what stands still stands


def test_the_country_can_be_chosen_and_brings_its_number(chat, content):
    assert not chat.line.get_by_text(content.regions["au"].emergency_line).is_visible()
    choose_country(chat.log, "au")
    chat.settled()
    assert chat.line.get_by_role("link", name="000").first.is_visible() and content.regions["au"].emergency_line in chat.line.inner_text()
    chat.page.get_by_role("button", name="Options").click()
    choose_country(chat.page.get_by_role("dialog"), "us")
    chat.settled()
    assert content.regions["us"].emergency_line in chat.line.inner_text()
    chat.page.reload()
    chat.settled()
    assert content.regions["us"].emergency_line in chat.line.inner_text()


def test_a_chosen_country_changes_the_card_that_stands(chat, content):
    chat.say(EMERGENCY)
    choose_country(chat.log, "us")
    chat.settled()

    assert chat.card("emergency").get_by_role("link").first.get_attribute("href") == "tel:911"


@pytest.mark.parametrize("media", [{"forced_colors": "active"}, {"reduced_motion": "reduce"}, {"color_scheme": "dark"}, {"media": "print"}])
def test_every_way_to_look_at_it_shows_all_of_it(chat, content, pictures, media):
    chat.say(content.exercises["adductor_squeeze"].title)
    chat.say(EMERGENCY)
    if "media" in media:
        chat.card("emergency").get_by_role("button", name="I have read this").click()
    chat.page.emulate_media(**media)
    chat.page.screenshot(path=str(pictures / f"{'_'.join(media.values())}.png"), full_page=True)

    assert chat.card("emergency").is_visible() and chat.line.is_visible() and chat.log.locator("img").is_visible()
    if "media" in media:
        assert not chat.box.is_visible()
        assert chat.card("emergency").locator(".body a").first.is_visible()  # the number is printed
        assert chat.log.evaluate("(log) => log.scrollHeight <= log.clientHeight + 1")  # nothing is left out of the print
    else:
        assert chat.violations() == []


def test_nothing_moves_for_those_who_asked_for_that(chat_of):
    chat = chat_of(reduced_motion="reduce").open()
    held = []
    chat.page.route("**/webhook", lambda route: held.append(route))
    chat.type("hello")
    chat.page.get_by_role("status").get_by_text("writing").wait_for()

    assert chat.page.locator(".dots").evaluate("(node) => getComputedStyle(node, '::after').animationName") == "none"


def test_a_language_that_is_written_from_right_to_left_turns_the_chat_round(chat_of):
    chat = chat_of(viewport={"width": 320, "height": 568})
    chat.page.route("**/strings.ar.js", lambda route: route.fulfill(content_type="text/javascript", body='export default { dir: "rtl", send: "إرسال", you: "أنت" };'))
    chat.with_element('<si-joint-chat language="ar">').open().say("hello")
    send, box = chat.page.get_by_role("button", name="إرسال").bounding_box(), chat.box.bounding_box()

    assert send["x"] < box["x"] and not chat.overflows()
    assert chat.log.locator(".mine").bounding_box()["x"] < 100
    assert chat.violations() == []


def test_a_language_without_a_file_is_english(chat_of):
    chat = chat_of()
    assert chat.with_element('<si-joint-chat language="xx">').open().page.get_by_role("button", name="Send").is_visible()


@pytest.mark.parametrize("theme, is_dark", [("dark", True), ("light", False)])
def test_the_theme_can_be_set_against_the_system(chat_of, theme, is_dark):
    chat = chat_of(color_scheme="light" if is_dark else "dark").with_element(f'<si-joint-chat theme="{theme}">').open()
    red, green, blue = chat.page.locator(".panel").evaluate("(panel) => getComputedStyle(panel).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)")

    assert (max(red, green, blue) < 80) is is_dark


def test_a_greeting_of_the_clinic_stands_before_ours(chat_of, content):
    chat = chat_of().with_element('<si-joint-chat greeting="Welcome to the clinic.">').open()

    first, second = chat.replies()[:2]
    assert first == "Welcome to the clinic." and content.wording["greeting"][:20] in second


def test_a_country_that_is_not_known_is_asked_for(chat_of):
    chat = chat_of().with_element('<si-joint-chat region="atlantis">').open()

    assert chat.log.get_by_label("Where you are").is_visible()


def test_what_one_agreed_to_keep_outlives_the_tab_until_it_is_forgotten(chat_of, context_of, content):
    context = context_of()
    first = chat_of(context).open()
    first.say("about a 4 today")
    first.press("Yes, keep them")
    first.page.close()
    second = chat_of(context).open()
    assert second.mine() == ["about a 4 today", "Yes, keep them"]
    second.say("forget me")
    second.press(content.coach["forget_yes"])
    assert second.page.evaluate("() => localStorage.length") == 0


def test_no_country_is_chosen_by_looking_at_the_list(chat):
    chat.log.get_by_label("Where you are").press("ArrowDown")
    chat.log.get_by_label("Where you are").select_option("")
    chat.log.get_by_role("button", name="Set").click()

    assert chat.mine() == []
