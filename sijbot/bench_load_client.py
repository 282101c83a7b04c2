"""The people of a load measurement, in a process of their own: `python -m sijbot.bench_load_client`, started by sijbot/bench_load.py.

Each behaves as the page does: one request after another, the same id again after Retry-After where it was not taken. What was typed while one is on its way waits in the page, and its time counts from when it was typed.

Not locust, nor any other tool whose users wait for the answer before they think of the next message: a slow server is then asked less than it would be, and what people wait in that time is in no
figure (coordinated omission). Here the moments are fixed beforehand.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import json
import sys
from bisect import bisect_right
from collections import deque
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Awaitable, Callable, Mapping, Optional, Protocol, Sequence, TextIO

import aiohttp

from sijbot.bench_load_figures import ANSWERED, NOBODY, SHED, WINDOW_S, Kept, Outcome, percentile
from sijbot.bench_load_plan import BUTTON, FORGET, KINDS, OPENED, RELOADED, THERE_FIRST_S, Message, Person, Step, read_texts, schedule

PAGE_TIMEOUT_S = 45.0
MOST_WAIT_S = 30.0  # before the next try, where the server does not say
GIVE_UP_S = 60.0  # for a message; a person would have left
NEVER_TAKEN = (400, 413)
BEGINS_IN_S = THERE_FIRST_S + 1.0
PROGRESS_S = 1.0
AT_A_TIME = 8  # histories that are read at the end
HISTORY_TRIES = 8


@dataclass(frozen=True)
class Answer:
    """What came of a request. status: 0 where nobody answered; retry_s: what Retry-After says."""

    status: int
    body: Mapping[str, Any]
    retry_s: Optional[float] = None

    @property
    def replies(self) -> Sequence[Mapping[str, Any]]:
        replies = self.body.get("replies")
        return [reply for reply in replies if isinstance(reply, dict) and reply.get("text")] if isinstance(replies, list) else []

    @property
    def said(self) -> str:
        """What came of the try, in a word: the status, and what is wrong about it where it should hold a sentence."""
        if not self.status:
            return NOBODY
        if self.status == 200 and isinstance(self.body.get("messages"), list):
            return ANSWERED
        wrong = "" if self.replies else " without a sentence"
        if self.status == 200 and any(reply.get("kind") == "fault" for reply in self.replies):
            wrong = " with a fault"
        return f"{self.status}{wrong}"


class Clock(Protocol):
    """Seconds since the beginning, and waiting."""

    def now(self) -> float: ...

    async def until(self, moment_s: float) -> None: ...


Ask = Callable[[str, str, Optional[Mapping[str, Any]], Optional[str], str], Awaitable[Answer]]  # method, path, body, token, address


@dataclass
class _Conversation:
    """What the page did in one conversation."""

    token: str
    sent: list[str] = field(default_factory=list)
    acknowledged: dict[str, str] = field(default_factory=dict)  # message id -> digest of the replies
    is_erased: bool = False


class Talk:
    """What one person does. ends_s: from when on nothing more is tried. write: called with what came of each request, in the order of typing."""

    def __init__(self, person: Person, ask: Ask, clock: Clock, ends_s: float, write: Callable[[Outcome], None], seed: int = 0) -> None:
        self.person = person
        self._ask, self._clock, self._ends_s, self._write, self._seed = ask, clock, ends_s, write, seed
        self._free_s = 0.0  # when the latest request had its answer
        self._asking = asyncio.Lock()
        self._conversations: dict[str, _Conversation] = {}
        self._current: Optional[_Conversation] = None
        self._buttons: Sequence[Mapping[str, Any]] = ()

    async def run(self) -> None:
        """Open the page, and type each message at its moment."""
        await self._clock.until(self.person.opens_s)
        await self._deliver(OPENED, self.person.opens_s, "POST", "conversations", {"region": self.person.region} if self.person.region else {})
        saying = []
        for number, message in enumerate(self.person.messages):
            await self._clock.until(message.due_s)
            if message.is_reloaded and self._current:
                await self._deliver(RELOADED, message.due_s, "GET", "history", None)
            saying.append(asyncio.ensure_future(self._say(number, message)))
        await asyncio.gather(*saying)

    async def _say(self, number: int, message: Message) -> None:
        async with self._asking:  # a button that is there by then
            pass
        button = pressed(message.step, self._buttons)
        kind = BUTTON if button and message.step.kind != FORGET else message.step.kind
        content = {"payload": button["payload"]} if button else {"message": message.step.text}
        await self._deliver(kind, message.due_s, "POST", "webhook", {**content, "message_id": f"{self._seed}-{self.person.number:06d}-{number:02d}"}, button["title"] if button else None)

    async def _deliver(self, kind: str, due_s: float, method: str, path: str, body: Optional[dict], title: Optional[str] = None) -> None:
        """Try until it is taken, refused for good, or given up; write down what came of it."""
        clock, tries, sent_s, lag_s, first_s, done_s, has_card, is_renewed = self._clock, [], None, None, None, None, False, False
        gives_up_s = min(self._ends_s, clock.now() + GIVE_UP_S)
        while clock.now() < gives_up_s:
            if path != "conversations" and self._current is None:
                await self._open_anew()
                if self._current is None:
                    tries.append("no conversation")
                    await clock.until(min(gives_up_s, clock.now() + MOST_WAIT_S))
                    continue
            conversation = self._current
            if path == "webhook" and body["message_id"] not in conversation.sent:
                conversation.sent.append(body["message_id"])
            async with self._asking:
                if sent_s is None:
                    sent_s = clock.now()
                    lag_s = sent_s - due_s if self._free_s <= due_s else None
                answer = await self._ask(method, path, body, conversation.token if conversation else None, self.person.address)
                self._free_s = clock.now()
            tries.append(answer.said)
            if first_s is None and answer.replies:
                first_s, has_card = clock.now(), any(reply.get("kind") == "care_card" for reply in answer.replies)
            if answer.said == ANSWERED:
                done_s = clock.now()
                self._take(answer, path, body, conversation)
                break
            if answer.status == 400 and body and "payload" in body:  # as the page does with a button that is worth nothing any more
                body = {"message": title, "message_id": body["message_id"]}
                continue
            if answer.status in NEVER_TAKEN:
                break
            if answer.status == 401 and not is_renewed:
                self._current, is_renewed = None, True
                continue
            await clock.until(min(gives_up_s, clock.now() + (answer.retry_s or min(2.0 ** len(tries), MOST_WAIT_S))))
        if path == "history":
            first_s = done_s
        self._write(Outcome(self.person.number, kind, due_s, sent_s, first_s, done_s, tuple(tries), has_card, lag_s))

    async def _open_anew(self) -> None:
        answer = await self._ask("POST", "conversations", {}, None, self.person.address)
        if answer.said == ANSWERED:
            self._take(answer, "conversations", None, None)

    def _take(self, answer: Answer, path: str, body: Optional[Mapping[str, Any]], conversation: Optional[_Conversation]) -> None:
        """Keep what a page keeps of an answer: the token, the buttons, and that the message is done."""
        if path == "webhook":
            conversation.acknowledged[body["message_id"]] = digest(answer.replies)
        if path != "history":
            self._buttons = [button for reply in answer.replies for button in reply.get("buttons") or ()]
        token = answer.body.get("token")
        if not token:
            return
        name = conversation_of(token)
        if name not in self._conversations:
            if conversation:
                conversation.is_erased = True
            self._conversations[name] = _Conversation(token)
        self._current = self._conversations[name]
        self._current.token = token

    async def kept(self) -> list[Kept]:
        """Return what became of the conversations, by their histories."""
        return [await self._compared(conversation) for conversation in self._conversations.values() if conversation.sent]

    async def _compared(self, conversation: _Conversation) -> Kept:
        answer = Answer(0, {})
        for number in range(HISTORY_TRIES):
            answer = await self._ask("GET", "history", None, conversation.token, self.person.address)
            if answer.status in (200, 401):
                break
            await self._clock.until(self._clock.now() + (answer.retry_s or min(2.0**number, MOST_WAIT_S)))
        if answer.said != ANSWERED:
            return Kept(tuple(conversation.sent), tuple(conversation.acknowledged), None, is_erased=conversation.is_erased)
        messages = [message for message in answer.body["messages"] if message["message_id"] is not None]
        different = sum(digest(message["replies"]) != conversation.acknowledged.get(message["message_id"], digest(message["replies"])) for message in messages)
        return Kept(tuple(conversation.sent), tuple(conversation.acknowledged), tuple(message["message_id"] for message in messages), different, conversation.is_erased)


def pressed(step: Step, buttons: Sequence[Mapping[str, Any]]) -> Optional[Mapping[str, Any]]:
    """Return the button that is pressed in this step, or None where the text is typed: of those that the text names, by its title or its number, or of those of any number."""
    if step.is_named:
        titled = next((button for button in buttons if button["title"].casefold() == step.text.strip().casefold()), None)
        number = int(step.text) if step.text.isascii() and step.text.isdigit() else 0
        return titled or (buttons[number - 1] if 1 <= number <= len(buttons) else None)
    return buttons[step.pick % len(buttons)] if step.pick is not None and buttons else None


def digest(replies: Sequence[Mapping[str, Any]]) -> str:
    """Return a short mark of what was said: of the texts alone, since buttons and addresses of files are signed anew each time."""
    return hashlib.blake2b("\0".join(reply["text"] for reply in replies).encode(), digest_size=8).hexdigest()


def conversation_of(token: str) -> str:
    """Return which conversation a token belongs to: it is another token where the country changes."""
    claims = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sub"]


class LoopClock:
    """The clock of the event loop. begin_s: the beginning on it."""

    def __init__(self, begin_s: float) -> None:
        self._begin_s, self._loop = begin_s, asyncio.get_running_loop()

    def now(self) -> float:
        return self._loop.time() - self._begin_s

    async def until(self, moment_s: float) -> None:
        await asyncio.sleep(max(0.0, moment_s - self.now()))


def asking(session: aiohttp.ClientSession, base: str) -> Ask:
    """Return what asks the server at an address over HTTP."""

    async def ask(method: str, path: str, body: Optional[Mapping[str, Any]], token: Optional[str], address: str) -> Answer:
        headers = {"X-Forwarded-For": address, **({"Authorization": f"Bearer {token}"} if token else {})}
        try:
            async with session.request(method, f"{base}/webhooks/web/{path}", json=body, headers=headers) as response:
                text, retry = await response.read(), response.headers.get("Retry-After", "")
                return Answer(response.status, _object(text), float(retry) if retry.isdigit() else None)
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError):
            return Answer(0, {})

    return ask


def _object(text: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(text)
    except ValueError:  # of a proxy that says it in HTML
        return {}
    return body if isinstance(body, dict) else {}


class Tally:
    """Counts while it goes on: looking through all that came would take the generator's own time."""

    def __init__(self, due_s: Sequence[float]) -> None:
        self._due_s = sorted(due_s)
        self._done = self._tries = self._shed = self._answered = self._opened = 0
        self._latest: deque[tuple[float, float]] = deque()  # when it was done, and how long it took

    def count(self, outcome: Outcome) -> None:
        """Take in what came of a request."""
        self._opened += outcome.kind == OPENED
        if outcome.kind not in KINDS:
            return
        self._done += 1
        self._tries += len(outcome.tries)
        self._shed += outcome.tries.count(SHED)
        self._answered += outcome.tries.count(ANSWERED)
        if outcome.done_s is not None:
            self._latest.append((outcome.done_s, outcome.done_s - outcome.due_s))

    def progress(self, now_s: float) -> dict[str, Any]:
        """Return how it goes: messages typed so far, those of them without an end, the times of the last ten seconds, tries that were shed or went wrong."""
        while self._latest and self._latest[0][0] < now_s - WINDOW_S:
            self._latest.popleft()
        times, typed = [took_s for _, took_s in self._latest], bisect_right(self._due_s, now_s)
        return {
            "at_s": now_s, "typed": typed, "open": typed - self._done, "p50_ms": percentile(times, 0.5) * 1000, "p95_ms": percentile(times, 0.95) * 1000,
            "shed": self._shed, "errors": self._tries - self._shed - self._answered, "conversations": self._opened,
        }  # fmt: skip


