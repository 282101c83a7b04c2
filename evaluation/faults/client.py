"""Holds a conversation as the page does: one message after another, each sent again with the same id until it is done."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import re
import secrets
import time
from dataclasses import dataclass, field
from typing import Any, Awaitable, Callable, Mapping, Optional, Protocol, Sequence

import aiohttp

from evaluation.faults.record import BROKEN, BUSY, DONE, LATE, NOT_DONE, Attempt, Exchange, Message, ReplyData, Talk
from evaluation.faults.scripts import Script, Step

WAIT_S = 3.5  # for an answer
AGAIN_S = 0.15  # before a message is sent again
GIVE_UP_S = 12.0  # when a message that does not get done is given up, which a page never does
LOOK_AT_WAITS_S = 0.4  # an answer that came sooner is in time whatever the machine did


@dataclass(frozen=True)
class Answer:
    """What came back over HTTP."""

    status: int
    body: Mapping[str, Any] = field(default_factory=dict)
    says_when: bool = False


class Door(Protocol):
    """A way into a product: how a conversation is begun, and how a message is sent."""

    async def begin(self, http: aiohttp.ClientSession) -> str: ...

    async def send(self, http: aiohttp.ClientSession, key: str, message_id: str, body: Mapping[str, str], place: int) -> Answer: ...

    async def history(self, http: aiohttp.ClientSession, key: str) -> Optional[list[Exchange]]: ...

    def owner(self, key: str) -> str: ...


class WebDoor:
    """Ours. urls: what a page asks, and then every process behind it."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = urls

    async def begin(self, http: aiohttp.ClientSession) -> str:
        """Return the token of a new conversation."""
        async with http.post(f"{self._urls[0]}/webhooks/web/conversations", json={"region": "uk"}) as response:
            return (await response.json())["token"]

    async def send(self, http: aiohttp.ClientSession, key: str, message_id: str, body: Mapping[str, str], place: int) -> Answer:
        """Send a message. place: which of the addresses."""
        url = f"{self._urls[place % len(self._urls)]}/webhooks/web/webhook"
        async with http.post(url, json={**body, "message_id": message_id}, headers=_bearer(key)) as response:
            return Answer(response.status, await _json(response), "Retry-After" in response.headers)

    async def history(self, http: aiohttp.ClientSession, key: str) -> Optional[list[Exchange]]:
        """Return what a page shows that is loaded again, or None where it gets none."""
        async with http.get(f"{self._urls[0]}/webhooks/web/history", headers=_bearer(key)) as response:
            if response.status != DONE:
                return None
            messages = (await response.json())["messages"]
        return [Exchange(each["message_id"], each["said"], tuple(each["replies"])) for each in messages if each["message_id"]]

    def owner(self, key: str) -> str:
        """Return the id under which the conversation is stored."""
        payload = key.split(".")[1]
        return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sub"]


class RestDoor:
    """Rasa's own, where whoever asks says who he is. emergency: pieces of the hand-off's text, since it says nothing of kinds."""

    def __init__(self, url: str, emergency: Sequence[str]) -> None:
        self._url, self._emergency = url, emergency

    async def begin(self, http: aiohttp.ClientSession) -> str:
        """Return the name of a new conversation."""
        return secrets.token_hex(12)

    async def send(self, http: aiohttp.ClientSession, key: str, message_id: str, body: Mapping[str, str], place: int) -> Answer:
        """Send a message; Rasa takes no ids."""
        async with http.post(f"{self._url}/webhooks/rest/webhook", json={"sender": key, "message": body["message"]}) as response:
            replies = await _json(response)
            return Answer(response.status, {"replies": [self._reply(each) for each in replies] if isinstance(replies, list) else []})

    async def history(self, http: aiohttp.ClientSession, key: str) -> Optional[list[Exchange]]:
        """Return None: a page cannot ask for it."""
        return None

    def owner(self, key: str) -> str:
        """Return the id under which the conversation is stored."""
        return key

    def _reply(self, reply: Mapping[str, Any]) -> ReplyData:
        text = reply.get("text") or ""
        kind, level = ("care_card", "emergency") if any(piece in text for piece in self._emergency) else ("text", None)
        return {"kind": kind, "level": level, "text": text, "buttons": reply.get("buttons") or []}


def emergency_pieces(texts: Sequence[str]) -> list[str]:
    """Return what stands in hand-off texts between their places: what tells a hand-off from other replies."""
    return [piece.strip() for text in texts for piece in re.split(r"\{\w+\}|\n", text) if len(piece.strip()) >= 25]


async def _json(response: aiohttp.ClientResponse) -> Any:
    try:
        return json.loads(await response.read())
    except ValueError:
        return {}


def _bearer(token: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token}"}


@dataclass
class Pace:
    """When messages may be sent. sent: called with every new message; waits_s: how long processes waited for a processor in a time; fault_ended_at: None while it lasts."""

    sent: Callable[[], Awaitable[None]]
    waits_s: Callable[[float, float], float]
    began_at: float
    fault_ended_at: Optional[float] = None

    def is_over(self, since: float) -> bool:
        """Return whether a message that was sent first at this time is not sent again: since then, and since the fault ended, there was time enough."""
        return self.fault_ended_at is not None and time.monotonic() > max(since, self.fault_ended_at) + GIVE_UP_S


