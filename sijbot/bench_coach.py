"""Benchmarks of the coach: a turn of a session, and the files of one person among 100,000 diary entries of 1,000."""

from __future__ import annotations

import asyncio
import dataclasses
import tempfile
import time
from datetime import timedelta
from typing import Iterator

from sijbot import clock
from sijbot.records import coach as records
from sijbot.records.schema import DIARY_ENTRY, make_engine, migrate
from sijbot.settings import Settings

SESSION = ("start a session", *("no",) * 6, "none", "3", "15 minutes", "the floor", "a towel and a band", "done", "next", "why this one?", "say it again", "it hurts", "3", "2", "next", "done", "next", "next", "next", "done", "2", "no", "no")
SESSIONS = 12
PEOPLE, DAYS = 1000, 100
FILES = ("chart.svg", "chart.png", "summary.pdf")


def session_times_ms(settings: Settings) -> list[float]:
    """Return how long each turn of some sessions takes, without HTTP, stored as always."""
    from sijbot.adapters.assistant import Conversation
    from sijbot.adapters.dialogue import LocalAssistant

    async def talk(local: LocalAssistant) -> list[float]:
        times = []
        for _ in range(SESSIONS + 1):
            conversation = Conversation.new()
            for text in SESSION:
                began = time.perf_counter()
                await local.say(conversation, text)
                times.append((time.perf_counter() - began) * 1000)
        return times[len(SESSION) :]  # the first one warms up

    with tempfile.TemporaryDirectory(prefix="sijbot-bench-") as folder:
        local = LocalAssistant.load(dataclasses.replace(settings, database_url=f"sqlite:///{folder}/bench.db"))
        times = asyncio.run(talk(local))
        local.runtime.engine.dispose()
    return times


def file_times_ms(settings: Settings) -> Iterator[tuple[str, float]]:
    """Yield (file, how long it takes for one person), the second time that it is made."""
    from sijbot.documents.render import render
    from sijbot.runtime import build, use

    with tempfile.TemporaryDirectory(prefix="sijbot-bench-") as folder:
        url = f"sqlite:///{folder}/bench.db"
        engine, now = make_engine(url), clock.now()
        migrate(engine)
        rows = [
            {"conversation_id": f"person {person}", "day": now.date() - timedelta(day), "at": now, "pain": (person + day) % 11, "worse": None, "source": "told"} for day in range(DAYS) for person in range(PEOPLE)
        ]
        with engine.begin() as connection:
            connection.execute(DIARY_ENTRY.insert(), rows)
            assert len(records.diary(connection, "person 7")) == DAYS
        engine.dispose()
        parts = build(dataclasses.replace(settings, database_url=url))
        use(parts)
        for name in FILES:
            render(parts, name, "person 7")
            began = time.perf_counter()
            render(parts, name, "person 7")
            yield name, (time.perf_counter() - began) * 1000
        parts.engine.dispose()
        use(None)
