"""Every fault: what is done to a tier, for how long, and what people do meanwhile."""

from __future__ import annotations

import asyncio
import random
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, AsyncIterator, Awaitable, Callable, Mapping, Sequence

from evaluation.faults.control import HANG, KILL, NONSENSE, NONSENSES, RAISE, STOP, Break
from evaluation.faults.points import OF_A_TURN, OF_THE_RELAY
from evaluation.faults.record import Talk
from evaluation.faults.stored import ADDED, Row
from evaluation.faults.target import FAILS, SLOW
from evaluation.faults.tiers import POSTGRESQL, REPLICAS, SQLITE, TIERS, Tier

OURS_ONLY, ON_POSTGRESQL, ONE_PROCESS = (SQLITE, POSTGRESQL, REPLICAS), (POSTGRESQL, REPLICAS), tuple(tier for tier in TIERS if tier != REPLICAS)
DAY_S = 24 * 3600.0
MET_EVERY_S, MET_S = 0.01, 20.0
SHORT_S, LONG_S = (0.2, 1.2), (3.1, 3.6)  # the second one is longer than anybody may wait for a sentence
A_TURN_S = 0.08  # takes about so long
NTH_AT_MOST = 2
ORDERS_AT_MOST, CUTS = 2, 3
GONE = "gone"


@dataclass
class Scene:
    """What a fault is given. is_over: whether everybody has said everything; began: to be set when the fault is there; people: the conversations, by the id under which they are stored."""

    tier: Tier
    rng: random.Random
    is_over: Callable[[], bool]
    began: asyncio.Event
    people: Mapping[str, Talk]

    async def met(self, also_when_over: bool = False) -> None:
        """Wait until a process has reached what is armed, or everybody has said everything."""
        until = time.monotonic() + MET_S
        while self.tier.control.met_at is None and (also_when_over or not self.is_over()) and time.monotonic() < until:
            await asyncio.sleep(MET_EVERY_S)

    async def order(self) -> None:
        """Order deliveries for everybody, as a hand-off does to which somebody agreed."""
        for owner, talk in self.people.items():
            for _ in range(self.rng.randint(1, ORDERS_AT_MOST)):
                await asyncio.to_thread(self.tier.database.add, "outbox", order_of(owner, talk.canary, datetime.now(timezone.utc), self.rng))

    async def stays(self) -> None:
        """Let the fault stay for a while: a moment, or longer than anybody waits."""
        self.began.set()
        await asyncio.sleep(self.rng.uniform(*self.rng.choice([SHORT_S, LONG_S])))


Act = Callable[[Scene], Awaitable[None]]  # makes the fault, waits, and takes it back


def order_of(owner: str, contact: str, at: datetime, rng: random.Random) -> Row:
    """Return a row of the outbox as the product writes it."""
    id = f"{ADDED}{rng.getrandbits(96):024x}"
    payload = {"id": id, "kind": "hand_off", "conversation": owner, "level": "urgent", "findings": [], "flags": [], "region": "uk", "at": at.isoformat(), "contact": contact}
    return {"id": id, "conversation_id": owner, "kind": "hand_off", "sink": "webhook", "payload": payload, "state": "queued", "attempts": 0, "created_at": at, "due_at": at}


@dataclass(frozen=True)
class Fault:
    """A fault. tiers: where it can be made; points: that the product must have for it.

    holds: whoever has something new to say waits until the fault is there. is_armed: it happened where a process reached what was armed; else it happens whatever the product does,
    and was met where a message was at work meanwhile.
    people: how messages are sent. loose: it changes what is right to answer.
    """

    name: str
    says: str
    act: Act
    tiers: Sequence[str] = TIERS
    points: Sequence[str] = ()
    holds: bool = True
    is_armed: bool = False
    people: Mapping[str, Any] = field(default_factory=dict)
    loose: bool = False


async def nothing(scene: Scene) -> None:
    """The fault is what people do."""
    scene.began.set()


