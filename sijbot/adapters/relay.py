"""Delivers what stands in the outbox: at least once, with an id by which a receiver drops a second copy. Several relays at once are safe.

A row is claimed in one transaction, sent with none open, and settled in another. A relay that dies in between leaves the row to whoever comes when its lease has run out.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from datetime import timedelta
from random import Random
from typing import Any, Callable, Mapping, Optional

from sijbot import clock
from sijbot.adapters.database import Database
from sijbot.adapters.sinks import CLOSE_S, DELIVERY_S, Undelivered, sinks_of
from sijbot.content.model import Content
from sijbot.records import outbox, schema
from sijbot.records.outbox import Claimed
from sijbot.settings import INSIDE, Settings

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)  # three times what a delivery may take
AT_ONCE = 16  # of one sink
POLL_S = 1.0
SWEEP_S = 3600.0
STOP_S = 5.0  # for what is under way when the process is to end; a server has ten seconds for everything


class Relay:
    """Delivers what is due to the sinks that are set up; a slow one holds up no other. What is for a sink that is not set up waits."""

    def __init__(self, engine: Any, sinks: Mapping[str, Any], random: Optional[Random] = None, lease: timedelta = LEASE, poll_s: float = POLL_S, stop_s: float = STOP_S) -> None:
        # One after another: turns of the same process need the connections more.
        self._database = Database(lambda: engine, threads=1, name="outbox")
        self._sinks, self._random = sinks, random or Random()
        self._lease, self._poll_s, self._stop_s = lease, poll_s, stop_s

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until told to stop; what is under way then is finished, or given back where that takes too long."""
        serving = [asyncio.create_task(self._serve(name, stop)) for name in self._sinks] + [asyncio.create_task(self._sweep(stop))]
        await stop.wait()
        _, late = await asyncio.wait(serving, timeout=self._stop_s)
        for task in late:
            task.cancel()
        await asyncio.wait(serving, timeout=CLOSE_S)
        await asyncio.gather(*(sink.close() for sink in self._sinks.values()), return_exceptions=True)

    async def deliver(self, row: Claimed) -> None:
        """Send one row; the one place where something leaves. Raises: whatever its sink raises where it did not arrive."""
        await asyncio.wait_for(self._sinks[row.sink].send(row), DELIVERY_S)

    async def _serve(self, sink: str, stop: asyncio.Event) -> None:
        while not stop.is_set():
            rows: list[Claimed] = []
            try:
                rows = await self._in_transaction(outbox.claim, sink, clock.now(), AT_ONCE, self._lease)
                await asyncio.gather(*(self._handle(row) for row in rows))
            except Exception as error:  # a fault of one round must not end the relay, which would look alive and deliver nothing
                logger.error("the outbox could not be worked through for %s: %s", sink, type(error).__name__)
            if len(rows) < AT_ONCE:
                await _wait(stop, self._poll_s)

    async def _handle(self, row: Claimed) -> None:
        try:
            await self.deliver(row)
        except asyncio.CancelledError:
            await self._settle(row, outbox.give_back)
            raise
        except Undelivered as error:
            await self._not_delivered(row, error.fault, error.is_final)
        except Exception as error:  # whatever goes wrong with one row, it is tried again, and the others go on
            await self._not_delivered(row, type(error).__name__, False)
        else:
            logger.info("%s %s was delivered by %s", row.kind, row.id, row.sink)
            await self._settle(row, outbox.settle_delivered, clock.now())

    async def _not_delivered(self, row: Claimed, fault: str, is_final: bool) -> None:
        logger.warning("%s %s was not delivered by %s at attempt %d: %s", row.kind, row.id, row.sink, row.attempts, fault)
        if is_final:
            await self._settle(row, outbox.settle_failed, clock.now(), fault)
        else:
            await self._settle(row, outbox.settle_again, clock.now(), fault, self._random)

    async def _settle(self, row: Claimed, settle: Callable[..., None], *arguments: Any) -> None:
        """Write down what became of a row: tried while the lease holds, since a row that is not settled is sent once more."""
        while True:
            try:
                return await self._in_transaction(settle, row, *arguments)
            except schema.FAULTS as error:
                logger.error("what became of %s %s cannot be written: %s", row.kind, row.id, type(error).__name__)
            if clock.now() >= row.claimed_until:
                return None
            await asyncio.sleep(self._poll_s)

    async def _sweep(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self._in_transaction(outbox.sweep, clock.now())
            except schema.FAULTS as error:
                logger.error("the outbox cannot be swept: %s", type(error).__name__)
            await _wait(stop, SWEEP_S)

    async def _in_transaction(self, work: Callable[..., Any], *arguments: Any) -> Any:
        return await self._database.run(_transact, work, *arguments)


def _transact(engine: Any, work: Callable[..., Any], *arguments: Any) -> Any:
    with engine.begin() as connection:
        return work(connection, *arguments)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    """Return after so many seconds, or when it is time to stop."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except asyncio.TimeoutError:
        pass


class RelayThread:
    """A relay beside the turns of a server, on a thread and an event loop of its own: no turn waits for a receiver, and no deadline for a turn."""

    def __init__(self, make_relay: Callable[[], Relay]) -> None:
        """make_relay: called on the thread, so that what it makes belongs to that event loop."""
        self._make_relay = make_relay
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="relay", daemon=True)
        self._begun = threading.Event()
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._stop: Optional[asyncio.Event] = None

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()
        self._begun.wait(STOP_S)

    def stop(self) -> None:
        """Return when what was under way is finished or given back; it takes STOP_S and CLOSE_S at most. On one that was not started, or twice, it does nothing."""
        if self.is_running and self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(STOP_S + 3 * CLOSE_S)

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._begun.set()
        await self._make_relay().run(self._stop)


def relay_of_server(settings: Settings, engine: Any, content: Callable[[], Content]) -> Optional[RelayThread]:
    """Return the relay that runs beside a server, not started yet; None where there is nothing to deliver to, or `sijbot relay` does it apart."""
    if settings.relay != INSIDE or not settings.sinks:
        return None
    return RelayThread(lambda: Relay(engine, sinks_of(settings, content)))
