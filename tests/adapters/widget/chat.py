"""What a person does with the widget and sees of it."""

from __future__ import annotations

from typing import Callable

from playwright.sync_api import Locator, Page, Route

from sijbot.settings import ROOT

TURN, ANY_OF_THE_CHANNEL = "**/webhooks/web/webhook", "**/webhooks/web/**"
ANSWER_MS = 10_000
IS_SETTLED = "() => { const chat = document.querySelector('si-joint-chat'); return chat.isLoaded && !chat.isBusy; }"
AXE = ROOT / "tests" / "vendor" / "axe-core" / "axe.min.js"
AXE_RUN = """() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })
  .then((found) => found.violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.target.join(" ")).join("; ")}`))"""


class Chat:
    """A page with the widget on it. `faults`: what its scripts threw and its policy refused; `asked`: every address that it asked for."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.faults: list[str] = []
        self.asked: list[str] = []
        page.set_default_timeout(ANSWER_MS)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda message: self.faults.append(message.text) if "Content Security Policy" in message.text else None)
        page.on("request", lambda request: self.asked.append(request.url))
        self.element = page.locator("si-joint-chat")
        self.log = page.locator("si-joint-chat .log")
        self.box = page.get_by_label("Your message")
        self.trouble = page.locator(".away")
        self.line = page.locator(".line")

    def open(self, path: str = "/") -> "Chat":
        self.page.goto(self.address + path)
        return self.settled()

    def with_element(self, tag: str) -> "Chat":
        """Let the page have this for the widget's tag, with all else as the server sends it."""

        def change(route: Route) -> None:
            response = route.fetch()
            route.fulfill(response=response, body=response.text().replace("<si-joint-chat>", tag))

        self.page.route(self.address + "/", change)
        return self

    def settled(self) -> "Chat":
        """Wait until every message has its answer."""
        self.element.wait_for(state="attached")
        self.page.wait_for_function(IS_SETTLED)
        return self

    def type(self, text: str) -> None:
        self.box.fill(text)
        self.box.press("Enter")

    def say(self, text: str) -> "Chat":
        """Type and send, and wait for what comes."""
        self.type(text)
        return self.settled()

    def press(self, name: str) -> "Chat":
        """Press the newest button of that name, and wait for what comes."""
        self.page.get_by_role("button", name=name, exact=True).last.click()
        return self.settled()

    def card(self, level: str) -> Locator:
        return self.page.locator(f".pins .card.{level}")

    def mine(self) -> list[str]:
        """Return what stands there as said by the person."""
        return self.log.locator(".mine").evaluate_all("(all) => all.map((each) => each.childNodes[1].textContent)")

    def replies(self) -> list[str]:
        return self.log.locator(".msg:not(.mine)").all_inner_texts()

    def times(self, text: str) -> int:
        """Return how often a text stands in the conversation."""
        return self.log.get_by_text(text).count()

    def is_in_view(self, node: Locator) -> bool:
        """Return whether the whole of an element is inside the window, and nothing lies over its middle."""
        return node.evaluate(
            """(node) => {
              const { left, top, right, bottom } = node.getBoundingClientRect();
              if (top < 0 || left < 0 || bottom > innerHeight || right > innerWidth) return false;
              let over = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
              while (over?.shadowRoot?.elementFromPoint((left + right) / 2, (top + bottom) / 2)) {
                const inner = over.shadowRoot.elementFromPoint((left + right) / 2, (top + bottom) / 2);
                if (inner === over) break;
                over = inner;
              }
              while (over && over !== node) over = over.assignedSlot || over.parentElement || over.getRootNode().host;
              return over === node;
            }"""
        )

    def show_newest(self) -> None:
        """Scroll to the end of the conversation."""
        self.log.evaluate("(log) => { log.scrollTop = log.scrollHeight; }")

    def violations(self) -> list[str]:
        """Return what axe finds, by rule and place."""
        if not self.page.evaluate("() => Boolean(window.axe)"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        return self.page.evaluate(AXE_RUN)

    def overflows(self) -> bool:
        """Return whether one must scroll sideways to read."""
        return self.page.evaluate("() => document.documentElement.scrollWidth > innerWidth") or self.log.evaluate("(log) => log.scrollWidth > log.clientWidth")


def answered_with(status: int = 200, body: str = "") -> Callable[[Route], None]:
    """Return what answers a request in place of the server."""
    return lambda route: route.fulfill(status=status, body=body, content_type="application/json")
