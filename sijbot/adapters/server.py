"""The web server: the page, the channel, `/live` and `/ready`. One process, no Rasa HTTP API."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import logging
import sys
from pathlib import Path
from typing import Any, Optional

from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage
from sanic import Sanic
from sanic.exceptions import NotFound, SanicException
from sanic.request import Request
from sanic.response import HTTPResponse, file, raw
from sanic.response import json as json_response

from sijbot import clock, metrics
from sijbot.adapters.agent import ModelError
from sijbot.adapters.assistant import Assistant, Conversation, Turn
from sijbot.adapters.database import Database
from sijbot.adapters.origins import headers_for, preflight_answer
from sijbot.adapters.readiness import Readiness
from sijbot.adapters.relay import relay_of_server
from sijbot.adapters.web_channel import WebChannel
from sijbot.records import outbox, repository
from sijbot.records.schema import FAULTS
from sijbot.regions import worded
from sijbot.replies import CARE_CARD, FAULT, Reply
from sijbot.runtime import Runtime

logger = logging.getLogger(__name__)

ROUTES = {"index.html": "/", "demo.html": "/demo"}  # of files whose name is not their address
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
PICTURE_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}
FINISHING_DEADLINE_S = 5.0  # for turns that are still at work when the process is told to end
OUTBOX_EVERY_S = 5.0
SWITCH_S = 0.001  # after which a thread that computes lets others go on: with the 5 ms of the interpreter, each of them costs the event loop as much before it takes the next message
REQUEST_BYTES = 4 * 1024 * 1024  # read whole, so that a body over the channel's limit gets a sentence and not a broken connection
CANARY_TOPIC = "back_in_place"


def create_app(runtime: Runtime, agent: Optional[Agent]) -> Sanic:
    """Return the Sanic app that serves one assistant. Without an agent it screens every message, says that it cannot answer, and is not ready."""
    sys.setswitchinterval(SWITCH_S)
    app = Sanic("sijbot", register=False, configure_logging=False)
    app.config.REQUEST_MAX_SIZE = REQUEST_BYTES
    # Not uvloop, which importing Sanic has chosen: it takes one connection in each round of the loop, and in a crowd, when rounds are long, more come than are taken.
    app.config.USE_UVLOOP = False
    asyncio.set_event_loop_policy(None)
    app.config.FALLBACK_ERROR_FORMAT = "json"
    app.config.PROXIES_COUNT = runtime.settings.proxies or None
    app.ctx.agent, app.ctx.runtime = agent, runtime

    async def handle(message: UserMessage) -> Any:
        if app.ctx.agent is None:
            raise ModelError("there is no model")
        return await app.ctx.agent.handle_message(message)

    for path in sorted(each for folder in ("page", "widget") for each in (runtime.settings.root / folder).iterdir()):
        app.add_route(_page(path), ROUTES.get(path.name, f"/{path.name}"), name=f"page_{path.name}")
    app.add_route(_picture(runtime.settings.root / "pictures"), r"/pictures/<name:[a-z0-9_]+\.(?:svg|png)>", name="picture")
    channel = WebChannel(runtime)
    app.blueprint(channel.blueprint(handle), url_prefix="/webhooks/web")
    readiness = Readiness(runtime, lambda: canary_faults(runtime, Assistant(runtime, handle)))
    relay = relay_of_server(runtime.settings, runtime.engine, lambda: runtime.content)

    @app.get("/live")
    async def live(request: Request) -> HTTPResponse:
        return json_response({"status": "live"})

    @app.get("/ready")
    async def ready(request: Request) -> HTTPResponse:
        faults = await readiness.faults()
        return json_response({"status": "not ready", "faults": list(faults)}, 503) if faults else json_response({"status": "ready"})

    @app.listener("after_server_start")
    async def prepare(*_: Any) -> None:
        if relay:
            relay.start()
        works = (readiness.prepared(), channel.take_up_left_over(), channel.lateness.watch(metrics.loop_late), watch_outbox(Database(lambda: runtime.engine, 1, "outbox")))
        app.ctx.works = [asyncio.ensure_future(work) for work in works]

    @app.listener("before_server_stop")
    async def drain(*_: Any) -> None:
        readiness.is_draining = True
        await asyncio.sleep(runtime.settings.drain_s)  # whoever sends messages here has to notice first

    @app.listener("after_server_stop")
    async def finish(*_: Any) -> None:
        for work in app.ctx.works:
            work.cancel()
        await asyncio.gather(channel.finished(FINISHING_DEADLINE_S), *([asyncio.to_thread(relay.stop)] if relay else []))

    @app.exception(Exception)
    async def on_fault(request: Request, error: Exception) -> HTTPResponse:
        status = error.status_code if isinstance(error, SanicException) else 500
        if status >= 500:
            logger.error("request failed: %s", type(error).__name__)
        key = {413: "too_long", 404: "not_here", 405: "not_here"}.get(status, "fault" if status >= 500 else "bad_request")
        reply = Reply(worded(runtime.content, key, runtime.settings.region), kind=FAULT)
        return json_response({"replies": [reply.to_dict()]}, status, headers={"Cache-Control": "no-store"})

    @app.middleware("request")
    async def answer_preflight(request: Request) -> Optional[HTTPResponse]:
        return preflight_answer(runtime.settings.origins, request)

    @app.middleware("response")
    async def add_headers(request: Request, response: HTTPResponse) -> None:
        response.headers.update(headers_for(runtime.settings.origins, request, response))
        if readiness.is_draining and request.stream:
            request.stream.keep_alive = False  # else a proxy sends one request after another on the connections that it keeps, and the end never comes

    return app


async def watch_outbox(database: Database) -> None:
    """Show the state of the outbox for ever; for a task of its own."""

    def counted(engine: Any) -> tuple[int, int, float]:
        with engine.connect() as connection:
            counts, oldest = outbox.counts(connection), outbox.oldest_queued(connection)
        number = {state: sum(each for (_, its), each in counts.items() if its == state) for state in (outbox.QUEUED, outbox.FAILED)}
        return number[outbox.QUEUED], number[outbox.FAILED], max(((clock.now() - since).total_seconds() for since in oldest.values()), default=0.0)

    while True:
        try:
            metrics.outbox(*await database.run(counted))
        except FAULTS as error:
            metrics.database_fault(error)
        await asyncio.sleep(OUTBOX_EVERY_S)


def _page(path: Path) -> Any:
    """Return what serves a file of the page: small, whole, and only where the browser has not this very one already."""
    plain = path.read_bytes()
    packed, tag = gzip.compress(plain, mtime=0), f'"{hashlib.sha256(plain).hexdigest()[:16]}"'
    headers = {"Cache-Control": "no-cache", "ETag": tag, "Vary": "Accept-Encoding"}

    async def page(request: Request) -> HTTPResponse:
        if request.headers.get("if-none-match") == tag:
            return raw(b"", 304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return raw(packed, headers={**headers, "Content-Encoding": "gzip"}, content_type=TYPES[path.suffix])
        return raw(plain, headers=headers, content_type=TYPES[path.suffix])

    return page


def _picture(folder: Path) -> Any:
    async def picture(request: Request, name: str) -> HTTPResponse:
        path = folder / name
        if not path.is_file():
            raise NotFound(name)
        return await file(path, mime_type=PICTURE_TYPES[path.suffix], headers={"Cache-Control": "public, max-age=3600"})

    return picture


async def canary_faults(runtime: Runtime, assistant: Assistant) -> list[str]:
    """Return what does not work, of one known question and one known danger sign, asked in a conversation that is erased afterwards."""
    content = runtime.content
    flag_id, case = next(
        (flag_id, case) for flag_id, flag in content.red_flags.items() if flag.level == "emergency" and not flag.hand_off
        for case in content.cases[flag_id] if case.expect == "fire"
    )  # fmt: skip
    conversation = Conversation.new()
    question = await assistant.take_turn(conversation, content.title_of(CANARY_TOPIC))
    danger = await assistant.take_turn(conversation, case.text)
    faults = [] if _answers(question, content.answers[CANARY_TOPIC].short) else ["the canary question was not answered"]
    if danger.failed or danger.replies[0].kind != CARE_CARD or flag_id not in danger.assessment.flags:
        faults.append("the canary danger sign was not handed over")
    try:
        with runtime.engine.begin() as connection:
            repository.forget(connection, conversation.id)
    except Exception as error:
        faults.append(f"the database does not answer ({type(error).__name__})")
    return faults


def _answers(turn: Turn, text: str) -> bool:
    return not turn.failed and any(text in reply.text for reply in turn.replies)
