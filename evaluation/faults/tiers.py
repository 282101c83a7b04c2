"""What is put under faults: the product on SQLite, on PostgreSQL, as two replicas behind a proxy; and Rasa as it comes, with the same content."""

from __future__ import annotations

import asyncio
import shutil
import signal
import ssl
import tempfile
from abc import ABC, abstractmethod
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Callable, Mapping, Optional

import aiohttp
import yaml

from evaluation.faults.certificate import Certificate, make
from evaluation.faults.client import Door, RestDoor, WebDoor, emergency_pieces
from evaluation.faults.control import Control
from evaluation.faults.databases import Cluster, Database, SqliteFile, children_of
from evaluation.faults.points import OURS, STOCK
from evaluation.faults.processes import Log, Nursery, Program, Waits, free_port, run_to_its_end
from evaluation.faults.proxy import Proxy
from evaluation.faults.record import Reads
from evaluation.faults.target import Target

SQLITE, POSTGRESQL, REPLICAS, RASA = TIERS = ("sqlite", "postgresql", "replicas", "stock")
SECRET = "a secret of these runs alone, long enough for anybody"
USUAL = {
    "SIJBOT_SECRET": SECRET, "SIJBOT_MESSAGES_PER_MINUTE": "100000", "SIJBOT_REQUESTS_PER_MINUTE": "1000000", "RASA_TELEMETRY_ENABLED": "false", "PYTHONUNBUFFERED": "1",
    "SIJBOT_HAND_OFF_SECRET": SECRET,
}  # fmt: skip

PRODUCTION = {"SIJBOT_MODE": "production"}  # it trains nothing: without its model it hears danger signs alone


class Tier(ABC):
    """Processes with what they stand on. Begun once; many runs are taken on it."""

    reads = Reads()
    has_spare = False
    program = OURS

    def __init__(self, name: str, root: Path) -> None:
        self.name, self.root = name, root
        self.folder = Path(tempfile.mkdtemp(prefix=f"sijbot-faults-{name}-"))
        (self.folder / "control").mkdir()
        self.control = Control(self.folder / "control")
        self.programs: list[Program] = []  # that may be broken and that answer
        self.nursery: Optional[Nursery] = None
        self.cluster: Optional[Cluster] = None
        self.database: Database
        self.door: Door
        self.target: Optional[Target] = None
        self.certificate: Optional[Certificate] = None
        self._trusted: ssl.SSLContext | bool = True
        self.waits = Waits(self.pids)
        self._at_the_end = AsyncExitStack()
        self._at_the_end.callback(shutil.rmtree, self.folder, ignore_errors=True)

    async def start(self) -> None:
        """Start everything.

        Raises: NotReady, CannotBreak.
        """
        self.nursery = Nursery(self.program, self.root, {**USUAL, "SIJBOT_VAR": str(self.var(0))})
        self._at_the_end.push_async_callback(asyncio.to_thread, self.nursery.close)
        await self._start()
        watch = asyncio.ensure_future(self.waits.watch())
        self._at_the_end.callback(watch.cancel)

    @abstractmethod
    async def _start(self) -> None: ...

    async def close(self) -> None:
        """End everything, and leave nothing behind; where ending one of them fails, the others are ended all the same."""
        await self._at_the_end.aclose()

    def var(self, number: int) -> Path:
        """Return the folder of a process, with the trained model in it."""
        var = self.folder / f"var{number}"
        if not var.exists():
            shutil.copytree(self.root / "var" / "model", var / "model")
        return var

    def model(self, number: int) -> Path:
        """Return the model of a process."""
        return self.var(number) / "model" / "sijbot.tar.gz"

    def pids(self) -> list[int]:
        """Return all processes that take part in a turn."""
        return [*(program.pid for program in self.programs if program.pid), *(self.cluster.pids() if self.cluster else ())]

    def files(self) -> Mapping[str, Path]:
        """Return the logs that are files."""
        return {"the database's log": self.cluster.log} if self.cluster else {}

    def logs(self) -> Mapping[str, Log]:
        """Return the logs of the processes."""
        return {f"the log of {program.name}": program.log for program in self.programs}

    def dark(self) -> list[tuple[float, float]]:
        """Return when no process could answer because of what was done to it, as `time.monotonic`."""
        dark = self.programs[0].down_now()
        for program in self.programs[1:]:
            dark = [(max(since, start), min(until, end)) for since, until in dark for start, end in program.down_now() if max(since, start) < min(until, end)]
        return dark

    async def settle(self) -> None:
        """Wait until all processes answer.

        Raises: NotReady.
        """
        for program in self.programs:
            program.signal(signal.SIGCONT)
            await program.answers()

    async def _server(self, number: int, **environment: str) -> str:
        """Start a process of ours and return its address."""
        port, metrics_port = free_port(), free_port()
        url = f"http://127.0.0.1:{port}"
        settings = {
            **USUAL, "PORT": str(port), "SIJBOT_VAR": str(self.var(number)), "SIJBOT_DATABASE_URL": self.database.url, "SIJBOT_METRICS_PORT": str(metrics_port),
            "SIJBOT_HAND_OFF_WEBHOOK": self.target.url, "SSL_CERT_FILE": str(self.certificate.certificate), **environment,
        }  # fmt: skip
        shows = {"readiness": f"{url}/ready", "metrics": f"http://127.0.0.1:{metrics_port}/metrics"}
        program = Program(f"server {number + 1}", self.nursery, settings, ["run"], self.control, f"{url}/live", shows)
        self.programs.append(program)
        await self._started(program)
        return url

    async def _started(self, program: Program) -> None:
        self._at_the_end.push_async_callback(program.close)
        await program.start()

    async def _cluster(self) -> Cluster:
        """Start PostgreSQL."""
        cluster = await asyncio.to_thread(Cluster)
        self._at_the_end.push_async_callback(asyncio.to_thread, cluster.remove)
        return cluster

    async def _ground(self) -> None:
        """Wait until processes can be started, and listen for the hand-offs that they deliver."""
        await asyncio.to_thread(self.missing, "")
        self.certificate = make(self.folder)
        self._trusted = self.certificate.trusted()
        self.target = Target(self.certificate)
        await self.target.start()
        self._at_the_end.push_async_callback(self.target.stop)

    def missing(self, point: str) -> Optional[str]:
        """Return why the product has no such point, or None where it has."""
        return self.nursery.missing.get(point)

    def http(self, timeout_s: float) -> aiohttp.ClientSession:
        """Return what asks the product, and trusts its proxy; on a new connection each time, since one to a process that has died since says nothing of the one in its place."""
        connector = aiohttp.TCPConnector(limit=0, force_close=True, ssl=self._trusted)
        return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout_s), connector=connector)


