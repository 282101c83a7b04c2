"""Work on the database beside the event loop, on a few threads."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Callable, TypeVar

THREADS = 8
Found = TypeVar("Found")


class Database:
    """Runs functions of `records/` for the event loop. engine: returns the one to use, which may change."""

    def __init__(self, engine: Callable[[], Any], threads: int = THREADS, name: str = "database") -> None:
        self.engine = engine
        self._threads = ThreadPoolExecutor(threads, name)

    async def run(self, work: Callable[..., Found], *arguments: Any) -> Found:
        """Return `work(engine, *arguments)`, or raise what it raises. Where nobody waits any more, work that has begun goes on, and other work is dropped."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, copy_context().run, lambda: work(self.engine(), *arguments))
