"""The widget on somebody else's page: one line, the strictest policy, no third party; and how long a slow phone waits for it."""

from __future__ import annotations

import statistics
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Iterator

import pytest

from tests.adapters.widget.chat import Chat
from tests.adapters.widget.dialogues import EMERGENCY

pytestmark = pytest.mark.slow

POLICY = "default-src 'none'; script-src {0}; style-src 'self'; connect-src {0}; img-src {0}"
PAGE = "<!doctype html><html lang=en><title>Clinic</title><main><h1>Clinic</h1>{}</main></html>"
ONE_LINE = '<script type="module" src="{}/si-joint-chat.js?region=uk"></script>'
IN_THE_PAGE = '<si-joint-chat server="{0}" region="uk"><p>In an emergency call <a href="tel:999">999</a>.</p></si-joint-chat><script type="module" src="{0}/si-joint-chat.js"></script>'


class Clinic:
    """A website of another origin. `page` and `policy` are what it serves."""

    def __init__(self, address: str) -> None:
        self.address, self.page, self.policy = address, "", ""


@contextmanager
def clinic() -> Iterator[Clinic]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = PAGE.format(site.page).encode() if self.path == "/" else b""
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", site.policy)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site = Clinic(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def site() -> Iterator[Clinic]:
    with clinic() as started:
        yield started


@pytest.fixture(scope="module")
def bot(site, run_module_server) -> Iterator[str]:
    """The address of an assistant that the clinic may embed."""
    with run_module_server(SIJBOT_ORIGINS=site.address) as started:
        yield str(started.http.base_url).rstrip("/")


def at(chat_of, site: Clinic, bot: str, page: str) -> Chat:
    site.page, site.policy = page.format(bot), POLICY.format(bot)
    return chat_of(address=site.address)


def test_one_line_puts_the_chat_into_the_corner_of_another_website(chat_of, site, bot, content):
    chat = at(chat_of, site, bot, ONE_LINE)
    chat.page.goto(site.address)
    opener = chat.page.get_by_role("button", name="Ask about your SI joint")
    assert chat.is_in_view(opener)
    assert [address for address in chat.asked if "/webhooks/" in address] == []  # nothing is said to the server before somebody asks
    opener.click()
    chat.settled().say("what is the si joint?")
    chat.say(EMERGENCY)

    assert chat.times(content.answers["anatomy"].short[:40]) == 1
    assert chat.card("emergency").get_by_role("link").first.get_attribute("href") == "tel:999"
    chat.page.reload()
    chat.settled()
    assert len(chat.mine()) == 2 and chat.card("emergency").is_visible()
    assert chat.violations() == []


def test_an_element_stands_where_the_page_puts_it_with_its_own_emergency_line(chat_of, site, bot, content):
    chat = at(chat_of, site, bot, IN_THE_PAGE).open()
    chat.say(content.exercises["adductor_squeeze"].title)

    assert chat.log.locator("img").evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0
    assert content.regions["uk"].emergency_line in chat.line.inner_text()


def test_no_third_party_is_asked_and_the_policy_is_kept(chat_of, site, bot, content):
    chat = at(chat_of, site, bot, IN_THE_PAGE).open()
    for text in (content.answers["anatomy"].title, content.exercises["adductor_squeeze"].title, "about a 4 today", "show my chart", EMERGENCY):
        chat.say(text)

    assert {address.split("/webhooks")[0].rpartition("/")[0] if "/webhooks" not in address else address.split("/webhooks")[0] for address in chat.asked} <= {site.address, bot, bot + "/pictures"}
    assert chat.faults == []


def test_a_website_that_is_not_listed_cannot_use_the_assistant(chat_of, bot):
    with clinic() as other:
        chat = at(chat_of, other, bot, IN_THE_PAGE)
        chat.page.goto(other.address)
        assert chat.page.get_by_role("link", name="999").is_visible()
        assert chat.page.evaluate("(bot) => fetch(bot + '/webhooks/web/conversations', { method: 'POST', body: '{}' }).then(() => 'read', () => 'refused')", bot) == "refused"


def test_the_own_page_keeps_to_its_policy_in_every_part_of_a_conversation(chat, content):
    for text in (content.answers["anatomy"].title, content.exercises["adductor_squeeze"].title, "about a 4 today", "show my chart", "my summary as a file", EMERGENCY):
        chat.say(text)

    assert [address for address in chat.asked if not address.startswith(chat.address)] == []
    assert chat.log.get_by_role("img", name="A chart of pain").evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0


def test_the_chart_can_be_read_seen_and_taken_along(chat, content):
    chat.say("about a 4 today")
    chat.say("show my chart")
    with chat.page.expect_download() as waiting:
        chat.log.get_by_role("link", name="The chart as a picture").click()

    assert waiting.value.suggested_filename == "chart.png"
    assert "4" in chat.log.get_by_role("img", name="A chart of pain").get_attribute("alt")


def test_a_slow_phone_gets_it_soon(chat_of):
    """The figures are `sijbot bench`'s to judge; here only that what it measures is there: the mark, and that all of it is fetched in two steps."""
    chat = chat_of().open()
    entries = chat.page.evaluate("() => performance.getEntriesByType('resource').map((each) => [each.name.split('/').pop(), each.initiatorType, each.startTime])")
    marks = chat.page.evaluate("() => performance.getEntriesByName('si-joint-chat').map((each) => each.startTime)")

    assert len(marks) == 1 and statistics.fmean(marks) > 0
    assert {"si-joint-chat.js", "channel.js", "style.js"} <= {name for name, _, _ in entries}
