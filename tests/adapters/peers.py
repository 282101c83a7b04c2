"""Real peers of the relay on loopback: a receiver of webhooks that can misbehave, a mail server, and a RabbitMQ of the tests' own."""

from __future__ import annotations

import asyncio
import datetime
import logging
import os
import socket
import ssl
import struct
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable, Iterator, Optional, Sequence

import aio_pika

RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # not the one in the path, which wants to run as a user of its own
BROKER_START_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass(frozen=True)
class Request:
    """What a receiver was sent."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["x-sijbot-id"]


@dataclass
class Receiver:
    """An HTTP server that keeps what it is sent and answers what it is told: a status, or a function that does something with the connection and returns one or None."""

    url: str
    requests: list[Request] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)  # for the next requests; 200 behind them

    @property
    def ids(self) -> list[str]:
        return [request.id for request in self.requests]


@contextmanager
def receiver(*answers: Any, certificate: Optional[tuple[Path, Path]] = None) -> Iterator[Receiver]:
    """Run a receiver that gives these answers one after another; over TLS where it has a certificate."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.requests.append(Request({name.lower(): value for name, value in self.headers.items()}, body))
            answer = found.answers.pop(0) if found.answers else 200
            status = answer(self) if callable(answer) else answer
            if status is not None:
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", found.url)
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads, request_queue_size = True, 128

    server = Server(("127.0.0.1", 0), Handler)
    if certificate:
        server.socket = _tls(certificate).wrap_socket(server.socket, server_side=True)
    found = Receiver(f"{'https' if certificate else 'http'}://localhost:{server.server_port}/hand-offs", answers=list(answers))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()


def reset(handler: BaseHTTPRequestHandler) -> None:
    """Break the connection off as a machine does that knows nothing of it."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def held(release: threading.Event) -> Callable[[BaseHTTPRequestHandler], Optional[int]]:
    """Return an answer that does not come before it is released."""

    def answer(handler: BaseHTTPRequestHandler) -> int:
        release.wait(30)
        return 200

    return answer


class Mailbox:
    """What a mail server was sent, in the manner of aiosmtpd."""

    def __init__(self, refusals: Sequence[str]) -> None:
        self.url = ""
        self.messages: list[Any] = []
        self._refusals = list(refusals)  # of the first messages

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self._refusals:
            return self._refusals.pop(0)
        self.messages.append(message_from_bytes(envelope.content.replace(b"\r\n", b"\n"), policy=default))
        return "250 kept"


@contextmanager
def mail_server(*refusals: str, host: str = "localhost", certificate: Optional[tuple[Path, Path]] = None, login: Optional[tuple[str, str]] = None) -> Iterator[Mailbox]:
    """Run a mail server; it demands STARTTLS where it has a certificate, and the login where one is given."""
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import AuthResult

    logging.getLogger("mail.log").setLevel(logging.WARNING)  # the peer's, which writes down what it gets
    box, context = Mailbox(refusals), _tls(certificate) if certificate else None

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login.decode(), data.password.decode()) == login, handled=False)

    access = {"authenticator": authenticate, "auth_required": True, "auth_require_tls": False} if login else {}
    controller = Controller(box, hostname=host, port=free_port(), tls_context=context, require_starttls=bool(context), **access)
    controller.start()
    box.url = f"smtp://{host}:{controller.port}"
    try:
        yield box
    finally:
        controller.stop()


def _tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*map(str, certificate))
    return context


def certificate_of(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for localhost that signs itself, and its key; return both files."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.timezone.utc)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    built = built.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
    built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False).add_extension(x509.BasicConstraints(True, None), True)
    certificate = built.sign(key, hashes.SHA256())
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return files


@dataclass
class RabbitMQ:
    """A broker whose data stays in a folder; it can be stopped and started again on the same port."""

    folder: Path
    port: int = field(default_factory=free_port)
    processes: list[subprocess.Popen] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Start the broker and the name server that Erlang wants beside it, both on free ports of loopback; return when it takes connections."""
        names, plugins = free_port(), self.folder / "plugins"
        plugins.write_text("[].", encoding="utf-8")
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "ERL_EPMD_PORT": str(names), "ERL_EPMD_ADDRESS": "127.0.0.1", "RABBITMQ_NODENAME": "sijbot@localhost",
            "RABBITMQ_NODE_PORT": str(self.port), "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_DIST_PORT": str(free_port()), "RABBITMQ_MNESIA_BASE": f"{self.folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{self.folder}/log", "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins), "RABBITMQ_CONF_ENV_FILE": "/dev/null", "RABBITMQ_CONFIG_FILE": f"{self.folder}/none",
            "RABBITMQ_PID_FILE": f"{self.folder}/pid",
        }  # fmt: skip
        with (self.folder / "output").open("ab") as output:
            for command in (["epmd", "-port", str(names), "-address", "127.0.0.1"], [str(RABBITMQ)]):
                self.processes.append(subprocess.Popen(command, env=environment, cwd=self.folder, stdout=output, stderr=output))
        until = time.monotonic() + BROKER_START_S
        while not self._speaks():
            assert time.monotonic() < until and self.processes[-1].poll() is None, (self.folder / "output").read_text(errors="replace")[-2000:]
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop both, the broker first."""
        while self.processes:
            process = self.processes.pop()
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _speaks(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                return bool(connection.recv(1))
        except OSError:
            return False


def from_queue(url: str, most: int, bind: str = "turn.*", name: str = "events") -> list[Any]:
    """Bind a durable queue to the exchange of events; where messages are wanted, return what is in it by then, at most so many, and take the queue away."""

    async def get() -> list[Any]:
        connection = await aio_pika.connect(url)
        async with connection:
            channel = await connection.channel()
            exchange = await channel.declare_exchange("sijbot", aio_pika.ExchangeType.TOPIC, durable=True)
            events = await channel.declare_queue(name, durable=True)
            await events.bind(exchange, bind)
            found = [await events.get(no_ack=True, fail=False, timeout=5) for _ in range(most)]
            if most:
                await events.delete(if_unused=False, if_empty=False)
            return [message for message in found if message]

    return asyncio.run(get())
