"""What the environment says, as one frozen object. The only reader of `os.environ`."""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Mapping, Optional
from urllib.parse import SplitResult, urlsplit

ROOT = Path(__file__).resolve().parent.parent
MINIMUM_SECRET_CHARACTERS = 32
LONGEST_TOKEN_DAYS, MOST_KEEP_DAYS = 7, 3650
MOST_PORT, MOST_MESSAGES, MOST_REQUESTS, MOST_PROXIES, MOST_DRAIN_S = 65535, 100_000, 1_000_000, 10, 300
# As a browser sends it: in small letters, and without the port that is the usual one. Nobody between can change what comes from the machine itself: there without TLS too.
_HOST = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_ORIGIN = re.compile(rf"(?:https://(?:{_HOST}(?:\.{_HOST})*|\[[0-9a-f:]+\])(?!:443$)|http://(?:localhost|127\.0\.0\.1|\[::1\])(?!:80$))(?::([1-9][0-9]{{0,4}}))?")
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_{|}~.-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
WEBHOOK, EMAIL, AMQP = "webhook", "email", "amqp"  # the ways out of the outbox
INSIDE, APART = "inside", "apart"


class SettingsError(Exception):
    """A setting that cannot be used; the message names it."""


@dataclass(frozen=True)
class Settings:
    """Where things are and how to run. Paths are absolute."""

    root: Path = ROOT
    var: Path = ROOT / "var"
    host: str = "127.0.0.1"
    port: int = 5005
    production: bool = False
    region: str = "unknown"
    secret: Optional[str] = None  # SIJBOT_SECRET; made in var/ where it is not given and this is not production
    action_endpoint_url: Optional[str] = None
    database_url: Optional[str] = None
    drain_s: int = 0  # for how long messages are still taken after the process was told to end
    migrates: bool = True  # brings the database to the newest schema at the start; else only looks whether it is there
    keep_days: int = 365  # how long what somebody agreed to is kept after they wrote last
    origins: tuple[str, ...] = ()  # of other websites that may embed the chat
    messages_per_minute: int = 60  # of one conversation
    requests_per_minute: int = 600  # of one address
    proxies: int = 0  # how many stand in front: of so many the last entries of X-Forwarded-For are believed
    relay: str = INSIDE  # whether the server delivers what is in the outbox, or `sijbot relay` apart from it
    hand_off_webhook: Optional[str] = None
    hand_off_secret: Optional[str] = field(default=None, repr=False)
    hand_off_email: Optional[str] = None
    smtp_url: Optional[str] = field(default=None, repr=False)  # with name and password, as that of the broker
    smtp_from: Optional[str] = None
    amqp_url: Optional[str] = field(default=None, repr=False)
    metrics_port: Optional[int] = None  # of the listener for Prometheus; None: there is none
    json_logs: bool = False  # one JSON object a line
    model_file: Optional[Path] = None  # where the model is, if not in var/: in an image, which is not written to

    @property
    def content(self) -> Path:
        return self.root / "content"

    @property
    def model(self) -> Path:
        return self.model_file or self.var / "model" / "sijbot.tar.gz"

    @property
    def hand_off_sink(self) -> Optional[str]:
        """The way by which a clinic is told of a hand-off; None: nobody can be told."""
        return WEBHOOK if self.hand_off_webhook else EMAIL if self.hand_off_email else None

    @property
    def sinks(self) -> tuple[str, ...]:
        """Every way out of the outbox that is set up."""
        return tuple(sink for sink in (self.hand_off_sink, AMQP if self.amqp_url else None) if sink)

    @property
    def records_url(self) -> str:
        """The SQLAlchemy address of the database that holds records and conversations."""
        return self.database_url or f"sqlite:///{self.var / 'sijbot.db'}"


