"""The way in from a web page: `POST …/conversations` for a token, `POST …/webhook` for a turn, `GET …/history` for what was said, `DELETE …/conversations` to erase it. Rasa's open `rest` channel stays off."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Awaitable, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Text

from rasa.core.channels.channel import InputChannel, UserMessage
from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse, raw
from sanic.response import json as json_response

from sijbot import metrics
from sijbot import runtime as process_runtime
from sijbot.adapters.assistant import SHORT_CHARACTERS, UNDERSTOOD_CHARACTERS, Assistant, Conversation, greeting, with_links, with_signed_buttons
from sijbot.adapters.inbox import Inbox
from sijbot.adapters.limits import Admission, AtOnce, Crowd, Lateness, Limits, counted_address, has_left
from sijbot.adapters.tokens import Tokens
from sijbot.coaching.say import COACH, CONSENT, FORGET, forgotten_reply, payload_title
from sijbot.documents.render import render
from sijbot.language.focus import without_command
from sijbot.records.inbox import Exchange
from sijbot.records.turns import Gone
from sijbot.regions import UNKNOWN, region_of, worded
from sijbot.replies import FAULT, Reply
from sijbot.routing import KEEP, TELL
from sijbot.runtime import Runtime
from sijbot.settings import signing_secret

BODY_BYTES = 32 * 1024
HISTORY_MESSAGES = 50
FLOOD_DELAY_S = 1.0
MOST_AT_WORK = 2  # messages at once, as many as keep a core busy; others wait for a place, or are told to come again before any work on them
# How many are at work or wait, and for how many seconds. A proxy asks another replica after 1.2 s: what waited longer would be done twice, the more so the more there is to do.
ALONE, BEHIND_A_PROXY = (60, 1.5), (16, 0.5)
LEFT_OVER_EVERY_S, LEFT_OVER_AFTER, LEFT_OVER_UNTIL, MOST_LEFT_OVER = 5.0, timedelta(seconds=15), timedelta(minutes=15), 20
RETRY_S = 2  # after which a message may be sent again whose turn failed
LONG_RETRY_S = 5  # after which a long one may be sent again
LONG_ONES_OF_AN_ADDRESS = 2  # at a time, since a long message takes as long as twenty others
MESSAGE_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_MESSAGE = re.compile(rf'"message"\s*:\s*"((?:[^"\\]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{{4}}){{0,{UNDERSTOOD_CHARACTERS}}})')


class Refused(Exception):
    """A request that is not taken: HTTP status, the key of the sentence in wording.yml, and the conversation's region.

    retry_s: in how many seconds it would be taken. is_flood: one of too many that were refused. card: the hand-off that stands before the sentence, where there is one.
    """

    def __init__(self, status: int, wording: str, region: str = "unknown", retry_s: int = 0, is_flood: bool = False) -> None:
        super().__init__(wording)
        self.status, self.wording, self.region, self.retry_s, self.is_flood = status, wording, region, retry_s, is_flood
        self.card: Optional[Reply] = None


class WebChannel(InputChannel):
    """Conversation ids are made here and travel in a signed token; typed text is never a command."""

    def __init__(self, runtime: Optional[Runtime] = None) -> None:
        self._given_runtime = runtime
        self.lateness = Lateness()

    @classmethod
    def name(cls) -> Text:
        return "web"

    @classmethod
    def from_credentials(cls, credentials: Optional[Dict[Text, Any]]) -> "WebChannel":
        return cls()

    @property
    def runtime(self) -> Runtime:
        return self._given_runtime or process_runtime.current()

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """Return the routes."""
        routes = Blueprint("web_channel")
        assistant = Assistant(self.runtime, on_new_message)
        settings = self.runtime.settings
        tokens, limits = Tokens(signing_secret(settings)), Limits(settings)
        inbox, long_ones = Inbox(lambda: self.runtime.engine), AtOnce(LONG_ONES_OF_AN_ADDRESS)
        most_waiting, place_s = BEHIND_A_PROXY if settings.proxies else ALONE
        crowd, admission = Crowd(), Admission(MOST_AT_WORK, most_waiting, place_s, self.lateness)
        self._inbox, self._assistant = inbox, assistant

        def count(request: Request, conversation: Optional[Conversation] = None, is_message: bool = False) -> None:
            """Raises: Refused, where it is too much."""
            address = _address(request, settings.proxies)
            wait_s = limits.request_wait_s(address) or (limits.message_wait_s(conversation.id) if is_message and conversation else 0)
            if wait_s:
                raise Refused(429, "too_many", conversation.region if conversation else "unknown", wait_s, limits.is_flood(address))

        def a_place(request: Request, conversation: Conversation, message_id: str, text: str, button: Optional[str]) -> AbstractAsyncContextManager:
            """Return what to wait for before a message is taken. One that alarms by its words waits for nobody, nor does one that is at work already.

            Raises: asyncio.TimeoutError, where it would be too long.
            """
            if len(text) > SHORT_CHARACTERS:
                return long_ones.of(_address(request, settings.proxies), place_s)
            return admission.place(inbox.knows(conversation, message_id), lambda: not button and assistant.words_alarm(text))

        def counted_conversation(request: Request) -> Conversation:
            conversation = _conversation(request, tokens)
            count(request, conversation)
            return _with_token(conversation)

        @routes.exception(Refused)
        async def refuse(request: Request, refused: Refused) -> HTTPResponse:
            if refused.is_flood:  # so that whoever sends as fast as there are answers leaves time for others
                await asyncio.sleep(FLOOD_DELAY_S)
            sentence = Reply(worded(self.runtime.content, refused.wording, refused.region), kind=FAULT)
            headers = {"Retry-After": str(refused.retry_s)} if refused.retry_s else {}
            return _respond({"replies": [reply.to_dict() for reply in (refused.card, sentence) if reply]}, refused.status, headers)

        @routes.exception(Gone)
        async def is_gone(request: Request, gone: Gone) -> HTTPResponse:
            return await refuse(request, Refused(401, "no_token"))

        @routes.post("/conversations")
        async def start(request: Request) -> HTTPResponse:
            count(request)
            conversation = Conversation.new(_region(_body(request), self.runtime))
            return _respond({"token": tokens.issue(conversation), "replies": [greeting(self.runtime, conversation.region).to_dict()], **_places(self.runtime, conversation.region)})

        @routes.delete("/conversations")
        async def erase(request: Request) -> HTTPResponse:
            conversation = counted_conversation(request)
            new = await asyncio.shield(assistant.erase(conversation))  # the page may be closed meanwhile
            if new is None:
                raise Refused(503, "not_erased", conversation.region)
            said = forgotten_reply(self.runtime.content, new.region)
            return _respond({"token": tokens.issue(new), "replies": [said.to_dict()], **_place(self.runtime, new.region)})

        @routes.post("/webhook")
        async def receive(request: Request) -> HTTPResponse:
            outcome, begun = metrics.REFUSED, time.perf_counter()
            with metrics.at_work():
                try:
                    response, outcome = await taken(request)
                    return response
                except Refused as refused:
                    outcome = metrics.SHED if refused.status == 429 else metrics.REFUSED
                    raise
                finally:
                    metrics.turn(outcome, self.name(), time.perf_counter() - begun)

        async def taken(request: Request) -> tuple[HTTPResponse, str]:
            """Return the answer to a message, and what became of it. Raises: Refused, Gone."""
            if admission.is_crowded and has_left(request.transport.get_extra_info("socket")):
                raise Refused(429, "too_many", retry_s=RETRY_S)  # nobody hears it: a proxy that waited too long asks another replica meanwhile, and work on the one it left makes more of them wait too long
            conversation = _conversation(request, tokens)
            try:
                count(request, conversation, is_message=True)
                body = _body(request, _with_token(conversation).region)
            except Refused as refused:  # of what nobody answers the danger is heard
                if conversation and refused.status in (413, 429) and not refused.is_flood:
                    refused.card = await assistant.hand_off_beside(conversation, typed_text(_beginning(request.body)))
                raise
            message_id = _message_id(body, conversation)
            text, button = _message(body, conversation, tokens, self.runtime)
            said = button_title(self.runtime, button) if button else text
            try:
                async with a_place(request, conversation, message_id, text, button):
                    turn = await inbox.turn(conversation, message_id, lambda: assistant.take_turn(conversation, text, button, message_id=message_id, said=said), said, button)
            except asyncio.TimeoutError:
                if len(text) <= SHORT_CHARACTERS:  # its words were read before it waited
                    raise Refused(429, "too_many", conversation.region, crowd.refused()) from None
                refused = Refused(429, "too_many", conversation.region, LONG_RETRY_S)  # too many of one address: no sign of a crowd
                refused.card = await assistant.hand_off_beside(conversation, "" if button else text)
                raise refused from None
            crowd.taken()
            moved = _moved(tokens, conversation, turn.conversation)
            place = _place(self.runtime, turn.conversation.region) if turn.conversation.region != conversation.region else {}
            again = {"Retry-After": str(RETRY_S)} if turn.failed else {}
            outcome = metrics.REPEATED if turn.is_repeated else metrics.FAILED if turn.failed else metrics.ANSWERED
            return _respond({"replies": _rendered(turn.replies, turn.conversation, tokens), **moved, **place}, 503 if turn.failed else 200, again), outcome

        @routes.get("/history")
        async def history(request: Request) -> HTTPResponse:
            conversation = counted_conversation(request)
            exchanges = await inbox.history(conversation, HISTORY_MESSAGES + 1)
            if exchanges is None:
                raise Refused(503, "unavailable", conversation.region)
            known, conversation = conversation, _as_left(conversation, exchanges)
            first = {"message_id": None, "said": None, "replies": [greeting(self.runtime, conversation.region).to_dict()], "at": None}
            messages = [first] if len(exchanges) <= HISTORY_MESSAGES else []
            messages += [
                {
                    "message_id": exchange.message_id, "said": exchange.said and exchange.said[:UNDERSTOOD_CHARACTERS], "at": exchange.at.isoformat(),
                    "replies": _rendered(map(Reply.from_dict, exchange.replies), conversation, tokens),
                }
                for exchange in exchanges[-HISTORY_MESSAGES:]
            ]  # fmt: skip
            return _respond({**_places(self.runtime, conversation.region), "messages": messages, **_moved(tokens, known, conversation)})

        @routes.get("/documents/<token>/<name>")
        async def document(request: Request, token: str, name: str) -> HTTPResponse:
            count(request)
            conversation = tokens.of_document(token, name)
            if conversation is None:
                raise Refused(404, "not_here")
            made = await asyncio.to_thread(render, self.runtime, name, conversation.id, conversation.region)
            if made is None:
                raise Refused(404, "not_here", conversation.region)
            body, content_type = made
            headers = {"Cache-Control": "no-store", "Content-Disposition": f'{"inline" if name.startswith("chart") else "attachment"}; filename="{name}"'}
            return raw(body, content_type=content_type, headers=headers)

        return routes


    async def take_up_left_over(self) -> None:
        """Answer, as long as this task runs, messages that a process took and died with: their replies then stand in the history, and wait for who sends them again."""
        while True:
            await asyncio.sleep(LEFT_OVER_EVERY_S)
            for left in await self._inbox.left_over(LEFT_OVER_AFTER, LEFT_OVER_UNTIL, MOST_LEFT_OVER):
                await self._take_up(Conversation(left["conversation_id"], left["region"], left["keep_days"]), left["message_id"], left["said"] or "", left["button"])

    async def _take_up(self, conversation: Conversation, message_id: str, said: str, button: Optional[str]) -> None:
        text = button_text(self.runtime, button) if button else said
        try:
            await self._inbox.turn(conversation, message_id, lambda: self._assistant.take_turn(conversation, text, button, message_id=message_id, said=said), said, button)
        except Gone:
            pass

    async def finished(self, deadline_s: float) -> None:
        """Wait until nothing is at work any more, but not longer."""
        until = asyncio.get_running_loop().time() + deadline_s
        while self._inbox.is_at_work and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.02)


def _respond(body: Dict[Text, Any], status: int = 200, headers: Mapping[Text, Text] = MappingProxyType({})) -> HTTPResponse:
    return json_response(body, status, headers={"Cache-Control": "no-store", **headers}, ensure_ascii=False, dumps=json.dumps)


def _moved(tokens: Tokens, before: Conversation, now: Conversation) -> Dict[Text, Any]:
    """Return the token of a conversation whose country, or what was agreed on keeping, is another one now."""
    return {"token": tokens.issue(now), "keep": bool(now.keep_days)} if now != before else {}


def _as_left(conversation: Conversation, exchanges: Sequence[Exchange]) -> Conversation:
    """Return the conversation as its latest exchange left it: the reply that told the page so may have been lost."""
    return replace(conversation, region=exchanges[-1].region, keep_days=exchanges[-1].keep_days) if exchanges else conversation


def _place(runtime: Runtime, region: str) -> Dict[Text, Any]:
    """Return what a page shows of a country all the time."""
    return {"region": region, "emergency_line": region_of(runtime.content, region).emergency_line}


def _places(runtime: Runtime, region: str) -> Dict[Text, Any]:
    """Return the same, and the countries that one can choose from."""
    return {**_place(runtime, region), "regions": {code: each.title for code, each in runtime.content.regions.items() if code != UNKNOWN}}


def _rendered(replies: Iterable[Reply], conversation: Conversation, tokens: Tokens) -> List[Dict[Text, Any]]:
    """Return replies as the page takes them: buttons signed for the conversation, and addresses for its files."""
    signed = (with_signed_buttons(reply, lambda payload: tokens.sign(conversation, payload)) for reply in replies)
    return [with_links(reply, lambda name: f"documents/{tokens.for_document(conversation, name)}/{name}").to_dict() for reply in signed]


def _conversation(request: Request, tokens: Tokens) -> Optional[Conversation]:
    """Return the conversation of the request's token, or None for one that is missing, forged or too old."""
    scheme, _, token = (request.headers.get("authorization") or "").partition(" ")
    return tokens.read(token.strip()) if scheme.lower() == "bearer" else None


