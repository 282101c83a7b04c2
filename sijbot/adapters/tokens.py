"""Signed conversation tokens and signed button payloads."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import timedelta
from typing import Any, Optional

import jwt

from sijbot import clock
from sijbot.adapters.assistant import Conversation
from sijbot.triage.lock import LIFETIME

DOCUMENT_LIFETIME = timedelta(hours=1)
_ALGORITHM = "HS256"
_SIGNATURE_CHARACTERS = 22
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


class Tokens:
    """Makes and checks what a browser carries. A token is bound to one conversation and holds for seven days; a payload to one conversation."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def issue(self, conversation: Conversation) -> str:
        """Return a token for the conversation; it holds longer where somebody agreed to keeping."""
        expires = int(clock.timestamp() + max(LIFETIME, timedelta(conversation.keep_days)).total_seconds())
        claims = {"sub": conversation.id, "region": conversation.region, "keep": conversation.keep_days, "exp": expires}
        return jwt.encode(claims, self._secret, _ALGORITHM)

    def read(self, token: str) -> Optional[Conversation]:
        """Return the conversation of a token, or None for one that is forged, malformed or too old."""
        claims = self._claims(token)
        is_valid = claims is not None and "name" not in claims  # a link to a file opens no conversation
        return Conversation(claims["sub"], claims["region"], claims.get("keep", 0)) if is_valid else None

    def for_document(self, conversation: Conversation, name: str) -> str:
        """Return a token that opens one file of the conversation for an hour."""
        expires = int(clock.timestamp() + DOCUMENT_LIFETIME.total_seconds())
        return jwt.encode({"sub": conversation.id, "region": conversation.region, "name": name, "exp": expires}, self._secret, _ALGORITHM)

    def of_document(self, token: str, name: str) -> Optional[Conversation]:
        """Return the conversation of a file's token, or None where it is forged, too old, or for another file."""
        claims = self._claims(token)
        return Conversation(claims["sub"], claims["region"]) if claims is not None and claims.get("name") == name else None

    def _claims(self, token: str) -> Optional[dict[str, Any]]:
        """Return what a token says, or None for one that is forged, malformed or too old."""
        if not _TOKEN.fullmatch(token) or not _is_canonical(token.rpartition(".")[2]):
            return None
        try:
            claims = jwt.decode(token, self._secret, [_ALGORITHM], options={"require": ["sub", "exp"], "verify_exp": False})
        except jwt.InvalidTokenError:
            return None
        return claims if claims["exp"] > clock.timestamp() else None

    def sign(self, conversation: Conversation, payload: str) -> str:
        """Return the payload with a signature that only fits this conversation."""
        signed = f"{conversation.id}\n{payload}".encode("utf-8", "replace")
        mac = hmac.new(self._secret.encode(), signed, hashlib.sha256).hexdigest()
        return f"{payload}~{mac[:_SIGNATURE_CHARACTERS]}"

    def verified(self, conversation: Conversation, signed: str) -> Optional[str]:
        """Return the payload of a signed one, or None where the signature does not fit."""
        payload = signed.rpartition("~")[0]
        expected = self.sign(conversation, payload)
        return payload if hmac.compare_digest(expected.encode("utf-8", "replace"), signed.encode("utf-8", "replace")) else None


def _is_canonical(signature: str) -> bool:
    """True where no other text stands for the same signature: its last character has bits that decoding leaves out, as it does padding and characters of no meaning."""
    try:
        decoded = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    except ValueError:
        return False
    return base64.urlsafe_b64encode(decoded).rstrip(b"=") == signature.encode()
