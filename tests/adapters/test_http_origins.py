"""Which other websites may embed the chat: those of the list, exactly, on answers and on errors; and what every response forbids."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Optional

import httpx
import pytest

pytestmark = pytest.mark.slow

LISTED, ALSO_LISTED = "https://clinic.example", "http://[::1]:3000"
STRANGERS = [
    "https://evil.example", "http://clinic.example", "https://clinic.example:8443", "https://www.clinic.example", "https://clinic.example.evil.example", "https://clinic.example/", "https://CLINIC.example",
    "https://clinic.exampleX", "xhttps://clinic.example", "null", "*", "", "https://clinic.example, https://evil.example", "http://::3000", "http://localhost:3000",
]  # fmt: skip
CONVERSATIONS, TURN, HISTORY = "/webhooks/web/conversations", "/webhooks/web/webhook", "/webhooks/web/history"
MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def embedded(run_module_server):
    with run_module_server(SIJBOT_ORIGINS=f"{LISTED},{ALSO_LISTED}", SIJBOT_MESSAGES_PER_MINUTE="2") as server:
        yield server


def ask(server, method: str, path: str, origin: Optional[str], **request) -> httpx.Response:
    headers = {**request.pop("headers", {}), **({} if origin is None else {"Origin": origin})}
    return server.http.request(method, path, headers=headers, **request)


def shared(response: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name.startswith("access-control-")}


def preflight(server, path: str, origin: Optional[str], method: str = "POST") -> httpx.Response:
    return ask(server, "OPTIONS", path, origin, headers={"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization,content-type"})


def bearer(server) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.start()}"}


def answers(server, origin: Optional[str]) -> list[httpx.Response]:
    """Return a response of each kind: answers of every route, and every error that the channel knows."""
    headers = bearer(server)
    taken = [ask(server, "POST", TURN, origin, json={"message": "hello"}, headers=headers) for _ in range(3)]
    found = [
        *taken, ask(server, "POST", CONVERSATIONS, origin, json={}), ask(server, "GET", HISTORY, origin, headers=headers), ask(server, "POST", TURN, origin, json={"message": "hello"}),
        ask(server, "GET", "/webhooks/web/documents/x/data.json", origin), ask(server, "GET", TURN, origin), ask(server, "POST", TURN, origin, content=b"x" * 33000, headers=bearer(server)),
        ask(server, "POST", TURN, origin, content=b"x" * 5 * MEBIBYTE, headers=bearer(server)), ask(server, "POST", TURN, origin, content=b"x", headers=bearer(server)),
        ask(server, "DELETE", CONVERSATIONS, origin, headers=headers),
    ]  # fmt: skip
    statuses = [response.status_code for response in found]
    assert statuses == [200, 200, 429, 200, 200, 401, 404, 405, 413, 413, 400, 200]
    return found


@pytest.mark.parametrize("origin", [LISTED, ALSO_LISTED])
def test_a_listed_website_may_read_every_answer_and_every_error(embedded, origin):
    for response in answers(embedded, origin):
        assert shared(response) == {"access-control-allow-origin": origin, "access-control-expose-headers": "Retry-After"}, response.status_code
        assert response.headers["vary"].rpartition(", ")[2] == "Origin"
        assert response.headers["cache-control"] == "no-store"


def test_so_it_may_where_something_is_broken(embedded):
    token = embedded.start()
    embedded.say(token, "about a 4 today")
    link = f"/webhooks/web/documents/{embedded.tokens.for_document(embedded.conversation(token), 'chart.png')}/chart.png"

    with closing(sqlite3.connect(embedded.var / "sijbot.db")) as database:
        database.execute("alter table diary_entry rename to elsewhere")
        broken = ask(embedded, "GET", link, LISTED)
        database.execute("alter table elsewhere rename to diary_entry")

    assert broken.status_code == 500 and broken.json()["replies"][0]["text"]
    assert shared(broken)["access-control-allow-origin"] == LISTED
    assert (broken.headers["vary"], broken.headers["cache-control"]) == ("Origin", "no-store")


def test_no_other_website_may(embedded):
    for response in answers(embedded, "https://evil.example"):
        assert shared(response) == {}
        assert response.headers["vary"].rpartition(", ")[2] == "Origin"


@pytest.mark.parametrize("origin", [*STRANGERS, None])
def test_an_origin_is_compared_as_a_whole(embedded, origin):
    for response in (ask(embedded, "POST", CONVERSATIONS, origin, json={}), ask(embedded, "GET", "/si-joint-chat.js", origin), preflight(embedded, TURN, origin)):
        assert shared(response) == {}
        assert response.headers["vary"].rpartition(", ")[2] == "Origin"


@pytest.mark.parametrize("path", ["/", "/si-joint-chat.js", "/page.css", "/icon.svg", "/pictures/clam_shell.svg", "/nowhere"])
def test_a_listed_website_may_load_the_files_of_the_page(embedded, path):
    assert shared(ask(embedded, "GET", path, LISTED))["access-control-allow-origin"] == LISTED


@pytest.mark.parametrize("path, method", [(CONVERSATIONS, "POST"), (CONVERSATIONS, "DELETE"), (TURN, "POST"), (HISTORY, "GET"), ("/si-joint-chat.js", "GET")])
def test_a_browser_that_asks_first_is_told_what_may_be_sent(embedded, path, method):
    response = preflight(embedded, path, LISTED, method)

    assert (response.status_code, response.content) == (204, b"")
    assert shared(response) == {
        "access-control-allow-origin": LISTED, "access-control-expose-headers": "Retry-After", "access-control-allow-methods": "GET, POST, DELETE",
        "access-control-allow-headers": "Authorization, Content-Type", "access-control-max-age": "3600",
    }  # fmt: skip
    assert response.headers["content-security-policy"] and response.headers["x-content-type-options"] == "nosniff"


def test_nothing_is_ever_shared_with_credentials_or_with_everybody(embedded):
    for origin in (LISTED, "https://evil.example", None):
        for response in (ask(embedded, "POST", CONVERSATIONS, origin, json={}), preflight(embedded, TURN, origin)):
            assert "access-control-allow-credentials" not in response.headers
            assert response.headers.get("access-control-allow-origin") != "*"


def test_where_no_website_is_listed_none_is_let_in(server):
    for response in (ask(server, "POST", CONVERSATIONS, LISTED, json={}), ask(server, "GET", "/si-joint-chat.js", LISTED), preflight(server, TURN, LISTED)):
        assert shared(response) == {} and "Origin" not in response.headers.get("vary", "")


def test_only_what_is_embedded_may_be_embedded(embedded, server):
    policies = {path: embedded.http.get(path).headers["cross-origin-resource-policy"] for path in ("/si-joint-chat.js", "/page.css", "/icon.svg", "/pictures/clam_shell.png", "/", "/live", HISTORY, "/nowhere")}

    assert policies == {
        "/si-joint-chat.js": "cross-origin", "/page.css": "cross-origin", "/icon.svg": "cross-origin", "/pictures/clam_shell.png": "cross-origin",
        "/": "same-origin", "/live": "same-origin", HISTORY: "same-origin", "/nowhere": "same-origin",
    }  # fmt: skip
    assert {server.http.get(path).headers["cross-origin-resource-policy"] for path in policies} == {"same-origin"}


def test_of_ones_own_files_only_the_picture_may_be_embedded(embedded):
    token = embedded.start()
    embedded.say(token, "about a 4 today")
    conversation = embedded.conversation(token)
    links = {name: f"/webhooks/web/documents/{embedded.tokens.for_document(conversation, name)}/{name}" for name in ("chart.svg", "chart.png", "data.json", "summary.pdf")}

    policies = {name: embedded.http.get(link).headers["cross-origin-resource-policy"] for name, link in links.items()}

    assert policies == {"chart.svg": "cross-origin", "chart.png": "cross-origin", "data.json": "same-origin", "summary.pdf": "same-origin"}


@pytest.mark.parametrize("route", ["/", "/si-joint-chat.js", "/pictures/clam_shell.svg", "/live", "/nowhere", HISTORY])
def test_every_response_switches_off_what_a_chat_does_not_need(server, route):
    headers = server.http.get(route).headers

    assert headers["permissions-policy"] == "camera=(), microphone=(), geolocation=()"
    assert headers["cross-origin-opener-policy"] == "same-origin"
