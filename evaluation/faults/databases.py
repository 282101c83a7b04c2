"""The databases that are put under the product: SQLite, and a PostgreSQL cluster of the harness's own; how they are read, and how they break."""

from __future__ import annotations

import glob
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import tempfile
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Iterator, Mapping, Optional, Protocol, Sequence

import psycopg2

from evaluation.faults.stored import OWNER_COLUMNS, Row, Rows
from sijbot.temporary_postgres import ACCOUNT, USER, NoPostgres, temporary_postgres

CONNECT_S, LOCK_TRIES = 5, 20
SQLITE_TIME = "%Y-%m-%d %H:%M:%S.%f"  # as SQLAlchemy writes it, in UTC
SMALL_DISK = "96m"
ENOUGH_BYTES = 1024  # a process that may write no further than this into a file can open a database, and change nothing


class CannotBreak(Exception):
    """This fault cannot be made on this machine; the message says what it needs."""


class Database(Protocol):
    """What a tier keeps its records in."""

    url: str

    def rows(self, conversations: Sequence[str]) -> Rows: ...

    def forget(self, conversations: Sequence[str]) -> None: ...

    def add(self, table: str, row: Row) -> None: ...

    def locked(self) -> Any: ...

    def full(self, pids: Sequence[int]) -> Any: ...


