"""Signed conversation tokens and signed button payloads."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from typing import Optional

import jwt

from sijbot import clock
from sijbot.adapters.assistant import Conversation
from sijbot.triage.lock import LIFETIME

DOCUMENT_LIFETIME = timedelta(hours=1)
_ALGORITHM = "HS256"
_SIGNATURE_CHARACTERS = 22


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
        if not token.isascii():
            return None
        try:
            claims = jwt.decode(token, self._secret, [_ALGORITHM], options={"require": ["sub", "exp"], "verify_exp": False})
        except jwt.InvalidTokenError:
            return None
        is_valid = claims["exp"] > clock.timestamp() and "name" not in claims  # a link to a file opens no conversation
        return Conversation(claims["sub"], claims["region"], claims.get("keep", 0)) if is_valid else None

    def for_document(self, conversation: Conversation, name: str) -> str:
        """Return a token that opens one file of the conversation for an hour."""
        expires = int(clock.timestamp() + DOCUMENT_LIFETIME.total_seconds())
        return jwt.encode({"sub": conversation.id, "region": conversation.region, "name": name, "exp": expires}, self._secret, _ALGORITHM)

    def of_document(self, token: str, name: str) -> Optional[Conversation]:
        """Return the conversation of a file's token, or None where it is forged, too old, or for another file."""
        try:
            claims = jwt.decode(token, self._secret, [_ALGORITHM], options={"require": ["sub", "exp", "name"], "verify_exp": False})
        except (jwt.InvalidTokenError, UnicodeError):
            return None
        return Conversation(claims["sub"], claims["region"]) if claims["exp"] > clock.timestamp() and claims["name"] == name else None

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