class SqliteTier(Tier):
    """One process on a file."""

    async def _start(self) -> None:
        self.database = SqliteFile(self.folder / "sijbot.db")
        await self._ground()
        self.door = WebDoor([await self._server(0)])


class PostgresTier(Tier):
    """One process on PostgreSQL."""

    async def _start(self) -> None:
        self.cluster = await self._cluster()
        self.database = self.cluster.new_database("sijbot")
        await self._ground()
        self.door = WebDoor([await self._server(0, **PRODUCTION)])


class ReplicasTier(Tier):
    """Two processes on PostgreSQL, and a proxy in front."""

    has_spare = True
    proxy: Optional[Proxy] = None

    async def _start(self) -> None:
        self.cluster = await self._cluster()
        self.database = self.cluster.new_database("sijbot")
        await self._ground()
        urls = [await self._server(number, SIJBOT_PROXIES="1", SIJBOT_LOG="json", **PRODUCTION) for number in range(2)]
        self.proxy = Proxy(self.root, [int(url.rpartition(":")[2]) for url in urls], self.certificate)
        self._at_the_end.callback(self.proxy.close)
        await self.proxy.ready()
        self.door = WebDoor([f"https://127.0.0.1:{self.proxy.port}", *urls])

    def pids(self) -> list[int]:
        return [*super().pids(), *([self.proxy.pid, *children_of(self.proxy.pid)] if self.proxy else ())]

    def files(self) -> Mapping[str, Path]:
        return {**super().files(), "the proxy's log": self.proxy.log}


class StockTier(Tier):
    """`rasa run` with its open channel and `rasa run actions`, as Rasa's documentation has them, on its own store in SQLite, with our model, content and actions."""

    reads = Reads(has_ids=False, has_history=False)
    program = STOCK
    actions: Optional[Program] = None

    async def _start(self) -> None:
        self.database = SqliteFile(self.folder / "sijbot.db")
        port, actions_port = free_port(), free_port()
        endpoints, credentials = self.folder / "endpoints.yml", self.folder / "credentials.yml"
        store = {"type": "SQL", "dialect": "sqlite", "db": str(self.database.path)}
        endpoints.write_text(yaml.safe_dump({"tracker_store": store, "action_endpoint": {"url": f"http://127.0.0.1:{actions_port}/webhook"}}), encoding="utf-8")
        credentials.write_text("rest:\n", encoding="utf-8")
        environment = {**USUAL, "SIJBOT_VAR": str(self.var(0)), "SIJBOT_DATABASE_URL": self.database.url}
        await asyncio.to_thread(self.missing, "")
        # First, since it takes over the table of Rasa's store, which would then be gone from under it.
        await asyncio.to_thread(run_to_its_end, self.root, environment, "migrate")
        actions = ["rasa", "run", "actions", "--actions", "actions", "--port", str(actions_port)]
        self.actions = Program("the action server", self.nursery, environment, actions, self.control, f"http://127.0.0.1:{actions_port}/health")
        await self._started(self.actions)
        server = ["rasa", "run", "-m", str(self.model(0)), "--interface", "127.0.0.1", "--port", str(port), "--endpoints", str(endpoints), "--credentials", str(credentials)]
        program = Program("server 1", self.nursery, environment, server, self.control, f"http://127.0.0.1:{port}/")
        self.programs.append(program)
        await self._started(program)
        hand_off = yaml.safe_load((self.root / "content" / "hand_off" / "emergency.yml").read_text(encoding="utf-8"))
        self.door = RestDoor(f"http://127.0.0.1:{port}", emergency_pieces([hand_off["text"], hand_off["again"]]))

    def pids(self) -> list[int]:
        return [*super().pids(), *([self.actions.pid] if self.actions and self.actions.pid else ())]

    def logs(self) -> Mapping[str, Log]:
        return {**super().logs(), "the log of the action server": self.actions.log}

    async def settle(self) -> None:
        await super().settle()
        await self.actions.answers()


KINDS: Mapping[str, Callable[[str, Path], Tier]] = {SQLITE: SqliteTier, POSTGRESQL: PostgresTier, REPLICAS: ReplicasTier, RASA: StockTier}


def new_tier(name: str, root: Path) -> Tier:
    """Return a tier that is not started yet."""
    return KINDS[name](name, root)