def _with_token(conversation: Optional[Conversation]) -> Conversation:
    if conversation is None:
        raise Refused(401, "no_token")
    return conversation


def _address(request: Request, proxies: int) -> str:
    """Return who asks: what the proxies in front say, where there are any; what anybody may claim counts for nothing."""
    return counted_address((proxies and request.remote_addr) or request.ip)


def _beginning(body: bytes) -> str:
    """Return the first words of the message in a body that is not read as a whole, or nothing."""
    found = _MESSAGE.search(body[:BODY_BYTES].decode("utf-8", "ignore"))
    return json.loads(f'"{found[1]}"', strict=False) if found else ""


def _body(request: Request, region: str = "unknown") -> Dict[Text, Any]:
    if len(request.body) > BODY_BYTES:
        raise Refused(413, "too_long", region)
    try:
        body = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        raise Refused(400, "bad_request", region) from None
    if not isinstance(body, dict):
        raise Refused(400, "bad_request", region)
    return body


def _region(body: Dict[Text, Any], runtime: Runtime) -> str:
    region = body.get("region") or runtime.settings.region
    if not isinstance(region, str) or region not in runtime.content.regions:
        raise Refused(400, "bad_request")
    return region


def _message_id(body: Dict[Text, Any], conversation: Conversation) -> str:
    """Return what the page calls the message, so that a repeated one is known; one of our own where it does not say."""
    message_id = body.get("message_id", secrets.token_urlsafe(16))
    if not isinstance(message_id, str) or not MESSAGE_ID.fullmatch(message_id):
        raise Refused(400, "bad_request", conversation.region)
    return message_id