def _kill_at(point: str) -> Act:
    async def act(scene: Scene) -> None:
        scene.tier.control.arm(Break(point, KILL, scene.rng.randint(1, NTH_AT_MOST)))
        scene.began.set()
        await scene.met()
        await scene.tier.settle()

    return act


async def _kill_again(scene: Scene) -> None:
    """It is killed at one point, and at another one when it has come back."""
    scene.began.set()
    for _ in range(2):
        scene.tier.control.arm(Break(scene.rng.choice(_points(scene)), KILL, scene.rng.randint(1, NTH_AT_MOST)))
        await scene.met()
        await scene.tier.settle()


def _points(scene: Scene) -> Sequence[str]:
    return [point for point in OF_A_TURN if not scene.tier.missing(point)]


async def _kill_any_time(scene: Scene) -> None:
    scene.began.set()
    await asyncio.sleep(scene.rng.uniform(0, A_TURN_S))
    _any(scene).kill()
    await scene.tier.settle()


async def _stop_in_turn(scene: Scene) -> None:
    await _stop_at(scene, scene.rng.choice(_points(scene)))


async def _stop_in_commit(scene: Scene) -> None:
    """It stands still while it keeps whatever locks a commit needs."""
    await _stop_at(scene, "in_commit")


async def _stop_at(scene: Scene, point: str) -> None:
    """Whichever process reaches the point stands still."""
    scene.tier.control.arm(Break(point, STOP, scene.rng.randint(1, NTH_AT_MOST)))
    scene.began.set()
    await scene.met()
    since = time.monotonic()
    await asyncio.sleep(scene.rng.uniform(*scene.rng.choice([SHORT_S, LONG_S])))
    for program in scene.tier.programs:
        program.was_stopped(since - 2 * MET_EVERY_S, time.monotonic())
    await scene.tier.settle()


async def _restart(scene: Scene) -> None:
    """One after another, as a rolling restart goes."""
    scene.began.set()
    await asyncio.sleep(scene.rng.uniform(0, A_TURN_S))
    for program in scene.rng.sample(scene.tier.programs, len(scene.tier.programs)):
        await program.restart()


def _any(scene: Scene) -> Any:
    return scene.rng.choice(scene.tier.programs)


# The database.


async def _db_stopped(scene: Scene) -> None:
    await asyncio.to_thread(scene.tier.cluster.stop, scene.rng.choice(["immediate", "fast"]))
    await scene.stays()
    await asyncio.to_thread(scene.tier.cluster.start)


async def _db_restarted(scene: Scene) -> None:
    scene.began.set()
    await asyncio.to_thread(scene.tier.cluster.stop, scene.rng.choice(["immediate", "fast"]))
    await asyncio.to_thread(scene.tier.cluster.start)


async def _db_paused(scene: Scene) -> None:
    with scene.tier.cluster.paused():
        await scene.stays()


async def _db_slow(scene: Scene) -> None:
    """It stands still again and again, so that every call takes long and none takes for ever."""
    scene.began.set()
    until = time.monotonic() + scene.rng.uniform(*LONG_S)
    while time.monotonic() < until:
        with scene.tier.cluster.paused():
            await asyncio.sleep(scene.rng.uniform(0.05, 0.3))
        await asyncio.sleep(scene.rng.uniform(0.01, 0.1))


async def _db_cut(scene: Scene) -> None:
    scene.began.set()
    for _ in range(CUTS):
        await asyncio.sleep(scene.rng.uniform(0, A_TURN_S))
        await asyncio.to_thread(scene.tier.cluster.cut)


async def _db_locked(scene: Scene) -> None:
    async with _in_thread(scene.tier.database.locked()):
        await scene.stays()


async def _db_full(scene: Scene) -> None:
    async with _in_thread(scene.tier.database.full([program.pid for program in scene.tier.programs])):
        await scene.stays()


