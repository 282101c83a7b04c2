"""The cost of a turn in a long conversation (`sijbot bench --long`): turn 1,000 beside turn 10, on both databases.

Both are measured in turns that take each other's place, so that what else the machine does meets them alike: a late turn of a long conversation, the early turn of a fresh one with the same question, and the
same on the other database.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Iterator, Sequence

from sijbot import bench
from sijbot.bench_load import SECRET, free_port
from sijbot.bench_load_plan import CLOSINGS, OPENINGS
from sijbot.content import load
from sijbot.settings import Settings
from sijbot.temporary_postgres import temporary_postgres

EARLY_TURN, LATE_TURN, TURNS_AROUND = 10, 1000, 5
LONG_CONVERSATIONS = 3
ROUNDS = 4  # fresh conversations beside each long one; the late turns of all of them lie around LATE_TURN
Times = dict[str, list[float]]


def measure_long(settings: Settings, late_turn: int = LATE_TURN) -> Iterator[str]:
    """Yield what is done, and one line per database. Raises: bench.NotReady, sijbot.temporary_postgres.NoPostgres."""
    content = load(settings.content)
    titles = [content.title_of(content_id) for content_id in sorted(content.subject_of)]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sijbot-long-")))
        server = stack.enter_context(temporary_postgres(is_durable=True))
        addresses = {"SQLite": f"sqlite:///{folder}/sijbot.db", "PostgreSQL": server.new_database("sijbot")}
        bases = {name: stack.enter_context(bench.serving(settings, free_port(), SIJBOT_DATABASE_URL=url, SIJBOT_SECRET=SECRET, **bench.NO_LIMITS))[0] for name, url in addresses.items()}
        texts = (said(titles, number) for number in count())
        begin = late_turn - TURNS_AROUND * ROUNDS
        long_ones = [(name, base, _begun(base)) for _ in range(LONG_CONVERSATIONS) for name, base in bases.items()]
        for turn in range(1, begin):
            for _, base, token in long_ones:
                _turn_ms(base, token, next(texts))
            if turn % 100 == 0:
                yield f"turn {turn} of {len(long_ones)} conversations"
        early: Times = {name: [] for name in bases}
        late: Times = {name: [] for name in bases}
        for _ in range(ROUNDS):
            fresh_ones = [_begun(base) for _, base, _ in long_ones]
            for turn in range(1, EARLY_TURN + TURNS_AROUND + 1):
                for number, ((name, base, token), fresh) in enumerate(zip(long_ones, fresh_ones)):
                    is_measured = turn >= EARLY_TURN - TURNS_AROUND
                    for which, times in (((fresh, early), (token, late)) if (number + turn) % 2 else ((token, late), (fresh, early))) if is_measured else ((fresh, early),):
                        took_ms = _turn_ms(base, which, next(texts))
                        if is_measured:
                            times[name].append(took_ms)
    for name in bases:
        yield line(name, late_turn, early[name], late[name])


def said(titles: Sequence[str], number: int) -> str:
    """Return the text of a turn: a question in words that come again after some thousands of turns only, so that no reading of it is remembered."""
    opening, closing = OPENINGS[number // len(titles) % len(OPENINGS)], CLOSINGS[number // (len(titles) * len(OPENINGS)) % len(CLOSINGS)]
    return f"{opening}{titles[number % len(titles)]}{closing}"


def line(name: str, late_turn: int, early_ms: Sequence[float], late_ms: Sequence[float]) -> str:
    """Return the figures of one database: medians, and how many times as long a late turn takes."""
    first, last = statistics.median(early_ms), statistics.median(late_ms)
    return f"{name}: turn {EARLY_TURN} p50 {first:.1f} ms, turn {late_turn:,} p50 {last:.1f} ms ({last / first:.2f} times as long; medians of {len(early_ms)} and {len(late_ms)} turns)"


def _begun(base: str) -> str:
    return bench.post(f"{base}/webhooks/web/conversations", {})["token"]


def _turn_ms(base: str, token: str, text: str) -> float:
    began = time.perf_counter()
    bench.post(f"{base}/webhooks/web/webhook", {"message": text}, token)
    return (time.perf_counter() - began) * 1000
