"""Signed conversation tokens and signed button payloads."""

from __future__ import annotations

import hashlib
import hmac
from typing import Optional

import jwt

from sijbot import clock
from sijbot.adapters.assistant import Conversation
from sijbot.triage.lock import LIFETIME

_ALGORITHM = "HS256"
_SIGNATURE_CHARACTERS = 22


class Tokens:
    """Makes and checks what a browser carries. A token is bound to one conversation and holds for seven days; a payload to one conversation."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def issue(self, conversation: Conversation) -> str:
        """Return a token for the conversation."""
        expires = int(clock.timestamp() + LIFETIME.total_seconds())
        return jwt.encode({"sub": conversation.id, "region": conversation.region, "exp": expires}, self._secret, _ALGORITHM)

    def read(self, token: str) -> Optional[Conversation]:
        """Return the conversation of a token, or None for one that is forged, malformed or too old."""
        if not token.isascii():
            return None
        try:
            claims = jwt.decode(token, self._secret, [_ALGORITHM], options={"require": ["sub", "exp"], "verify_exp": False})
        except jwt.InvalidTokenError:
            return None
        return Conversation(claims["sub"], claims["region"]) if claims["exp"] > clock.timestamp() else None

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