async def measure(base: str, people: Sequence[Person], seconds: float, drain_s: float, seed: int, results: TextIO, progress: TextIO) -> None:
    """Let everybody talk, say each second how it goes, and write what came of each message and of each conversation, one JSON object a line."""
    tally = Tally([message.due_s for person in people for message in person.messages])

    def write(outcome: Outcome) -> None:
        tally.count(outcome)
        results.write(json.dumps({"outcome": asdict(outcome)}) + "\n")

    # A connection for each message: a person is silent for longer than servers keep one, and a browser that finds it closed makes another without a word.
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=PAGE_TIMEOUT_S)) as session:
        clock, ask = LoopClock(asyncio.get_running_loop().time() + BEGINS_IN_S), asking(session, base)
        talks = [Talk(person, ask, clock, seconds + drain_s, write, seed) for person in people]
        gc.collect()
        gc.freeze()  # so that nobody's time is that of going through all of the plan
        telling = asyncio.ensure_future(_tell(clock, tally, progress))
        await asyncio.gather(*(talk.run() for talk in talks))
        telling.cancel()
        _say(progress, "talked", tally.progress(clock.now()))
        places = asyncio.Semaphore(AT_A_TIME)

        async def compare(talk: Talk) -> None:
            async with places:
                results.writelines(json.dumps({"kept": asdict(kept)}) + "\n" for kept in await talk.kept())

        await asyncio.gather(*map(compare, talks))
    _say(progress, "compared", {})


async def _tell(clock: Clock, tally: Tally, progress: TextIO) -> None:
    await clock.until(0)
    _say(progress, "begun", {})
    for number in count(1):
        await clock.until(number * PROGRESS_S)
        _say(progress, "progress", tally.progress(clock.now()))


def _say(progress: TextIO, what: str, how: Mapping[str, Any]) -> None:
    progress.write(json.dumps({"what": what, **how}) + "\n")
    progress.flush()


def main() -> None:
    """Read what to do, as a JSON object, from standard input; say how it goes on standard output."""
    asked = json.load(sys.stdin)
    people = schedule(asked["users"], asked["seconds"], asked["seed"], read_texts(Path(asked["root"])))
    with open(asked["results"], "w", encoding="utf-8") as results:
        asyncio.run(measure(asked["base"], people, asked["seconds"], asked["drain_s"], asked["seed"], results, sys.stdout))


if __name__ == "__main__":
    main()