async def _db_down_at_start(scene: Scene) -> None:
    """A process is started while the database does not answer, which comes up later."""
    async with _database_down(scene):
        _any(scene).kill()
        await scene.stays()
    await scene.tier.settle()


@asynccontextmanager
async def _database_down(scene: Scene) -> AsyncIterator[None]:
    cluster = scene.tier.cluster
    if cluster is None:
        async with _in_thread(scene.tier.database.locked()):
            yield
        return
    await asyncio.to_thread(cluster.stop, "immediate")
    try:
        yield
    finally:
        await asyncio.to_thread(cluster.start)


class _in_thread:
    """Enters and leaves a context that takes its time on a thread of its own: SQLite wants both on the same one."""

    def __init__(self, context: Any) -> None:
        self._context, self._thread = context, ThreadPoolExecutor(1)

    async def __aenter__(self) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._context.__enter__)

    async def __aexit__(self, *error: Any) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._context.__exit__, *error)
        self._thread.shutdown(wait=False)


# Actions and the model.


def _armed_for_a_while(kind: str, *points: str) -> Act:
    async def act(scene: Scene) -> None:
        scene.tier.control.arm(Break(scene.rng.choice(points), kind, 1, scene.rng.randrange(len(NONSENSES))))
        scene.began.set()
        await scene.met()
        await asyncio.sleep(scene.rng.uniform(*SHORT_S))

    return act


async def _all_down(scene: Scene) -> None:
    scene.tier.control.arm(Break("model", RAISE), Break("action_begins", RAISE))
    async with _database_down(scene):
        await scene.stays()


def _model_bad(spoil: Callable[[Any, random.Random], None]) -> Act:
    async def act(scene: Scene) -> None:
        number = scene.rng.randrange(len(scene.tier.programs))
        program, model = scene.tier.programs[number], scene.tier.model(number)
        kept = model.with_suffix(".kept")
        shutil.copy2(model, kept)
        stamp = model.with_suffix(".fingerprint")
        known = stamp.read_bytes()
        try:
            spoil(model, scene.rng)
            program.kill()
            scene.began.set()
            await asyncio.sleep(scene.rng.uniform(*LONG_S))
        finally:
            kept.replace(model)
            stamp.write_bytes(known)
        program.kill()  # one that lives with a bad model, or trains a new one, begins anew
        await scene.tier.settle()

    return act


def _remove(model: Any, rng: random.Random) -> None:
    model.unlink()


