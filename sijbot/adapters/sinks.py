"""The ways out of the outbox: a signed webhook, an e-mail, a message broker. Each sends one row, and says by an error that it did not arrive."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import smtplib
import ssl
import threading
from concurrent.futures import Future
from contextlib import suppress
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Callable, Mapping, Optional, TypeVar
from urllib.parse import unquote, urlsplit

import aio_pika
import aiohttp

from sijbot import clock
from sijbot.content.model import Content
from sijbot.records.outbox import Claimed
from sijbot.settings import LOOPBACK, Settings

CONNECT_S, DELIVERY_S = 5.0, 10.0  # deadlines of every call over the network, and of one delivery as a whole
CLOSE_S = 1.0  # for the goodbye of the other side
# What the same message will get again however often it is sent: somebody has to look at it.
FINAL_STATUS = frozenset((400, 401, 403, 404, 410, 413, 422))
SMTP_PERMANENT = 500
SMTP_PORT, SMTPS_PORT = 587, 465
EXCHANGE = "sijbot"
MESSAGE_ID, TIMESTAMP, SIGNATURE = "X-Sijbot-Id", "X-Sijbot-Timestamp", "X-Sijbot-Signature"

_Result = TypeVar("_Result")


class Undelivered(Exception):
    """A row did not arrive. `fault`: a status or the class of an error, never words; `is_final`: the same again would end the same way."""

    def __init__(self, fault: str, is_final: bool = False) -> None:
        super().__init__(fault)
        self.fault, self.is_final = fault, is_final


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return what stands in X-Sijbot-Signature: over the time too, so that an old message cannot be sent again as a new one."""
    return "sha256=" + hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def webhook_request(row: Claimed, secret: str, timestamp: str) -> tuple[bytes, dict[str, str]]:
    """Return body and headers of the request that delivers a row."""
    body = json.dumps(row.payload).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "sijbot", MESSAGE_ID: row.id, TIMESTAMP: timestamp, SIGNATURE: signature(secret, timestamp, body)}
    return body, headers


class Webhook:
    """Posts a row to a receiver of the clinic."""

    def __init__(self, url: str, secret: str) -> None:
        self._url, self._secret = url, secret
        self.title = f"webhook {_machine(url)}"

    async def send(self, row: Claimed) -> None:
        """Deliver the row. Raises: Undelivered, aiohttp errors, OSError, TimeoutError."""
        body, headers = webhook_request(row, self._secret, str(int(clock.timestamp())))
        # A connection of its own: hand-offs are rare, and one that was kept may have been closed by the other side just now.
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=DELIVERY_S, sock_connect=CONNECT_S)) as session:
            async with session.post(self._url, data=body, headers=headers, allow_redirects=False) as response:
                if not 200 <= response.status < 300:
                    raise Undelivered(str(response.status), is_final=response.status in FINAL_STATUS)

    async def close(self) -> None:
        """Nothing is kept open."""


class Email:
    """Writes to the clinic, in the words of content/hand_off_mail.yml."""

    def __init__(self, smtp_url: str, sender: str, to: str, content: Callable[[], Content]) -> None:
        self._server, self._sender, self._to, self._content = urlsplit(smtp_url), sender, to, content
        self.title = f"e-mail {to} by {_machine(smtp_url)}"

    async def send(self, row: Claimed) -> None:
        """Deliver the row. Raises: Undelivered, smtplib errors, OSError, TimeoutError."""
        await in_daemon_thread(self._post, mail(self._content(), row, self._sender, self._to))

    def _post(self, message: EmailMessage) -> None:
        try:
            with self._connected() as smtp:
                smtp.send_message(message, self._sender, [self._to])
        except smtplib.SMTPRecipientsRefused as error:
            status = max(code for code, _ in error.recipients.values())
            raise Undelivered(f"SMTP {status}", is_final=status >= SMTP_PERMANENT) from None
        except smtplib.SMTPResponseException as error:
            raise Undelivered(f"SMTP {error.smtp_code}", is_final=error.smtp_code >= SMTP_PERMANENT) from None

    def _connected(self) -> smtplib.SMTP:
        """Return a connection that is encrypted, save on this machine, and logged in where the address says so."""
        server, context = self._server, ssl.create_default_context()
        if server.scheme == "smtps":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(server.hostname, server.port or SMTPS_PORT, timeout=CONNECT_S, context=context)
        else:
            smtp = smtplib.SMTP(server.hostname, server.port or SMTP_PORT, timeout=CONNECT_S)
        try:
            if server.scheme == "smtp":
                smtp.ehlo()
                if smtp.has_extn("starttls"):
                    smtp.starttls(context=context)
                elif server.hostname not in LOOPBACK:  # how somebody can be reached is not sent in the open
                    raise Undelivered("NoStartTls")
            if server.username:
                smtp.login(unquote(server.username), unquote(server.password or ""))
        except BaseException:
            smtp.close()
            raise
        return smtp

    async def close(self) -> None:
        """Nothing is kept open."""


