"""A PostgreSQL server of one's own for tests and measurements: made in a folder of its own, reached by a socket there, gone afterwards."""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator, Optional

USER, ACCOUNT = "sijbot", "postgres"  # inside the database; of the system, since it refuses to run as root
TIMEOUT_S = 60


class NoPostgres(Exception):
    """PostgreSQL is not installed, or did not do what it was asked; the message says which."""


@dataclass(frozen=True)
class TemporaryPostgres:
    """A running server. address: that of a database on it, with {database} for the name."""

    programs: Path
    folder: Path

    @property
    def address(self) -> str:
        return f"postgresql+psycopg2://{USER}@/{{database}}?host={self.folder}"

    @property
    def pid(self) -> int:
        """The process that all others of the server come from; another one after a restart."""
        return int((self.folder / "data" / "postmaster.pid").read_text(encoding="ascii").split()[0])

    def new_database(self, name: str) -> str:
        """Return the address of a new, empty database. name: small letters, digits and underscores."""
        self._client("createdb", name)
        return self.address.format(database=name)

    def size_bytes(self, database: str) -> int:
        """Return how much room a database takes: tables and indexes, without the write-ahead log."""
        return int(self._client("psql", "-At", "-c", f"SELECT pg_database_size('{database}')", "postgres"))

    def restart(self) -> None:
        """Stop the server as its administrator would who is in a hurry, cutting all connections, and start it again."""
        self.control("-m", "fast", "restart")

    def control(self, *arguments: str, before: Optional[Callable[[], None]] = None) -> None:
        """Have pg_ctl do something and wait until it is done. before: called in the new process, which hands on what it sets. Raises: NoPostgres."""
        options = f"-c listen_addresses='' -c max_connections=200 -k {self.folder}"
        self._run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-l", f"{self.folder}/log", "-o", options, *arguments, before=before, as_account=True)

    def make(self, is_durable: bool) -> None:
        """Make the cluster. is_durable: whether a commit waits for the disk, as it does where data matter. Raises: NoPostgres."""
        self._run("initdb", "-D", f"{self.folder}/data", "--auth=trust", f"--username={USER}", "--encoding=UTF8", "--no-sync", as_account=True)
        if not is_durable:
            with (self.folder / "data" / "postgresql.conf").open("a", encoding="ascii") as configuration:
                configuration.write("fsync = off\n")

    def _client(self, program: str, *arguments: str) -> str:
        return self._run(program, "-h", str(self.folder), "-U", USER, *arguments)

    def _run(self, program: str, *arguments: str, before: Optional[Callable[[], None]] = None, as_account: bool = False) -> str:
        command = [*(_as_account() if as_account else []), f"{self.programs}/{program}", *arguments]
        said = self.folder / f"{program}.out"  # a file, since the server keeps what its starter had open, and nobody would see the end of a pipe
        with said.open("w+", encoding="utf-8") as output:
            try:
                subprocess.run(command, check=True, cwd=self.folder, stdout=output, stderr=subprocess.STDOUT, timeout=TIMEOUT_S, preexec_fn=before)
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
                raise NoPostgres(f"{program} {arguments[-1]}: {type(error).__name__}: {said.read_text(encoding='utf-8')[-500:]}") from None
        return said.read_text(encoding="utf-8")


def programs() -> Optional[Path]:
    """Return the folder of PostgreSQL's programs, the newest where there are several, or None where it is not installed."""
    debian = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(Path(path).parent.name.partition(".")[0]))
    elsewhere = shutil.which("initdb")
    return Path(debian[-1]) if debian else Path(elsewhere).parent if elsewhere else None


@contextmanager
def temporary_postgres(is_durable: bool = False, before: Optional[Callable[[], None]] = None) -> Iterator[TemporaryPostgres]:
    """Start a server, and remove it at the end.

    is_durable: whether a commit waits for the disk: tests have no time for it, measurements need it. before: called in the process that starts the server, such as to bind it to cores.

    Raises: NoPostgres.
    """
    found = programs()
    if found is None:
        raise NoPostgres("PostgreSQL is not installed (Debian: apt install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="sijbot-pg-"))
    server = TemporaryPostgres(found, folder)
    try:
        if _as_account():
            shutil.chown(folder, ACCOUNT, ACCOUNT)
        server.make(is_durable)
        server.control("start", before=before)
        try:
            yield server
        finally:
            server.control("-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as_account() -> list[str]:
    return ["runuser", "-u", ACCOUNT, "--"] if os.getuid() == 0 else []
