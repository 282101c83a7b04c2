"""The load measurement (`sijbot bench --load`): starts database, replicas and proxy, lets a process of its own be the people (sijbot/bench_load_client.py), restarts parts where that is asked, and writes a report.

What is measured and why so: docs/load.md.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any, Callable, Iterator, Mapping, Optional, Protocol, Sequence

from sijbot import bench, clock
from sijbot.bench_load_figures import Kept, Outcome, losses, slope
from sijbot.bench_load_plan import BOT, DATABASE, GENERATOR, IN_PLACE, POSTGRESQL, PROXY, RESTARTS, ROLES, ROLLING, SQLITE, Load
from sijbot.bench_load_report import Measured, lines, write_report
from sijbot.bench_processes import GOES_FIRST, Meter, bound_to, resident_mb
from sijbot.settings import Settings
from sijbot.temporary_postgres import NoPostgres, TemporaryPostgres, temporary_postgres

DRAIN_S = 20.0  # after the last message was typed, for what is under way
END_S = 15.0  # for a replica that is asked to end
LEAST_OPENED = 200  # conversations that begin while memory is looked at: it does not rise evenly enough to tell of fewer
SHOWN_EACH = 5  # of the seconds of progress
RESTART_AFTER = 1 / 3  # of the time
SECRET = "of load measurements alone, on this machine"

NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log error; {user}
events {{ worker_connections 16384; }}
http {{
  access_log off; client_max_body_size 64k; client_body_buffer_size 64k;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  map $http_authorization $who {{ "" $request_id; default $http_authorization; }}
  upstream bot {{
    hash $who consistent;
    {servers}
    keepalive 64; keepalive_timeout 4s;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    # Timeouts, the second try, and the sentence where no replica has one are those of deploy/nginx.conf.
    error_page 502 504 =503 /sentence/fault;
    location /sentence/ {{ internal; alias {sentences}/; types {{ }} default_type application/json; add_header Retry-After 15 always; }}
    location / {{
      proxy_pass http://bot; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $http_x_forwarded_for;
      proxy_connect_timeout 300ms; proxy_send_timeout 1200ms; proxy_read_timeout 1200ms;
      proxy_next_upstream error timeout http_502 http_503 non_idempotent; proxy_next_upstream_tries 2;
    }}
  }}
}}
"""


class LoadError(Exception):
    """The measurement cannot be made as asked; the message says why."""


def check(load: Load) -> None:
    """Raises: LoadError, where something does not go together or is not installed."""
    if load.database not in (POSTGRESQL, SQLITE):
        raise LoadError(f"--database: '{load.database}' is neither '{POSTGRESQL}' nor '{SQLITE}'")
    if load.restart not in (None, *RESTARTS):
        raise LoadError(f"--restart: '{load.restart}' is none of {', '.join(RESTARTS)}")
    if load.database == SQLITE and (load.replicas > 1 or load.restart == DATABASE):
        raise LoadError(f"--database {SQLITE}: is for one process (--replicas 1), and there is no server of it to restart")
    if load.restart in (ROLLING, IN_PLACE) and load.replicas < 2:
        raise LoadError(f"--restart {load.restart}: needs two replicas or more, so that one is always there")
    if load.replicas > 1 and shutil.which("nginx") is None:
        raise LoadError("nginx is not installed (Debian: apt install nginx); --replicas 1 needs none")


