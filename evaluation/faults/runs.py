"""One run: some conversations at once, one fault in the middle of them, and then a look at what is left."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import replace
from typing import Mapping, Optional, Sequence

import aiohttp

from evaluation.faults.checker import violations
from evaluation.faults.client import WAIT_S, Pace, Speaker, replay
from evaluation.faults.databases import CannotBreak
from evaluation.faults.faults import Fault, Scene, nothing
from evaluation.faults.record import Delivery, Run, Talk, Twin
from evaluation.faults.report import Result
from evaluation.faults.scripts import Script, alarm, at_once, mixture
from evaluation.faults.stored import Rows, by_owner, effects, stored
from evaluation.faults.tiers import Tier

PEOPLE = 2  # and the one who is in danger
REPEATED_AT_MOST = 6
SHOWN_S = 5
DELIVERED_S, LOOKS_S, LOOK_EVERY_S = 30, 3, 0.05
LEASE_S = 40.0  # longer than anything that is to be delivered waits
HURRY_S = 0.3  # at most, between the fault and the one who is in danger then


async def take(tier: Tier, fault: Fault, seed: int) -> tuple[Result, Optional[Run]]:
    """Take one run and return what came of it, and what was seen, where the fault could be made. The same seed says and breaks the same; what comes first of two things at once may differ.

    Raises: NotReady, where the tier does not come back: it has to be started anew.
    """
    missing = next((tier.missing(point) for point in fault.points if tier.missing(point)), None)
    if missing:
        return Result(tier.name, fault.name, seed, why_not=missing), None
    began = time.monotonic()
    try:
        run = await _Taking(tier, fault, seed).take()
    except CannotBreak as reason:
        return Result(tier.name, fault.name, seed, why_not=str(reason)), None
    return Result(tier.name, fault.name, seed, tuple(violations(run)), run.is_met, took_s=time.monotonic() - began), run


class _Taking:
    """A run that is being taken."""

    def __init__(self, tier: Tier, fault: Fault, seed: int) -> None:
        self._tier, self._fault, self._seed = tier, fault, seed
        self._rng = random.Random(f"{fault.name}/{seed}")
        self._began_at = time.monotonic()
        self._sent, self._is_over, self._is_reached, self._lasted = 0, False, False, (0.0, 0.0)
        self._begins, self._there = asyncio.Event(), asyncio.Event()
        self._pace = Pace(self._send, tier.waits.between, self._began_at)
        self._people = dict(fault.people)
        scripts = self._scripts()
        self._speakers = [self._speaker(script) for script in scripts]
        self._moment = self._rng.randint(1, max(1, sum(len(script.steps) for script in scripts[:-1]) // 2))
        self._places = {name: len(log) for name, log in tier.logs().items()}
        self._file_places = {name: path.stat().st_size for name, path in tier.files().items() if path.exists()}
        self._requests = len(tier.target.requests) if tier.target else 0
        self._down = {program.name: (len(program.ended_by_itself), len(program.ended_late)) for program in tier.programs}

    def _scripts(self) -> list[Script]:
        together = self._people.pop("at_once", False)
        made = [(at_once if together else mixture)(self._rng, f"conversation {number}") for number in range(1, PEOPLE + 1)]
        return [*made, alarm(self._rng, "conversation of the alarm")]

    def _speaker(self, script: Script) -> Speaker:
        return Speaker(self._tier.door, self._tier.http(WAIT_S), script, self._pace, random.Random(f"{self._seed}/{script.name}"), self._tier.reads.has_ids, **self._people)

    async def _send(self) -> None:
        """Wait until a new message may be sent. The fault begins when so many were sent; whoever comes later waits until it is there, where it holds."""
        self._sent += 1
        if self._sent >= self._moment:
            self._begins.set()
        if self._begins.is_set() and self._fault.holds:
            await self._there.wait()

    async def take(self) -> Run:
        """Take it, and return what was seen."""
        tier = self._tier
        tier.control.disarm()
        for speaker in self._speakers:
            await speaker.open()
        try:
            breaking = asyncio.ensure_future(self._break())
            talking = asyncio.ensure_future(self._talk())
            await asyncio.wait({breaking, talking}, return_when=asyncio.FIRST_COMPLETED)
            if breaking.done() and breaking.exception():
                talking.cancel()
                raise breaking.exception()
            await talking
            await breaking
            return await self._look()
        finally:
            tier.control.disarm()
            tier.control.move_clock(0)
            for speaker in self._speakers:
                await speaker.close()

    async def _talk(self) -> None:
        *others, last = self._speakers

        async def in_danger() -> None:
            await self._there.wait()
            await asyncio.sleep(self._rng.uniform(0, HURRY_S))
            await last.hold()

        await asyncio.gather(*(speaker.hold() for speaker in others), in_danger())
        self._is_over = True

    async def _break(self) -> None:
        await self._begins.wait()
        began_at = time.monotonic()
        scene = Scene(self._tier, random.Random(f"{self._fault.name}/{self._seed}/fault"), lambda: self._is_over, self._there, {speaker.owner: speaker.talk for speaker in self._speakers})
        await self._fault.act(scene)
        self._is_reached = self._tier.control.met_at is not None
        self._tier.control.disarm()
        self._there.set()
        self._pace.fault_ended_at = time.monotonic()
        self._lasted = (began_at - self._began_at, self._pace.fault_ended_at - self._began_at)

    def _is_met(self) -> bool:
        """Return whether a process reached what was armed; of another fault, whether any message was at work while it lasted. What people do is met always."""
        if self._fault.act is nothing:
            return True
        since, until = self._lasted
        attempts = [attempt for speaker in self._speakers for message in speaker.talk.messages for attempt in message.attempts]
        return self._is_reached if self._fault.is_armed else any(attempt.began_s <= until and since <= attempt.ended_s for attempt in attempts)

    async def _look(self) -> Run:
        """Look at what is left: the same messages once more, the histories, the database, and what was printed."""
        tier, talks = self._tier, [speaker.talk for speaker in self._speakers]
        await tier.settle()
        tier.waits.look()
        if tier.reads.has_ids:
            for speaker in self._speakers:
                await speaker.repeat(REPEATED_AT_MOST)
        for speaker in self._speakers:
            await speaker.read()
        owners = {speaker.owner: speaker.talk for speaker in self._speakers}
        await self._delivered(list(owners))
        rows = await asyncio.to_thread(self._rows, list(owners))
        for owner, talk in owners.items():
            found = stored(rows[owner])
            talk.stored = found if tier.reads.has_ids else replace(found, inbox=None)  # its table is there, and nobody uses it
        twins = await self._twins(talks)
        logs = await self._logs()
        run = Run(
            tier.name, self._fault.name, self._seed, talks, self._is_met(), self._dark(), tier.has_spare, self._fault.loose, tier.reads, logs, self._deliveries(owners, rows),
            [late for program in tier.programs for late in program.ended_late[self._down[program.name][1] :]],
            [itself for program in tier.programs for itself in program.ended_by_itself[self._down[program.name][0] :]],
        )  # fmt: skip
        await asyncio.to_thread(tier.database.forget, [*owners, *twins])
        return run

    def _rows(self, owners: Sequence[str]) -> Mapping[str, Rows]:
        """Return all rows by conversation."""
        rows = self._tier.database.rows(owners)
        empty = {table: [] for table in rows}
        return {**{owner: empty for owner in owners}, **dict(by_owner(rows))}

    async def _twins(self, talks: Sequence[Talk]) -> list[str]:
        """Hold every conversation once more, in the order that its history gives, and return under which ids."""
        made = []
        for talk in talks:
            order = {exchange.message_id: place for place, exchange in enumerate(talk.history or ())}
            messages = sorted((message for message in talk.messages if message.acknowledged), key=lambda message: order.get(message.id, len(order)))
            try:
                async with self._tier.http(4 * WAIT_S) as http:
                    owner, replies = await replay(self._tier.door, http, messages, self._tier.reads.has_ids)
            except (aiohttp.ClientError, asyncio.TimeoutError):
                continue  # what is wrong then is found in the conversation itself
            made.append((owner, talk, replies))
        rows = await asyncio.to_thread(self._rows, [owner for owner, _, _ in made])
        for owner, talk, replies in made:
            talk.twin = Twin(replies, effects(rows[owner]))
        return [owner for owner, _, _ in made]

    async def _logs(self) -> dict[str, str]:
        logs = {name: log.since(self._places[name]) for name, log in self._tier.logs().items()}
        for name, path in self._tier.files().items():
            if path.exists():
                with path.open("rb") as file:
                    file.seek(self._file_places.get(name, 0))
                    logs[name] = file.read().decode("utf-8", "replace")
        return {**logs, **await self._shown()}

    async def _shown(self) -> dict[str, str]:
        """Return what the processes show of themselves: readiness, metrics."""
        shown = {}
        async with self._tier.http(SHOWN_S) as http:
            for program in self._tier.programs:
                for name, url in program.shows.items():
                    try:
                        async with http.get(url) as response:
                            shown[f"the {name} of {program.name}"] = await response.text()
                    except (aiohttp.ClientError, asyncio.TimeoutError):  # whoever shows nothing leaks nothing
                        continue
        return shown

    def _dark(self) -> list[tuple[float, float]]:
        return [(since - self._began_at, until - self._began_at) for since, until in self._tier.dark() if until >= self._began_at]

    async def _delivered(self, owners: Sequence[str]) -> None:
        """Wait until everything that is to be delivered was taken. What waits for its time, as after a failure or for one that died, gets it: the clock goes on."""
        target, moved_s = self._tier.target, 0.0
        if target is None:
            return
        for _ in range(DELIVERED_S // LOOKS_S):
            until = time.monotonic() + LOOKS_S
            while time.monotonic() < until:
                rows = await asyncio.to_thread(self._tier.database.rows, owners)
                wanted = {str(row["id"]) for row in rows.get("outbox", ())}
                if wanted <= {request.id for request in target.requests[self._requests :] if request.is_taken}:
                    return
                await asyncio.sleep(LOOK_EVERY_S)
            moved_s += LEASE_S
            self._tier.control.move_clock(moved_s)

    def _deliveries(self, owners: Mapping[str, Talk], rows: Mapping[str, Rows]) -> Optional[list[Delivery]]:
        target = self._tier.target
        if target is None:
            return None
        ordered = {str(row["id"]): owners[owner].name for owner in owners for row in rows[owner].get("outbox", ())}
        return [Delivery(request.id, ordered.get(request.id, ""), request.is_taken, request.text) for request in target.requests[self._requests :]]
