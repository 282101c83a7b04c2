"""nginx in front of two replicas: by conversation to one of them, and to the other one where that one does not answer."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Sequence

from evaluation.faults.databases import CannotBreak
from evaluation.faults.processes import NotReady, free_port

FIRST_MS, SECOND_MS = 600, 2300  # together less than the three seconds in which somebody gets a sentence; and the first less than the second in which danger gets its card
START_S, END_S = 10.0, 5.0

CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/log warn;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_max_body_size 64k;
  client_body_buffer_size 64k;
  split_clients "$http_authorization" $first {{ 50% one; * two; }}
  map $first $second {{ one two; two one; }}
  upstream one {{ server 127.0.0.1:{one} max_fails=0; keepalive 16; }}
  upstream two {{ server 127.0.0.1:{two} max_fails=0; keepalive 16; }}
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $host;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_connect_timeout 300ms;
  proxy_next_upstream off;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://$first;
      proxy_read_timeout {first}ms;
      proxy_intercept_errors on;
      error_page 502 503 504 = @other;
    }}
    location @other {{
      proxy_pass http://$second;
      proxy_read_timeout {second}ms;
    }}
  }}
}}
"""


class Proxy:
    """A running nginx. The second try has the longer time, so that the answer of a slow turn comes through."""

    def __init__(self, ports: Sequence[int]) -> None:
        program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        if not program:
            raise CannotBreak("nginx is not installed (Debian: apt install nginx-light)")
        self.folder = Path(tempfile.mkdtemp(prefix="sijbot-faults-nginx-"))
        self.port = free_port()
        one, two = ports
        path = self.folder / "nginx.conf"
        path.write_text(CONFIGURATION.format(folder=self.folder, port=self.port, one=one, two=two, first=FIRST_MS, second=SECOND_MS), encoding="utf-8")
        self._process = subprocess.Popen([program, "-c", str(path), "-p", str(self.folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @property
    def log(self) -> Path:
        return self.folder / "log"

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
                await asyncio.sleep(0.02)
        raise NotReady(f"nginx does not listen: {self.log.read_text(encoding='utf-8') if self.log.exists() else 'no log'}")

    def close(self) -> None:
        """End it and leave nothing behind."""
        self._process.terminate()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