def read_cores(entries: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Return the cores by role of entries such as "bot:0,1". Raises: LoadError."""
    found = {}
    for entry in entries:
        role, _, numbers = entry.partition(":")
        cores = numbers.split(",")
        if role not in ROLES or not all(core.isascii() and core.isdigit() and int(core) in os.sched_getaffinity(0) for core in cores):
            raise LoadError(f"--cores: '{entry}' is not such as bot:0,1 ({', '.join(ROLES)}; cores {', '.join(map(str, sorted(os.sched_getaffinity(0))))})")
        found[role] = tuple(map(int, cores))
    return found


def measure_load(settings: Settings, load: Load, folder: Path) -> Iterator[str]:
    """Yield lines: what is done, how it goes, the figures; write report and picture into the folder.

    Raises: LoadError.
    """
    check(load)
    try:
        with ExitStack() as stack:
            yield from _measured(settings, load, folder, stack)
    except (bench.NotReady, NoPostgres) as fault:
        raise LoadError(str(fault)) from None


def _measured(settings: Settings, load: Load, folder: Path, stack: ExitStack) -> Iterator[str]:
    work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sijbot-load-")))
    database = stack.enter_context(_database(load, work))
    replicas = [Replica(settings, number, database.url, work / f"replica_{number}.log", bound_to(load.cores.get(BOT))) for number in range(1, load.replicas + 1)]
    for replica in replicas:  # one after another: the first one makes the tables
        stack.callback(replica.stop)
        replica.start()
        yield f"replica {replica.number} of {load.replicas} is ready, on port {replica.port}"
    base, proxy = replicas[0].base, None
    if load.replicas > 1:
        proxy = stack.enter_context(_proxy([replica.port for replica in replicas], work, load, settings.root / "deploy" / "sentences"))
        base = proxy.base
    generator_pids: list[int] = []
    roots = {
        BOT: lambda: [pid for replica in replicas for pid in replica.pids], DATABASE: database.pids, PROXY: lambda: [proxy.pid] if proxy else [], GENERATOR: lambda: generator_pids,
    }  # fmt: skip
    meter = Meter(roots)
    before_mb, before_bytes = meter.memory_mb(), database.size_bytes()
    meter.begin()
    events: list[tuple[float, str]] = []
    memory_points: list[tuple[float, float]] = []
    is_over, restarting = Event(), None
    results = work / "results.jsonl"
    generator = stack.enter_context(_generator(settings, load, base, results, work / "generator.log"))
    generator_pids.append(generator.pid)
    talked: dict[str, Any] = {}
    generator_mb = 0.0
    began_s, core_s = time.monotonic(), {role: 0.0 for role in ROLES}
    for said in map(json.loads, generator.stdout):
        meter.sample()
        if said["what"] == "begun":
            began_s = time.monotonic()
            meter.begin()  # again: reading the texts is no part of it
            restarting = _begin_restarts(load, replicas, proxy, database, events, began_s, is_over)
        elif said["what"] == "progress":
            generator_mb = resident_mb(generator.pid)
            if said["at_s"] > load.seconds / 2:
                memory_points.append((said["conversations"], sum(resident_mb(pid) for pid in roots[BOT]())))
            if round(said["at_s"]) % SHOWN_EACH == 0:
                yield _progress(said, {role: meter.used_s(role) for role in ROLES})
        elif said["what"] == "talked":
            talked, core_s = said, {role: meter.used_s(role) for role in ROLES}
            after_mb = {**meter.memory_mb(), GENERATOR: [generator_mb]}  # it may have ended by now
    is_over.set()
    if restarting:
        restarting.join()
    if generator.wait() != 0 or not talked:
        raise LoadError(f"the generator ended with an error: {(work / 'generator.log').read_text(encoding='utf-8')[-1000:]}")
    outcomes, kept = _read(results)
    rise = slope(memory_points) if memory_points and memory_points[-1][0] - memory_points[0][0] >= LEAST_OPENED and not load.restart else None
    measured = Measured(
        load=load, date=clock.now().date(), machine=_machine(), where=_where(load.cores), outcomes=outcomes, losses=losses(kept), cpu_s=core_s, elapsed_s=talked["at_s"],
        memory_before_mb=before_mb, memory_after_mb=after_mb, mb_per_10000=rise and rise * 10_000, conversations=len(kept),
        bytes_per_conversation=(database.size_bytes() - before_bytes) / max(1, len(kept)), events=tuple(events),
    )  # fmt: skip
    yield from lines(measured)
    yield f"written: {', '.join(str(path) for path in write_report(measured, folder, settings.root))}"


def _progress(said: Mapping[str, Any], used_s: Mapping[str, float]) -> str:
    used = ", ".join(f"{role} {seconds:.0f}" for role, seconds in used_s.items() if seconds)
    return (
        f"{said['at_s']:.0f} s: {said['typed']} messages typed, {said['open']} without an answer, last 10 s p50 {said['p50_ms']:.0f} ms, p95 {said['p95_ms']:.0f} ms, "
        f"{said['shed']} shed, {said['errors']} errors; CPU seconds: {used}"
    )


class Replica:
    """One process of the assistant, which can be ended and started again, or replaced by another one."""

    def __init__(self, settings: Settings, number: int, database_url: str, log: Path, before: Optional[Callable[[], None]]) -> None:
        self.number, self.port = number, free_port()
        self._settings, self._database_url, self._log, self._before = settings, database_url, log, before
        self._processes: list[subprocess.Popen] = []  # two while it is replaced, the new one last

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self._processes]

    def start(self) -> None:
        """Start it, and wait until it is ready. Raises: bench.NotReady."""
        with self._log.open("ab") as log:
            process = bench.start(self._settings, self.port, log, self._before, SIJBOT_DATABASE_URL=self._database_url, SIJBOT_SECRET=SECRET, SIJBOT_PROXIES="1")
        self._processes.append(process)
        bench.wait_until_ready(self.port, process)

    def start_another(self) -> None:
        """Start a process beside it, on another port, and wait until that one is ready; `stop_first` then ends the old one. Raises: bench.NotReady."""
        self.port = free_port()
        self.start()

    def stop_first(self) -> bool:
        """End the process that is there longest as an administrator does, and return whether it ended in time; what does not is killed."""
        process = self._processes[0]
        process.terminate()
        try:
            process.wait(END_S)
            return True
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return False
        finally:
            self._processes.remove(process)

    def stop(self) -> None:
        """End all of it."""
        while self._processes:
            self.stop_first()


class Database(Protocol):
    """Where the records are."""

    url: str

    def pids(self) -> Sequence[int]: ...

    def size_bytes(self) -> int: ...

    def restart(self) -> None: ...


@dataclass(frozen=True)
class _Postgres:
    url: str
    server: TemporaryPostgres

    def pids(self) -> Sequence[int]:
        try:
            return [self.server.pid]
        except (OSError, IndexError):  # while it is restarted
            return []

    def size_bytes(self) -> int:
        return self.server.size_bytes("sijbot")

    def restart(self) -> None:
        self.server.restart()


@dataclass(frozen=True)
class _Sqlite:
    path: Path

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def pids(self) -> Sequence[int]:
        return []  # it is inside the bot

    def size_bytes(self) -> int:
        connection = sqlite3.connect(self.path)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        return self.path.stat().st_size

    def restart(self) -> None:
        raise LoadError("SQLite has no server that could be restarted")  # which `check` says before anything begins


@contextmanager
def _database(load: Load, work: Path) -> Iterator[Database]:
    if load.database == SQLITE:
        yield _Sqlite(work / "sijbot.db")
        return
    with temporary_postgres(is_durable=True, before=bound_to(load.cores.get(DATABASE))) as server:
        yield _Postgres(server.new_database("sijbot"), server)


class _Proxy:
    """nginx in front of the replicas.

    A replica is never counted as gone (max_fails=0): the other one is asked at once, and a message may be sent twice since it has an id. The address of who asks is the generator's word, as a proxy's in front would be.
    """

    def __init__(self, ports: Sequence[int], work: Path, load: Load, sentences: Path) -> None:
        self._port, self._work, self._sentences, self._path = free_port(), work, sentences, work / "nginx.conf"
        self._write(ports)
        with (work / "nginx.log").open("ab") as log:
            command = ["nginx", "-e", str(work / "nginx.log"), "-c", str(self._path), "-p", str(work)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=bound_to(load.cores.get(PROXY)))

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_until_ready(self) -> None:
        """Raises: bench.NotReady."""
        bench.wait_until_ready(self._port, self._process)

    def point_at(self, ports: Sequence[int]) -> None:
        """Send what comes from now on to these replicas."""
        self._write(ports)
        self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def _write(self, ports: Sequence[int]) -> None:
        servers = " ".join(f"server 127.0.0.1:{each} max_fails=0;" for each in ports)
        user = "user root;" if os.getuid() == 0 else ""
        self._path.write_text(NGINX.format(folder=self._work, port=self._port, servers=servers, sentences=self._sentences, user=user), encoding="utf-8")


@contextmanager
def _proxy(ports: Sequence[int], work: Path, load: Load, sentences: Path) -> Iterator[_Proxy]:
    proxy = _Proxy(ports, work, load, sentences)
    try:
        proxy.wait_until_ready()
        yield proxy
    finally:
        proxy.stop()


@contextmanager
def _generator(settings: Settings, load: Load, base: str, results: Path, log: Path) -> Iterator[subprocess.Popen]:
    asked = {"base": base, "users": load.users * load.factor, "seconds": load.seconds, "drain_s": DRAIN_S, "seed": load.seed, "root": str(settings.root), "results": str(results)}
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "sijbot.bench_load_client"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
            preexec_fn=bound_to(load.cores.get(GENERATOR), goes_first=True),
        )  # fmt: skip
    try:
        process.stdin.write(json.dumps(asked))
        process.stdin.close()
        yield process
    finally:
        process.terminate()
        process.wait(10)


def _begin_restarts(
    load: Load, replicas: Sequence[Replica], proxy: Optional[_Proxy], database: Database, events: list[tuple[float, str]], began_s: float, is_over: Event,
) -> Optional[Thread]:  # fmt: skip
    """Return the thread that restarts what is asked for, after a third of the time, or None."""

    def note(what: str) -> None:
        events.append((time.monotonic() - began_s, what))

    def end_first(replica: Replica) -> None:
        note(f"replica {replica.number} is asked to end")
        is_clean = replica.stop_first()
        note(f"replica {replica.number} has ended" if is_clean else f"replica {replica.number} did not end within {END_S:.0f} s and was killed")

    def restart_database() -> None:
        note("PostgreSQL restarts")
        database.restart()
        note("PostgreSQL is back")

    def replace_replicas() -> None:
        for replica in replicas:
            note(f"another process is started for replica {replica.number}")
            replica.start_another()
            note(f"the new replica {replica.number} is ready")
            proxy.point_at([each.port for each in replicas])
            end_first(replica)

    def restart_replicas() -> None:
        for replica in replicas:
            end_first(replica)
            replica.start()
            note(f"replica {replica.number} is ready again")

    def restart() -> None:
        if is_over.wait(load.seconds * RESTART_AFTER):
            return
        try:
            {DATABASE: restart_database, ROLLING: replace_replicas, IN_PLACE: restart_replicas}[load.restart]()
        except (bench.NotReady, NoPostgres) as fault:
            note(f"the restart failed: {fault}")

    if load.restart is None:
        return None
    thread = Thread(target=restart, name="restarts", daemon=True)
    thread.start()
    return thread


def _read(results: Path) -> tuple[list[Outcome], list[Kept]]:
    outcomes, kept = [], []
    with results.open(encoding="utf-8") as file:
        for entry in map(json.loads, file):
            if "outcome" in entry:
                outcomes.append(Outcome(**{**entry["outcome"], "tries": tuple(entry["outcome"]["tries"])}))
            else:
                values = entry["kept"]
                history = None if values["history"] is None else tuple(values["history"])
                kept.append(Kept(**{**values, "sent": tuple(values["sent"]), "acknowledged": tuple(values["acknowledged"]), "history": history}))
    return outcomes, kept


def _machine() -> str:
    models = {line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if line.startswith("model name")}
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores ({', '.join(sorted(models)) or platform.machine()}), {memory_gb:.0f} GB, Linux {platform.release().partition('-')[0]}, Python {platform.python_version()}"


def _where(cores: Mapping[str, tuple[int, ...]]) -> str:
    """Return a sentence on who ran on which cores."""
    all_of_them = ", ".join(map(str, sorted(os.sched_getaffinity(0))))
    if not cores:
        return f"bot, database, proxy and generator shared all cores ({all_of_them}), the generator before the others (nice {GOES_FIRST}); nothing was bound"
    return "; ".join(f"{role} on {', '.join(map(str, cores[role])) if role in cores else f'any of {all_of_them}'}" for role in ROLES)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
