"""The proxy of deploy/ in front of two replicas, as it is: with its limits, its times and its sentences."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Sequence

from evaluation.faults.certificate import Certificate
from evaluation.faults.databases import CannotBreak
from evaluation.faults.processes import NotReady, free_port

START_S, END_S, LOOK_EVERY_S = 10.0, 5.0, 0.02
A_SECOND = 100_000  # requests of one address: all people of a run are one


class Proxy:
    """A running nginx.

    Raises: CannotBreak, where it is not installed.
    """

    def __init__(self, root: Path, ports: Sequence[int], certificate: Certificate) -> None:
        program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        if not program:
            raise CannotBreak("nginx is not installed (Debian: apt install nginx-light)")
        self._folder = Path(tempfile.mkdtemp(prefix="sijbot-faults-nginx-"))
        self.port = free_port()
        values = {
            "REPLICAS": " ".join(f"server 127.0.0.1:{port} max_fails=0;" for port in ports), "SERVER_NAME": "localhost", "HTTP_PORT": f"127.0.0.1:{free_port()}", "HTTPS_PORT": f"127.0.0.1:{self.port}",
            "TLS_CERTIFICATE": certificate.certificate, "TLS_KEY": certificate.key, "SENTENCES": root / "deploy" / "sentences", "RATE": A_SECOND, "BURST": A_SECOND,
        }  # fmt: skip
        path = self._folder / "nginx.conf"
        path.write_text(rendered((root / "deploy" / "nginx.conf").read_text(encoding="utf-8").replace("/tmp/", f"{self._folder}/"), values), encoding="utf-8")
        user = "user root; " if os.getuid() == 0 else ""  # else its workers could not look into the folder
        with self.log.open("wb") as log:
            self._process = subprocess.Popen([program, "-c", str(path), "-p", str(self._folder), "-g", f"{user}daemon off;"], stdout=log, stderr=log)

    @property
    def log(self) -> Path:
        return self._folder / "log"

    @property
    def pid(self) -> int:
        return self._process.pid

    async def ready(self) -> None:
        """Wait until it listens.

        Raises: NotReady.
        """
        until = asyncio.get_running_loop().time() + START_S
        while asyncio.get_running_loop().time() < until and self._process.poll() is None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                return
            except OSError:
                await asyncio.sleep(LOOK_EVERY_S)
        raise NotReady(f"nginx does not listen: {self.log.read_text(encoding='utf-8')}")

    def close(self) -> None:
        """End it and leave nothing behind."""
        self._process.terminate()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def rendered(template: str, values: dict[str, object]) -> str:
    """Return a template with these values in the places of their names, as `envsubst` would."""
    return re.sub(r"\$\{(\w+)\}", lambda place: str(values[place[1]]) if place[1] in values else place[0], template)
