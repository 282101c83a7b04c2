"""The way in from a web page: `POST …/conversations` for a token, `POST …/webhook` for a turn. Rasa's open `rest` channel stays off."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from typing import Any, Awaitable, Callable, Dict, Optional, Text

from rasa.core.channels.channel import InputChannel, UserMessage
from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse, raw
from sanic.response import json as json_response

from sijbot import runtime as process_runtime
from sijbot.adapters.assistant import Assistant, Conversation, greeting, with_links, with_signed_buttons
from sijbot.adapters.inbox import Inbox
from sijbot.adapters.tokens import Tokens
from sijbot.coaching.say import COACH, CONSENT, FORGET, payload_title
from sijbot.documents.render import render
from sijbot.language.focus import without_command
from sijbot.regions import worded
from sijbot.replies import FAULT, Reply
from sijbot.runtime import Runtime
from sijbot.settings import signing_secret

BODY_BYTES = 32 * 1024
MESSAGE_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


class Refused(Exception):
    """A request that is not a turn: HTTP status, the key of the sentence in wording.yml, and the conversation's region."""

    def __init__(self, status: int, wording: str, region: str = "unknown") -> None:
        super().__init__(wording)
        self.status, self.wording, self.region = status, wording, region


class WebChannel(InputChannel):
    """Conversation ids are made here and travel in a signed token; typed text is never a command."""

    def __init__(self, runtime: Optional[Runtime] = None) -> None:
        self._given_runtime = runtime

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
        tokens = Tokens(signing_secret(self.runtime.settings))
        inbox = Inbox(lambda: self.runtime.engine)

        @routes.post("/conversations")
        async def start(request: Request) -> HTTPResponse:
            try:
                region = _region(_body(request), self.runtime)
            except Refused as refused:
                return self._refusal(refused)
            conversation = Conversation.new(region)
            first = greeting(self.runtime, region)
            return _respond({"token": tokens.issue(conversation), "replies": [first.to_dict()]})

        @routes.post("/webhook")
        async def receive(request: Request) -> HTTPResponse:
            try:
                conversation = _conversation(request, tokens)
                body = _body(request, conversation.region)
                message_id = _message_id(body, conversation)
                text, button = _message(body, conversation, tokens, self.runtime)
            except Refused as refused:
                return self._refusal(refused)
            turn = await inbox.turn(conversation, message_id, lambda: assistant.take_turn(conversation, text, button))
            signed = (with_signed_buttons(reply, lambda payload: tokens.sign(turn.conversation, payload)) for reply in turn.replies)
            replies = [with_links(reply, lambda name: f"documents/{tokens.for_document(turn.conversation, name)}/{name}").to_dict() for reply in signed]
            moved = {"token": tokens.issue(turn.conversation), "keep": bool(turn.conversation.keep_days)} if turn.conversation != conversation else {}
            return _respond({"replies": replies, **moved})

        @routes.get("/documents/<token>/<name>")
        async def document(request: Request, token: str, name: str) -> HTTPResponse:
            conversation = tokens.of_document(token, name)
            if conversation is None:
                return self._refusal(Refused(404, "not_here"))
            made = await asyncio.to_thread(render, self.runtime, name, conversation.id, conversation.region)
            if made is None:
                return self._refusal(Refused(404, "not_here", conversation.region))
            body, content_type = made
            headers = {"Cache-Control": "no-store", "Content-Disposition": f'{"inline" if name.startswith("chart") else "attachment"}; filename="{name}"'}
            return raw(body, content_type=content_type, headers=headers)

        return routes

    def _refusal(self, refused: Refused) -> HTTPResponse:
        reply = Reply(worded(self.runtime.content, refused.wording, refused.region), kind=FAULT)
        return _respond({"replies": [reply.to_dict()]}, refused.status)


def _respond(body: Dict[Text, Any], status: int = 200) -> HTTPResponse:
    return json_response(body, status, headers={"Cache-Control": "no-store"}, ensure_ascii=False, dumps=json.dumps)


def _conversation(request: Request, tokens: Tokens) -> Conversation:
    scheme, _, token = (request.headers.get("authorization") or "").partition(" ")
    conversation = tokens.read(token.strip()) if scheme.lower() == "bearer" else None
    if conversation is None:
        raise Refused(401, "no_token")
    return conversation


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
    return runtime.content.wording[f"helpful_{rest.partition(':')[0]}"] if kind == "helpful" else runtime.content.title_of(rest)