def mail(content: Content, row: Claimed, sender: str, to: str) -> EmailMessage:
    """Return the mail about a hand-off. Sent again it has the same Message-ID, by which mail programs know a second copy."""
    payload, words = row.payload, content.mail
    level, region = words[f"level_{payload['level']}"], content.regions.get(payload["region"])
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, words["subject"].format(level=level)
    message["Message-ID"], message["Date"] = f"<{row.id}@{sender.rpartition('@')[2]}>", format_datetime(clock.now())
    message["Auto-Submitted"], message[MESSAGE_ID] = "auto-generated", row.id
    message.set_content(words["text"].format(
        findings="; ".join(payload["findings"]) or words["no_findings"], level=level, at=payload["at"], region=region.title if region else payload["region"],
        contact=payload["contact"] or words["no_contact"], conversation=payload["conversation"], id=row.id,
    ))  # fmt: skip
    return message


class Broker:
    """Publishes a row to the durable topic exchange `sijbot` of an AMQP broker, over one connection that is made anew where it broke."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Optional[aio_pika.abc.AbstractConnection] = None
        self._exchange: Optional[aio_pika.abc.AbstractExchange] = None
        self._connecting = asyncio.Lock()
        self.title = f"AMQP {_machine(url)}"

    async def send(self, row: Claimed) -> None:
        """Deliver the row: return when the broker has confirmed that it keeps it, in a queue. Raises: aio_pika errors, OSError, TimeoutError."""
        message = aio_pika.Message(
            json.dumps(row.payload).encode(), content_type="application/json", delivery_mode=aio_pika.DeliveryMode.PERSISTENT, message_id=row.id, type=row.kind,
        )  # fmt: skip
        try:
            exchange = await asyncio.wait_for(self._open_exchange(), CONNECT_S)
            await exchange.publish(message, routing_key(row.payload), mandatory=True, timeout=DELIVERY_S - CONNECT_S)
        except aio_pika.exceptions.PublishError:
            raise Undelivered("NoQueue") from None  # the broker would throw it away: it waits until somebody takes it
        except BaseException:
            await self.close()
            raise

    async def _open_exchange(self) -> aio_pika.abc.AbstractExchange:
        async with self._connecting:
            if self._exchange is None or self._connection is None or self._connection.is_closed:
                await self.close()
                self._connection = await aio_pika.connect(self._url, timeout=CONNECT_S)
                channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
                self._exchange = await channel.declare_exchange(EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True)
            return self._exchange

    async def close(self) -> None:
        """Close the connection, if there is one; the other side need not answer."""
        connection, self._connection, self._exchange = self._connection, None, None
        if connection is not None:
            with suppress(Exception):  # it is gone either way
                await asyncio.wait_for(connection.close(), CLOSE_S)


def routing_key(payload: Mapping[str, Any]) -> str:
    """Return what queues are bound by: the kind and the level, such as `turn.emergency` or `turn.none`."""
    return f"{payload['kind']}.{payload['level'] or 'none'}"


def sinks_of(settings: Settings, content: Callable[[], Content]) -> dict[str, Any]:
    """Return every sink that is set up, by its name. content: called when words are needed."""
    made = {
        "webhook": lambda: Webhook(settings.hand_off_webhook, settings.hand_off_secret),
        "email": lambda: Email(settings.smtp_url, settings.smtp_from, settings.hand_off_email, content),
        "amqp": lambda: Broker(settings.amqp_url),
    }
    return {name: made[name]() for name in settings.sinks}


async def in_daemon_thread(function: Callable[..., _Result], *arguments: Any) -> _Result:
    """Return what the function returns, called on a thread that nobody waits for at the end of the process, not even while it hangs."""
    future: Future = Future()
    future.set_running_or_notify_cancel()  # so that a deadline leaves it alone, and the thread can still put its result in

    def work() -> None:
        try:
            future.set_result(function(*arguments))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, name="relay", daemon=True).start()
    return await asyncio.wrap_future(future)


def _machine(url: str) -> str:
    """Return host and port of an address, without the name and password that may stand before it."""
    return urlsplit(url).netloc.rpartition("@")[2]