def from_environment(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings that the environment asks for.

    Raises: SettingsError naming the variable.
    """
    mode = environ.get("SIJBOT_MODE", "development")
    if mode not in ("development", "production"):
        raise SettingsError(f"SIJBOT_MODE: '{mode}' is neither 'development' nor 'production'")
    secret = environ.get("SIJBOT_SECRET") or None
    if mode == "production" and not secret:
        raise SettingsError(f"SIJBOT_SECRET: production needs a secret of at least {MINIMUM_SECRET_CHARACTERS} characters, the same on every replica")
    if secret and len(secret) < MINIMUM_SECRET_CHARACTERS:
        raise SettingsError(f"SIJBOT_SECRET: has {len(secret)} characters; at least {MINIMUM_SECRET_CHARACTERS} are needed")
    root = Path(environ.get("SIJBOT_ROOT") or ROOT).resolve()
    return Settings(
        root=root, var=Path(environ.get("SIJBOT_VAR") or root / "var").resolve(), host=environ.get("SIJBOT_HOST") or "127.0.0.1",
        port=_number(environ, "PORT", Settings.port, 1, MOST_PORT),
        production=mode == "production", region=environ.get("SIJBOT_REGION") or "unknown", secret=secret,
        action_endpoint_url=environ.get("ACTION_ENDPOINT_URL") or None, database_url=environ.get("SIJBOT_DATABASE_URL") or None,
        drain_s=_number(environ, "SIJBOT_DRAIN_S", Settings.drain_s, 0, MOST_DRAIN_S),
        migrates=_one_of(environ, "SIJBOT_MIGRATE", ("auto", "off")) == "auto",
        keep_days=_number(environ, "SIJBOT_KEEP_DAYS", Settings.keep_days, LONGEST_TOKEN_DAYS, MOST_KEEP_DAYS), origins=_origins(environ.get("SIJBOT_ORIGINS") or None),
        messages_per_minute=_number(environ, "SIJBOT_MESSAGES_PER_MINUTE", Settings.messages_per_minute, 1, MOST_MESSAGES),
        requests_per_minute=_number(environ, "SIJBOT_REQUESTS_PER_MINUTE", Settings.requests_per_minute, 1, MOST_REQUESTS),
        proxies=_number(environ, "SIJBOT_PROXIES", Settings.proxies, 0, MOST_PROXIES), metrics_port=_metrics_port(environ), json_logs=_one_of(environ, "SIJBOT_LOG", ("text", "json")) == "json",
        **_delivery(environ), model_file=Path(environ["SIJBOT_MODEL"]).resolve() if environ.get("SIJBOT_MODEL") else None,
    )  # fmt: skip


def _one_of(environ: Mapping[str, str], name: str, values: tuple[str, ...]) -> str:
    """Return the value of a variable, the first where it is not set."""
    value = environ.get(name) or values[0]
    if value not in values:
        raise SettingsError(f"{name}: '{value}' is none of {', '.join(values)}")
    return value


def _delivery(environ: Mapping[str, str]) -> dict[str, Optional[str]]:
    """Return the settings of the outbox and its relay. What may hold a password is not repeated in a refusal."""
    webhook, secret, email, smtp, sender, amqp = (
        environ.get(f"SIJBOT_{name}") or None for name in ("HAND_OFF_WEBHOOK", "HAND_OFF_SECRET", "HAND_OFF_EMAIL", "SMTP_URL", "SMTP_FROM", "AMQP_URL")
    )
    if webhook:
        parts = _url("SIJBOT_HAND_OFF_WEBHOOK", webhook, ("https", "http"), "https://clinic.example/hand-offs")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise SettingsError("SIJBOT_HAND_OFF_WEBHOOK: http is for this machine alone; to another one it must be https")
        if parts.username is not None or parts.password is not None or parts.fragment:
            raise SettingsError("SIJBOT_HAND_OFF_WEBHOOK: holds a name, a password or a '#'; the receiver knows us by SIJBOT_HAND_OFF_SECRET")
        if email:
            raise SettingsError("SIJBOT_HAND_OFF_EMAIL: SIJBOT_HAND_OFF_WEBHOOK is set too; a hand-off goes one way, so that what the person is told of it is true")
        if not secret:
            raise SettingsError("SIJBOT_HAND_OFF_SECRET: is missing; SIJBOT_HAND_OFF_WEBHOOK needs it to sign what it sends")
    if secret and len(secret) < MINIMUM_SECRET_CHARACTERS:
        raise SettingsError(f"SIJBOT_HAND_OFF_SECRET: has {len(secret)} characters; at least {MINIMUM_SECRET_CHARACTERS} are needed")
    if smtp:
        _url("SIJBOT_SMTP_URL", smtp, ("smtps", "smtp"), "smtps://name:password@mail.example:465")
    for name, address in (("SIJBOT_HAND_OFF_EMAIL", email), ("SIJBOT_SMTP_FROM", sender)):
        if address and not _ADDRESS.fullmatch(address):
            raise SettingsError(f"{name}: '{address}' is not an address such as hand-offs@clinic.example")
    for name, value in (("SIJBOT_SMTP_URL", smtp), ("SIJBOT_SMTP_FROM", sender)):
        if email and not value:
            raise SettingsError(f"{name}: is missing; SIJBOT_HAND_OFF_EMAIL needs it to send anything")
    if amqp:
        _url("SIJBOT_AMQP_URL", amqp, ("amqps", "amqp"), "amqps://name:password@broker.example:5671/")
    return {
        "relay": _one_of(environ, "SIJBOT_RELAY", (INSIDE, APART)), "hand_off_webhook": webhook, "hand_off_secret": secret, "hand_off_email": email, "smtp_url": smtp, "smtp_from": sender, "amqp_url": amqp,
    }  # fmt: skip


def _url(name: str, text: str, schemes: tuple[str, ...], example: str) -> SplitResult:
    """Return the parts of an address that begins with one of the schemes and names a machine."""
    try:
        parts = urlsplit(text)
        is_usable = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0 and text.isprintable() and " " not in text
    except ValueError:  # a port or an IPv6 address that cannot be
        is_usable = False
    if not is_usable:
        raise SettingsError(f"{name}: is not an address such as {example}")
    return parts


def _number(environ: Mapping[str, str], name: str, usual: int, least: int, most: int) -> int:
    text = environ.get(name, str(usual))
    if not re.fullmatch("[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise SettingsError(f"{name}: '{text}' is not a whole number between {least} and {most}")
    return int(text)


def _metrics_port(environ: Mapping[str, str]) -> Optional[int]:
    """Return the port of the metrics. Never the public one: what is counted is for those who run this."""
    if not environ.get("SIJBOT_METRICS_PORT"):
        return None
    port = _number(environ, "SIJBOT_METRICS_PORT", 0, 1, MOST_PORT)
    if port == _number(environ, "PORT", Settings.port, 1, MOST_PORT):
        raise SettingsError(f"SIJBOT_METRICS_PORT: {port} is the port of the chat; metrics need one of their own")
    return port


def _origins(text: Optional[str]) -> tuple[str, ...]:
    """Return the origins of a comma-separated list. Each is compared with what a browser sends, so that what it never sends is a mistake."""
    entries = [entry.strip() for entry in text.split(",")] if text is not None else []
    for entry in entries:
        origin = _ORIGIN.fullmatch(entry)
        if origin is None or int(origin[1] or 1) > MOST_PORT:
            raise SettingsError(f"SIJBOT_ORIGINS: '{entry}' is not the origin of a website, such as https://clinic.example or https://clinic.example:8443 (http only for this machine)")
    return tuple(entries)


def prepare_var(settings: Settings) -> None:
    """Make the folder for databases, model and secret.

    Raises: SettingsError where it cannot be written.
    """
    try:
        settings.var.mkdir(parents=True, exist_ok=True)
        probe = settings.var / ".writable"
        probe.write_text("", encoding="utf-8")
        probe.unlink()
    except OSError as error:
        raise SettingsError(f"{settings.var}: cannot be written ({error.strerror}); set SIJBOT_VAR to a folder that can") from None


def signing_secret(settings: Settings) -> str:
    """Return the secret that signs conversation tokens: the given one, or one of this machine's, made once in `var/` (mode 0600)."""
    if settings.secret:
        return settings.secret
    path = settings.var / "secret"
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(48))
        return path.read_text(encoding="utf-8")