class Speaker:
    """Somebody who holds a conversation. copies: as often is each message sent, at the same time; goes_away: sends a message, and closes the connection at first."""

    def __init__(
        self, door: Door, http: aiohttp.ClientSession, script: Script, pace: Pace, rng: random.Random, has_ids: bool = True, copies: int = 1, spread: bool = False, goes_away: bool = False
    ) -> None:
        self._door, self._http, self.script, self._pace, self._rng = door, http, script, pace, rng
        self._has_ids, self._copies, self._spread, self._goes_away = has_ids, copies, spread, goes_away
        self.talk = Talk(script.name, script.canary)
        self.key = ""
        self._buttons: dict[str, str] = {}
        self._bodies: dict[str, Mapping[str, str]] = {}  # by message id

    async def open(self) -> None:
        """Begin the conversation."""
        self.key = await self._door.begin(self._http)

    async def close(self) -> None:
        """Leave."""
        await self._http.close()

    @property
    def owner(self) -> str:
        """The id under which the conversation is stored."""
        return self._door.owner(self.key)

    async def hold(self) -> None:
        """Say everything that stands in the script."""
        if self.script.at_once:
            await asyncio.gather(*(self._say(step) for step in self.script.steps))
            return
        for step in self.script.steps:
            if not await self._say(step):
                return

    async def _say(self, step: Step) -> bool:
        """Send a message until it is done, and return whether it was."""
        body = self._body(step)
        message = Message(secrets.token_hex(12), step.presses or step.says, step.is_urgent, "payload" not in body)
        await self._pace.sent()
        self.talk.messages.append(message)
        self._bodies[message.id] = body
        since = time.monotonic()
        if self._goes_away:
            await self._leave(message, body)
        while not self._pace.is_over(since):
            places = [self._rng.randrange(2) + 1 if self._spread else 0 for _ in range(self._copies)] if not message.attempts else [0]
            await asyncio.gather(*(self._attempt(message, body, place) for place in places))
            if message.acknowledged:
                return True
            await asyncio.sleep(AGAIN_S)
        return False

    def _body(self, step: Step) -> Mapping[str, str]:
        if step.says is not None:
            return {"message": step.says}
        payload = self._buttons.get(step.presses) if self._has_ids else None
        return {"payload": payload} if payload else {"message": step.presses}  # where there is no such button, somebody types what would stand on it

    async def _attempt(self, message: Message, body: Mapping[str, str], place: int = 0) -> Optional[Answer]:
        began = time.monotonic()
        answer, lost = None, None
        try:
            answer = await self._door.send(self._http, self.key, message.id, body, place)
        except asyncio.TimeoutError:
            lost = LATE
        except (aiohttp.ClientError, OSError):
            lost = BROKEN
        ended = time.monotonic()
        waited_s = self._pace.waits_s(began, ended) if ended - began > LOOK_AT_WAITS_S else 0.0
        replies = tuple((answer.body.get("replies") or ()) if answer and isinstance(answer.body, dict) else ())
        message.attempts.append(Attempt(
            began - self._pace.began_at, ended - self._pace.began_at, answer.status if answer else None, replies, bool(answer and answer.says_when), lost, waited_s,
        ))  # fmt: skip
        if answer and answer.status == DONE:
            self.key = answer.body.get("token", self.key)
            buttons = {button["title"]: button["payload"] for reply in replies for button in reply.get("buttons") or ()}
            self._buttons = buttons or self._buttons
        return answer

    async def _leave(self, message: Message, body: Mapping[str, str]) -> None:
        """Send a message and be gone before its answer comes."""
        try:
            await asyncio.wait_for(self._door.send(self._http, self.key, message.id, body, 0), self._rng.uniform(0.001, 0.03))
        except (asyncio.TimeoutError, aiohttp.ClientError, OSError):
            pass

    async def repeat(self, at_most: int) -> None:
        """Send some messages once more that were done, each to another process where there are several."""
        done = [message for message in self.talk.messages if message.acknowledged]
        for place, message in enumerate(self._rng.sample(done, min(at_most, len(done)))):
            await self._attempt(message, self._bodies[message.id], place)

    async def read(self) -> None:
        """Read the history, once more where it does not come at once."""
        for _ in range(3):
            try:
                self.talk.history = await self._door.history(self._http, self.key)
            except (asyncio.TimeoutError, aiohttp.ClientError, OSError):
                self.talk.history = None
            if self.talk.history is not None:
                return
            await asyncio.sleep(AGAIN_S)


async def replay(door: Door, http: aiohttp.ClientSession, messages: Sequence[Message], has_ids: bool) -> tuple[str, dict[str, tuple[ReplyData, ...]]]:
    """Hold the same conversation once more, without a fault, and return the id under which it is stored and the replies by the message that they belong to.

    Raises: aiohttp.ClientError, asyncio.TimeoutError, where it is not answered though nothing is broken.
    """
    replies: dict[str, tuple[ReplyData, ...]] = {}
    buttons: dict[str, str] = {}
    key = await door.begin(http)
    for message in messages:
        payload = buttons.get(message.said) if has_ids and not message.is_typed else None
        body = {"payload": payload} if payload else {"message": message.said}
        answer = await door.send(http, key, secrets.token_hex(12), body, 0)
        replies[message.id] = tuple(answer.body.get("replies") or ())
        key = answer.body.get("token", key)
        found = {button["title"]: button["payload"] for reply in replies[message.id] for button in reply.get("buttons") or ()}
        buttons = found or buttons
    return door.owner(key), replies
