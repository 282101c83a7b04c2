"""What the server says of itself, and the page that it serves."""

from __future__ import annotations

import pytest

from sijbot.settings import ROOT

pytestmark = pytest.mark.slow

PAGE = [
    ("/", "page/index.html", "text/html"), ("/demo", "page/demo.html", "text/html"), ("/page.css", "page/page.css", "text/css"),
    *((f"/{path.name}", f"widget/{path.name}", "text/javascript") for path in sorted((ROOT / "widget").iterdir())),
]  # fmt: skip


@pytest.mark.parametrize("route, status", [("/live", "live"), ("/ready", "ready")])
def test_a_working_server_says_so(server, route, status):
    response = server.http.get(route)

    assert (response.status_code, response.json()) == (200, {"status": status})


@pytest.mark.parametrize("route, file, content_type", PAGE)
def test_the_page_is_served_whole_and_as_what_it_is(server, trained, route, file, content_type):
    response = server.http.get(route)

    assert response.status_code == 200
    assert response.headers["content-type"].partition(";")[0] == content_type
    assert response.content == (trained.root / file).read_bytes()


def test_what_the_browser_has_already_is_not_sent_again(server):
    first = server.http.get("/si-joint-chat.js")
    again = server.http.get("/si-joint-chat.js", headers={"If-None-Match": first.headers["etag"]})

    assert first.headers["content-encoding"] == "gzip" and first.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content) == (304, b"")
    assert server.http.get("/si-joint-chat.js", headers={"Accept-Encoding": "identity"}).content == first.content


@pytest.mark.parametrize("name, content_type", [("clam_shell.svg", "image/svg+xml"), ("clam_shell.png", "image/png")])
def test_the_drawings_of_the_exercises_are_served(server, trained, name, content_type):
    response = server.http.get(f"/pictures/{name}")

    assert (response.status_code, response.headers["content-type"]) == (200, content_type)
    assert response.content == (trained.root / "pictures" / name).read_bytes()


@pytest.mark.parametrize("name", ["poses.yml", "anatomy.svg", "..%2Fconfig.svg", "clam_shell.gif", "clam_shell"])
def test_nothing_else_is_served_as_a_drawing(server, name):
    assert server.http.get(f"/pictures/{name}").status_code == 404


@pytest.mark.parametrize("route", ["/", "/demo", "/page.css", "/si-joint-chat.js", "/pictures/clam_shell.svg", "/live", "/nowhere"])
def test_every_response_forbids_what_the_page_does_not_need(server, route):
    headers = server.http.get(route).headers

    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_the_page_itself_keeps_to_the_policy(server):
    page = server.http.get("/").text

    assert "<script>" not in page
    assert "<style" not in page
    assert "://" not in page.replace("http://www.w3.org/", "")


@pytest.mark.parametrize(
    "method, route, status",
    [
        ("GET", "/nowhere", 404), ("POST", "/", 405), ("GET", "/webhooks/web/webhook", 405), ("POST", "/webhooks/rest/webhook", 404),
        ("GET", "/conversations/x/tracker", 404), ("POST", "/model/parse", 404), ("GET", "/../var/secret", 404),
    ],
)  # fmt: skip
def test_what_is_not_here_gets_a_sentence_with_the_emergency_line(server, sentence_of, content, method, route, status):
    response = server.http.request(method, route)

    assert response.status_code == status
    assert content.regions["unknown"].emergency_line in sentence_of(response)


def test_a_turn_is_never_kept_by_a_cache(server):
    response = server.turn(server.start(), message="hello")

    assert response.headers["cache-control"] == "no-store"
