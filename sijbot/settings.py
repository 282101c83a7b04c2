"""What the environment says, as one frozen object. The only reader of `os.environ`."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, Optional

ROOT = Path(__file__).resolve().parent.parent
MINIMUM_SECRET_CHARACTERS = 32
LONGEST_TOKEN_DAYS, MOST_KEEP_DAYS = 7, 3650


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
    keep_days: int = 365  # how long what somebody agreed to is kept after they wrote last

    @property
    def content(self) -> Path:
        return self.root / "content"

    @property
    def model(self) -> Path:
        return self.var / "model" / "sijbot.tar.gz"

    @property
    def records_url(self) -> str:
        """The SQLAlchemy address of the database that holds records and conversations."""
        return self.database_url or f"sqlite:///{self.var / 'sijbot.db'}"


def from_environment(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings that the environment asks for.

    Raises: SettingsError naming the variable.
    """
    port = environ.get("PORT", "5005")
    if not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65536:
        raise SettingsError(f"PORT: '{port}' is not a port number between 1 and 65535")
    mode = environ.get("SIJBOT_MODE", "development")
    if mode not in ("development", "production"):
        raise SettingsError(f"SIJBOT_MODE: '{mode}' is neither 'development' nor 'production'")
    secret = environ.get("SIJBOT_SECRET") or None
    if mode == "production" and not secret:
        raise SettingsError(f"SIJBOT_SECRET: production needs a secret of at least {MINIMUM_SECRET_CHARACTERS} characters, the same on every replica")
    if secret and len(secret) < MINIMUM_SECRET_CHARACTERS:
        raise SettingsError(f"SIJBOT_SECRET: has {len(secret)} characters; at least {MINIMUM_SECRET_CHARACTERS} are needed")
    keep_days = environ.get("SIJBOT_KEEP_DAYS", "365")
    if not (keep_days.isascii() and keep_days.isdigit()) or not LONGEST_TOKEN_DAYS <= int(keep_days) <= MOST_KEEP_DAYS:
        raise SettingsError(f"SIJBOT_KEEP_DAYS: '{keep_days}' is not a number of days between {LONGEST_TOKEN_DAYS} and {MOST_KEEP_DAYS}")
    root = Path(environ.get("SIJBOT_ROOT") or ROOT).resolve()
    return Settings(
        root=root, var=Path(environ.get("SIJBOT_VAR") or root / "var").resolve(), host=environ.get("SIJBOT_HOST") or "127.0.0.1", port=int(port),
        production=mode == "production", region=environ.get("SIJBOT_REGION") or "unknown", secret=secret,
        action_endpoint_url=environ.get("ACTION_ENDPOINT_URL") or None, database_url=environ.get("SIJBOT_DATABASE_URL") or None,
        keep_days=int(keep_days),
    )  # fmt: skip


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
