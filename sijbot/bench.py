"""Benchmarks on the real server: start, turns over HTTP, memory; and a turn, the screen and the encoder alone."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import IO, Callable, Iterator, Optional, Union

from sijbot.bench_coach import file_times_ms, session_times_ms
from sijbot.bench_page import page_figures
from sijbot.content import Content, load
from sijbot.settings import Settings

TURNS_PER_CONVERSATION = 10
EARLY_TURN, LATE_TURN, TURNS_AROUND, LONG_CONVERSATIONS = 10, 200, 5, 4
ENDINGS = ("", " please", " thanks", " then")  # so that no text of a long conversation is remembered from an earlier turn
NEW = " "  # behind a text that was judged before: what the screen remembers of it is no measure
START_DEADLINE_S = 120
NO_LIMITS = {"SIJBOT_MESSAGES_PER_MINUTE": "100000", "SIJBOT_REQUESTS_PER_MINUTE": "1000000"}
USUAL_LIMITS = {"SIJBOT_MESSAGES_PER_MINUTE": "60", "SIJBOT_REQUESTS_PER_MINUTE": "600", "SIJBOT_PROXIES": "1"}
FLOODING, FLOODING_CONNECTIONS, TURNS_UNDER_FLOOD, BETWEEN_TURNS_S = "192.0.2.66", 32, 200, 0.05
WORDS_OF_A_MESSAGE, CHARACTERS_OF_A_STORY = 20, 2000
ADVERSARIAL = {"10,000 times 'no '": "no " * 10_000, "brackets in brackets": "(" * 5000 + ")" * 5000, "2,000 emoji": "😢" * 2000, "no spaces": "word" * 2500}


def measure(settings: Settings, turns: int, port: int) -> Iterator[str]:
    """Yield one line per figure. Starts the server on `port`, and ends it."""
    content = load(settings.content)
    texts = _texts(content)
    yield from _screen_figures(content, texts)
    yield from _encoder_figures(texts)
    yield _answer_figure(settings, [content.title_of(content_id) for content_id in sorted(content.subject_of)])
    yield f"turn of a session, without HTTP: {_quantiles(session_times_ms(settings))}"
    yield from (f"{name} of one person among 100,000 diary entries: {took_ms:.0f} ms" for name, took_ms in file_times_ms(settings))
    began = time.perf_counter()
    try:
        with serving(settings, port) as (base, server):
            yield f"start to ready: {time.perf_counter() - began:.1f} s"
            yield from _turn_figures(base, texts, turns)
            yield _long_conversation_figure(base, [content.title_of(content_id) for content_id in sorted(content.subject_of)])
            yield f"memory after {turns} turns: {resident_mb(server.pid)} MB"
            yield from page_figures(base)
        with serving(settings, port, **USUAL_LIMITS) as (base, server):
            yield from _flood_figures(base, [content.title_of(content_id) for content_id in sorted(content.subject_of)])
    except NotReady as fault:
        yield str(fault)


class NotReady(Exception):
    """The server ended, or was not ready in time."""


@contextmanager
def serving(settings: Settings, port: int, **limits: str) -> Iterator[tuple[str, subprocess.Popen]]:
    """Start the assistant, without limits where none are given, wait until it is ready, give its address and process, and end it.

    Raises: NotReady.
    """
    server = start(settings, port, **(limits or NO_LIMITS))
    try:
        wait_until_ready(port, server)
        yield f"http://127.0.0.1:{port}", server
    finally:
        server.terminate()
        server.wait(10)


def start(settings: Settings, port: int, log: Union[int, IO] = subprocess.DEVNULL, before: Optional[Callable[[], None]] = None, **environment: str) -> subprocess.Popen:
    """Return the process of an assistant that starts on a port. log: where its output goes. before: called in the new process, such as to bind it to cores."""
    complete = {**os.environ, **environment, "PORT": str(port), "RASA_TELEMETRY_ENABLED": "false"}
    errors = None if log == subprocess.DEVNULL else subprocess.STDOUT
    return subprocess.Popen([sys.executable, "-W", "ignore", "-m", "sijbot.cli", "run"], cwd=settings.root, env=complete, stdout=log, stderr=errors, preexec_fn=before)


def wait_until_ready(port: int, server: subprocess.Popen) -> None:
    """Return when `/ready` says so. Raises: NotReady."""
    began = time.perf_counter()
    while not is_ready(f"http://127.0.0.1:{port}/ready"):
        if server.poll() is not None or time.perf_counter() - began > START_DEADLINE_S:
            raise NotReady("the server did not become ready")
        time.sleep(0.1)


def _texts(content: Content) -> list[str]:
    """Return what is asked: the titles of all answers and exercises, and every tenth case of the red flags."""
    titles = [content.title_of(content_id) for content_id in sorted(content.subject_of)]
    cases = [case.text for flag_id in sorted(content.cases) for case in content.cases[flag_id]]
    return titles + cases[::10]


def is_ready(url: str) -> bool:
    try:
        return urllib.request.urlopen(url, timeout=5).status == 200
    except OSError:
        return False


def post(url: str, body: dict, token: Optional[str] = None, address: str = "192.0.2.1") -> dict:
    """Return what is answered. address: what a proxy would say of who asks. Raises: urllib.error.HTTPError for everything but 200."""
    headers = {"Content-Type": "application/json", "X-Forwarded-For": address, **({"Authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def _turn_figures(base: str, texts: list[str], turns: int) -> Iterator[str]:
    times_ms, token = [], ""
    for number in range(turns):
        if number % TURNS_PER_CONVERSATION == 0:
            token = post(f"{base}/webhooks/web/conversations", {})["token"]
        began = time.perf_counter()
        post(f"{base}/webhooks/web/webhook", {"message": texts[number % len(texts)]}, token)
        times_ms.append((time.perf_counter() - began) * 1000)
    yield f"turn over HTTP: {_quantiles(times_ms)}"


def _long_conversation_figure(base: str, titles: list[str]) -> str:
    """Return the middle of the times of turns around the 10th and the 200th of a conversation."""
    early: list[float] = []
    late: list[float] = []
    for conversation in range(LONG_CONVERSATIONS):
        token = post(f"{base}/webhooks/web/conversations", {})["token"]
        for turn in range(1, LATE_TURN + TURNS_AROUND + 1):
            text = titles[(turn + 7 * conversation) % len(titles)] + ENDINGS[turn // len(titles) % len(ENDINGS)]
            took_ms = _timed_ms(lambda text: post(f"{base}/webhooks/web/webhook", {"message": text}, token), text)
            if abs(turn - EARLY_TURN) <= TURNS_AROUND:
                early.append(took_ms)
            elif turn >= LATE_TURN - TURNS_AROUND:
                late.append(took_ms)
    first, last = statistics.median(early), statistics.median(late)
    return f"turn {EARLY_TURN} of a conversation: p50 {first:.1f} ms, turn {LATE_TURN}: {last:.1f} ms ({last / first:.2f} times as long)"


def _flood_figures(base: str, titles: list[str]) -> Iterator[str]:
    """Yield how long a second person waits while somebody sends on many connections as fast as there are answers, and how long those who are refused wait at first."""
    refused_ms: list[float] = []
    second_ms: list[float] = []
    is_over = Event()
    flooding = post(f"{base}/webhooks/web/conversations", {}, address=FLOODING)["token"]

    def flood(connection: int) -> None:
        while not is_over.is_set():
            began = time.perf_counter()
            try:
                post(f"{base}/webhooks/web/webhook", {"message": titles[connection]}, flooding, FLOODING)
            except urllib.error.HTTPError:
                refused_ms.append((time.perf_counter() - began) * 1000)

    with ThreadPoolExecutor(FLOODING_CONNECTIONS) as connections:
        connections.map(flood, range(FLOODING_CONNECTIONS))
        for number in range(TURNS_UNDER_FLOOD):
            if number % TURNS_PER_CONVERSATION == 0:
                token = post(f"{base}/webhooks/web/conversations", {})["token"]
            second_ms.append(_timed_ms(lambda text: post(f"{base}/webhooks/web/webhook", {"message": text}, token), titles[number % len(titles)]))
            time.sleep(BETWEEN_TURNS_S)
        is_over.set()
    yield f"second person under a flood of {FLOODING_CONNECTIONS} connections: {_quantiles(second_ms)}"
    yield f"refused to the first: {len(refused_ms)} messages, p50 of the first hundred {statistics.median(refused_ms[:100]):.1f} ms, of the last hundred {statistics.median(refused_ms[-100:]):.0f} ms"


def _screen_figures(content: Content, texts: list[str]) -> Iterator[str]:
    from sijbot.runtime import load_screen

    screen = load_screen(content)
    harmless = [content.title_of(content_id) for content_id in sorted(content.subject_of)]
    twenty_words = [" ".join((" ".join(harmless[number:] + harmless[:number])).split()[:WORDS_OF_A_MESSAGE]) for number in range(len(harmless))]
    story = " ".join(texts)
    stories = [story[start : start + CHARACTERS_OF_A_STORY] for start in range(0, len(story) - CHARACTERS_OF_A_STORY, CHARACTERS_OF_A_STORY // 2)]
    screen.verdict(stories[0])
    for layers, judge, end in (("layers 1 and 2", screen, NEW), ("all three layers", screen.verdict, NEW + NEW)):
        yield f"screen, {layers}, {WORDS_OF_A_MESSAGE} words: {_quantiles([_timed_ms(judge, text + end) for text in twenty_words])}"
        yield f"screen, {layers}, {CHARACTERS_OF_A_STORY:,} characters: {_quantiles([_timed_ms(judge, text + end) for text in stories])}"
        yield f"screen, {layers}, twice as long: {_quantiles([_timed_ms(judge, one + two + end) for one, two in zip(stories[::2], stories[1::2])])}"
    for name, text in ADVERSARIAL.items():
        yield f"screen, {name}: {_timed_ms(screen, text):.0f} ms, with the third layer {_timed_ms(screen.verdict, text + NEW):.0f} ms"


def _encoder_figures(texts: list[str]) -> Iterator[str]:
    from sijbot.language.encoder import SentenceEncoder

    encoder = SentenceEncoder()
    yield f"encoder: {_quantiles([_timed_ms(encoder.encode, text) for text in texts])}"


def _answer_figure(settings: Settings, titles: list[str]) -> str:
    """Return how long the assistant itself takes, without HTTP, for questions of a few words in conversations of ten turns, stored as always."""
    from sijbot.adapters.assistant import Conversation
    from sijbot.adapters.dialogue import LocalAssistant

    async def times_ms(local: LocalAssistant) -> list[float]:
        times, conversation = [], Conversation.new()
        for number, title in enumerate([*titles[:TURNS_PER_CONVERSATION], *titles]):
            if number % TURNS_PER_CONVERSATION == 0:
                conversation = Conversation.new()
            began = time.perf_counter()
            await local.say(conversation, title + NEW * (number < TURNS_PER_CONVERSATION))
            times.append((time.perf_counter() - began) * 1000)
        return times[TURNS_PER_CONVERSATION:]  # the first ones warm up

    with tempfile.TemporaryDirectory(prefix="sijbot-bench-") as folder:
        local = LocalAssistant.load(dataclasses.replace(settings, database_url=f"sqlite:///{folder}/bench.db"))
        figure = _quantiles(asyncio.run(times_ms(local)))
        local.runtime.engine.dispose()
    return f"turn with an answer, without HTTP, {sum(len(title.split()) for title in titles) / len(titles):.0f} words: {figure}"


def _timed_ms(function, argument: str) -> float:
    began = time.perf_counter()
    function(argument)
    return (time.perf_counter() - began) * 1000


def _quantiles(times_ms: list[float]) -> str:
    cuts = statistics.quantiles(times_ms, n=100)
    return f"p50 {cuts[49]:.1f} ms, p95 {cuts[94]:.1f} ms, p99 {cuts[98]:.1f} ms"


def resident_mb(pid: int) -> int:
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        kilobytes = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    return kilobytes // 1024