def _corrupt(model: Any, rng: random.Random) -> None:
    """Half of it, or all of it with one stretch of other bytes."""
    data = bytearray(model.read_bytes())
    if rng.random() < 0.5:
        del data[len(data) // 2 :]
    else:
        place = rng.randrange(len(data) // 2)
        data[place : place + 4096] = rng.randbytes(4096)
    model.write_bytes(data)


# The clock.


def _clock(by_s: float) -> Act:
    async def act(scene: Scene) -> None:
        scene.tier.control.move_clock(by_s)
        scene.began.set()
        while not scene.is_over():
            await asyncio.sleep(MET_EVERY_S)

    return act


# The relay.


def _target(how: str) -> Act:
    async def act(scene: Scene) -> None:
        target = scene.tier.target
        async with target.gone() if how == GONE else target.doing(how):
            await scene.order()
            scene.began.set()
            await asyncio.sleep(scene.rng.uniform(*LONG_S))

    return act


def _kill_relay_at(point: str) -> Act:
    async def act(scene: Scene) -> None:
        scene.tier.control.arm(Break(point, KILL, scene.rng.randint(1, NTH_AT_MOST)))
        await scene.order()
        scene.began.set()
        await scene.met(also_when_over=True)
        await scene.tier.settle()

    return act


def _all() -> list[Fault]:
    relay = tuple(OF_THE_RELAY)
    return [
        Fault("none", "nothing is broken", nothing, holds=False),
        *(Fault(f"kill_{point}", f"the process is killed at this point: {point.replace('_', ' ')}", _kill_at(point), points=(point,), is_armed=True, holds=False) for point in OF_A_TURN),
        Fault("kill_any_time", "the process is killed at any moment", _kill_any_time, holds=False),
        Fault("stop_in_turn", "the process stands still in the middle of a turn", _stop_in_turn, is_armed=True, holds=False),
        Fault("kill_again", "the process is killed at a point of a turn, and again when it has come back", _kill_again, ONE_PROCESS, is_armed=True, holds=False),
        Fault("stop_in_commit", "the process stands still while it commits", _stop_in_commit, points=("in_commit",), is_armed=True, holds=False),
        Fault("commit_unknown", "a turn is committed, and the process does not learn of it", _armed_for_a_while(RAISE, "after_commit"), points=("after_commit",), is_armed=True),
        Fault("restart", "every process is asked to end, one after another, and is started again", _restart, holds=False),
        Fault("db_stopped", "the database is stopped, and started later", _db_stopped, ON_POSTGRESQL),
        Fault("db_restarted", "the database is started anew", _db_restarted, ON_POSTGRESQL, holds=False),
        Fault("db_paused", "the database stands still", _db_paused, ON_POSTGRESQL),
        Fault("db_slow", "the database stands still for moments, again and again", _db_slow, ON_POSTGRESQL),
        Fault("db_cut", "all connections to the database are cut, some times", _db_cut, ON_POSTGRESQL, holds=False),
        Fault("db_disk_full", "the disk of the database is full", _db_full),
        Fault("db_locked", "somebody else has locked all of the database", _db_locked),
        # With two processes this would be two faults at once: while one starts, the other has no database either, and the proxy may say its own sentence in place of its card.
        Fault("db_down_at_start", "a process is started while the database is down", _db_down_at_start, ONE_PROCESS),
        Fault("action_raises", "every custom action raises", _armed_for_a_while(RAISE, "action_begins", "action_ends"), is_armed=True),
        Fault("action_hangs", "every custom action hangs", _armed_for_a_while(HANG, "action_begins", "action_ends"), is_armed=True),
        Fault("action_nonsense", "every custom action returns nonsense", _armed_for_a_while(NONSENSE, "action_ends"), is_armed=True),
        Fault("model_raises", "the model raises at every message", _armed_for_a_while(RAISE, "model"), points=("model",), is_armed=True),
        Fault("all_down", "database, model and actions are down at once", _all_down),
        Fault("model_missing", "a process is started without its model", _model_bad(_remove)),
        Fault("model_corrupt", "a process is started with a damaged model", _model_bad(_corrupt)),
        Fault("clock_forward", "the clock goes forward by a day", _clock(DAY_S), loose=True),
        Fault("clock_back", "the clock goes back by a day", _clock(-DAY_S), loose=True),
        Fault("duplicate_posts", "every message comes three times, at once", nothing, holds=False, people={"copies": 3}),
        Fault("same_id_both", "every message comes to both processes at once", nothing, (REPLICAS,), holds=False, people={"copies": 2, "spread": True}),
        Fault("concurrent_posts", "two to sixteen messages of one conversation come at once", nothing, holds=False, people={"at_once": True}),
        Fault("client_gone", "whoever asks is gone before the answer, and asks again", nothing, holds=False, people={"goes_away": True}),
        Fault("relay_500", "the target of hand-offs answers 500", _target(FAILS), OURS_ONLY, relay),
        Fault("relay_slow", "the target of hand-offs is slow", _target(SLOW), OURS_ONLY, relay),
        Fault("relay_gone", "the target of hand-offs refuses connections", _target(GONE), OURS_ONLY, relay),
        *(Fault(f"kill_{point}", f"the process is killed {point.replace('_', ' the ')} of a hand-off", _kill_relay_at(point), OURS_ONLY, (point,), is_armed=True, holds=False) for point in relay),
    ]  # fmt: skip


FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in _all()}