def _message(body: Dict[Text, Any], conversation: Conversation, tokens: Tokens, runtime: Runtime) -> tuple[str, Optional[str]]:
    """Return (text, payload of a pressed button or None)."""
    if "payload" in body:
        payload = tokens.verified(conversation, body["payload"]) if isinstance(body["payload"], str) else None
        if payload is None:
            raise Refused(400, "bad_request", conversation.region)
        return button_text(runtime, payload), payload
    text = body.get("message")
    if not isinstance(text, str) or "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise Refused(400, "bad_request", conversation.region)
    return typed_text(text), None


def typed_text(text: str) -> str:
    """Return typed text as it is stored: without outer space, and never a command."""
    return without_command(text).strip()


def button_text(runtime: Runtime, payload: str) -> str:
    """Return what pressing the button says, for the record: the title of what it asks for."""
    kind, _, rest = payload.partition(":")
    if kind in (COACH, CONSENT, FORGET):
        return payload_title(runtime.content, payload)
    return runtime.content.wording[f"{kind}_{rest.partition(':')[0]}"] if kind in ("helpful", KEEP, TELL) else runtime.content.title_of(rest)


def button_title(runtime: Runtime, payload: str) -> str:
    """Return what stands on a button, for the history."""
    return runtime.content.wording["more_hint"] if payload.startswith("more:") else button_text(runtime, payload)