class SqliteFile:
    """A file."""

    def __init__(self, path: Path) -> None:
        self.path, self.url = path, f"sqlite:///{path}"

    def rows(self, conversations: Sequence[str]) -> Rows:
        """Return all rows of these conversations, by table."""
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=CONNECT_S)) as database:
            database.row_factory = sqlite3.Row
            places = ", ".join("?" * len(conversations))
            return {
                table: [dict(row) for row in database.execute(f"select * from {table} where {owner} in ({places}) order by rowid", conversations)]
                for table, owner in self._owners(database)
            }

    @staticmethod
    def _owners(database: sqlite3.Connection) -> list[tuple[str, str]]:
        """Return every table that belongs to conversations, with the column that says to which."""
        tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        columns = {table: [name for _, name, *_ in database.execute(f"pragma table_info({table})")] for table in tables}
        return [(table, owner) for table in tables for owner in OWNER_COLUMNS if owner in columns[table]]

    def forget(self, conversations: Sequence[str]) -> None:
        """Delete all rows of these conversations, so that a thousand runs fit onto a small disk."""
        with closing(sqlite3.connect(self.path, timeout=CONNECT_S)) as database, database:
            for table, owner in self._owners(database):
                database.executemany(f"delete from {table} where {owner} = ?", [(each,) for each in conversations])

    def add(self, table: str, row: Row) -> None:
        """Write a row."""
        with closing(sqlite3.connect(self.path, timeout=CONNECT_S)) as database, database:
            values = [value.astimezone(timezone.utc).strftime(SQLITE_TIME) if isinstance(value, datetime) else _plain(value) for value in row.values()]
            database.execute(f"insert into {table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", values)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let nobody else write."""
        with closing(sqlite3.connect(self.path, isolation_level=None, timeout=CONNECT_S)) as database:
            database.execute("begin exclusive")
            try:
                yield
            finally:
                database.execute("rollback")

    @contextmanager
    def full(self, pids: Sequence[int]) -> Iterator[None]:
        """Let these processes write no file any further, as on a disk that is full: Python ignores the signal, and SQLite gets an error."""
        before = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids}
        for pid, (_, most) in before.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (ENOUGH_BYTES, most))
        try:
            yield
        finally:
            for pid, limits in before.items():
                try:
                    resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
                except ProcessLookupError:  # it has ended since
                    pass


class Cluster:
    """A PostgreSQL server of the harness's own, which can be broken.

    Raises: CannotBreak, where it is not installed.
    """

    def __init__(self) -> None:
        self._disk: Optional[Path] = None
        self._stack = ExitStack()
        try:
            self._server = self._stack.enter_context(temporary_postgres())
        except NoPostgres as reason:
            raise CannotBreak(str(reason)) from None

    @property
    def log(self) -> Path:
        """What the server printed."""
        return self._server.folder / "log"

    @property
    def host(self) -> str:
        """Where its socket is."""
        return str(self._server.folder)

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        self._server.control("start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server: `immediate` as when it crashes, `fast` as somebody does who restarts it."""
        self._server.control("-m", mode, "stop")

    def remove(self) -> None:
        """Stop the server and leave nothing behind."""
        if not self.pids():
            self.start()  # what ends it expects it to run
        self._stack.close()
        if self._disk:
            subprocess.run(["umount", str(self._disk)], check=False)
            self._disk.rmdir()

    def new_database(self, name: str) -> "PostgresDatabase":
        """Return an empty database; on a small disk of its own where this machine lets us mount one."""
        where = f" tablespace {name}_disk" if self._mount() else ""
        with self.connection("postgres") as connection, connection.cursor() as cursor:
            if where:
                cursor.execute(f"create tablespace {name}_disk location '{self._disk}/space'")
            cursor.execute(f"create database {name}{where}")
        return PostgresDatabase(self, name, self._server.address.format(database=name), self._disk)

    def _mount(self) -> bool:
        disk = Path(tempfile.mkdtemp(prefix="sijbot-faults-disk-"))
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", str(disk)], capture_output=True).returncode != 0:
            disk.rmdir()
            return False
        self._disk = disk
        (disk / "space").mkdir()
        for path in (disk, disk / "space"):
            shutil.chown(path, ACCOUNT, ACCOUNT)
        return True

    def connection(self, database: str) -> Any:
        """Return a context with a connection that commits each statement."""
        connection = psycopg2.connect(dbname=database, user=USER, host=self.host, connect_timeout=CONNECT_S)
        connection.autocommit = True
        return closing(connection)

    def cut(self) -> None:
        """Cut all connections to it."""
        with self.connection("postgres") as connection, connection.cursor() as cursor:
            cursor.execute("select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()")

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let the server and all that it started stand still, with their connections open."""
        main = self.pids()[0]
        _signal(main, signal.SIGSTOP)  # first, so that it starts nothing more
        stopped = children_of(main)
        for pid in stopped:
            _signal(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in (*stopped, main):
                _signal(pid, signal.SIGCONT)

    def pids(self) -> list[int]:
        """Return the processes of the server, as far as it runs."""
        try:
            return [self._server.pid, *children_of(self._server.pid)]
        except (FileNotFoundError, IndexError):
            return []


class PostgresDatabase:
    """A database of a cluster. disk: what its tables lie on, where that is one of their own."""

    def __init__(self, cluster: Cluster, name: str, url: str, disk: Optional[Path]) -> None:
        self.cluster, self.name, self.url, self._disk = cluster, name, url, disk

    def rows(self, conversations: Sequence[str]) -> Rows:
        """Return all rows of these conversations, by table."""
        found: dict[str, list[Mapping[str, Any]]] = {}
        with self.cluster.connection(self.name) as connection, connection.cursor() as cursor:
            for table, owner in self._owners(cursor):
                cursor.execute(f'select * from "{table}" where "{owner}" = any(%s) order by ctid', (list(conversations),))
                names = [column.name for column in cursor.description]
                found[table] = [dict(zip(names, row)) for row in cursor.fetchall()]
        return found

    def forget(self, conversations: Sequence[str]) -> None:
        """Delete all rows of these conversations, so that a thousand runs fit onto a small disk."""
        with self.cluster.connection(self.name) as connection, connection.cursor() as cursor:
            for table, owner in self._owners(cursor):
                cursor.execute(f'delete from "{table}" where "{owner}" = any(%s)', (list(conversations),))
                cursor.execute(f'vacuum "{table}"')

    @staticmethod
    def _owners(cursor: Any) -> list[tuple[str, str]]:
        """Return every table that belongs to conversations, with the column that says to which."""
        cursor.execute("select table_name, column_name from information_schema.columns where table_schema = 'public' and column_name = any(%s)", (list(OWNER_COLUMNS),))
        return cursor.fetchall()

    def add(self, table: str, row: Row) -> None:
        """Write a row."""
        with self.cluster.connection(self.name) as connection, connection.cursor() as cursor:
            cursor.execute(f'insert into "{table}" ({", ".join(row)}) values ({", ".join(["%s"] * len(row))})', list(map(_plain, row.values())))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let nobody read or write any table."""
        with self.cluster.connection(self.name) as connection, connection.cursor() as cursor:
            cursor.execute("select string_agg(format('%I', tablename), ', ') from pg_tables where schemaname = 'public'")
            (tables,) = cursor.fetchone()
            for number in range(LOCK_TRIES):
                try:
                    cursor.execute("begin")
                    cursor.execute(f"lock table {tables} in access exclusive mode")
                    break
                except psycopg2.errors.DeadlockDetected:  # with a turn that has some of them
                    cursor.execute("rollback")
                    if number == LOCK_TRIES - 1:
                        raise
            try:
                yield
            finally:
                cursor.execute("rollback")

    @contextmanager
    def full(self, pids: Sequence[int]) -> Iterator[None]:
        """Fill the disk that the tables lie on, but not the one of the server's log of changes: a statement that needs a new page fails, and the server stays.

        Raises: CannotBreak.
        """
        if self._disk is None:
            raise CannotBreak("mounting a small disk for PostgreSQL needs the rights to mount")
        ballast = self._disk / "ballast"
        with ballast.open("wb") as file:
            try:
                while True:
                    file.write(b"\0" * 8192)
                    file.flush()
            except OSError:
                pass
        try:
            yield
        finally:
            ballast.unlink()


def _plain(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, (dict, list)) else value


def children_of(pid: int) -> list[int]:
    """Return the processes that a process has started and that still run."""
    found: list[int] = []
    for path in glob.glob(f"/proc/{pid}/task/*/children"):
        try:
            found += map(int, Path(path).read_text(encoding="ascii").split())
        except FileNotFoundError:
            continue
    return found


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
