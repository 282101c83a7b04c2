"""Tokens and signed payloads, without a server."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sijbot import clock
from sijbot.adapters.assistant import Conversation
from sijbot.adapters.tokens import Tokens
from sijbot.adapters.web_channel import typed_text

WEEK = timedelta(days=7)  # the issue: as long as the token of a conversation


@pytest.fixture
def tokens():
    yield Tokens("a secret of this test alone, long enough")
    clock.reset()


@pytest.mark.parametrize("passed, holds", [(timedelta(), True), (WEEK - timedelta(minutes=1), True), (WEEK + timedelta(minutes=1), False)])
def test_a_token_holds_for_seven_days(tokens, passed, holds):
    conversation = Conversation.new("uk")
    token = tokens.issue(conversation)

    clock.advance(passed)

    assert tokens.read(token) == (conversation if holds else None)


@pytest.mark.parametrize("passed, holds", [(timedelta(days=364), True), (timedelta(days=366), False)])
def test_a_token_holds_as_long_as_was_agreed(tokens, passed, holds):
    conversation = Conversation("a" * 32, "uk", keep_days=365)
    token = tokens.issue(conversation)

    clock.advance(passed)

    assert tokens.read(token) == (conversation if holds else None)


@pytest.mark.parametrize("passed, holds", [(timedelta(minutes=59), True), (timedelta(minutes=61), False)])
def test_the_address_of_a_file_holds_for_an_hour_for_that_file(tokens, passed, holds):
    conversation = Conversation.new("uk")
    token = tokens.for_document(conversation, "chart.svg")

    clock.advance(passed)

    assert (tokens.of_document(token, "chart.svg") == conversation) is holds
    assert tokens.of_document(token, "data.json") is None and tokens.read(token) is None


def test_conversation_ids_cannot_be_guessed():
    ids = {Conversation.new().id for _ in range(100)}

    assert len(ids) == 100
    assert all(len(conversation_id) >= 32 for conversation_id in ids)


def test_a_payload_fits_its_conversation_only(tokens):
    own, foreign = Conversation.new(), Conversation.new()
    signed = tokens.sign(own, "topic:clam_shell")

    assert tokens.verified(own, signed) == "topic:clam_shell"
    assert tokens.verified(foreign, signed) is None


@pytest.mark.parametrize("change", [
    lambda token: token + "=", lambda token: token + "!", lambda token: token[:-1] + chr(ord(token[-1]) ^ 1), lambda token: token[:-3] + "!" + token[-3:], lambda token: token + "A",
    lambda token: token + "\n", lambda token: token + "é", lambda token: "", lambda token: "..", lambda token: token.replace(".", "..", 1),
])  # fmt: skip
def test_one_token_is_one_text(tokens, change):
    conversation = Conversation.new("uk")

    assert tokens.read(change(tokens.issue(conversation))) is None
    assert tokens.of_document(change(tokens.for_document(conversation, "chart.svg")), "chart.svg") is None


def test_another_secret_verifies_nothing(tokens):
    conversation, other = Conversation.new(), Tokens("another secret, which is long enough too")

    assert other.read(tokens.issue(conversation)) is None
    assert other.verified(conversation, tokens.sign(conversation, "more:anatomy")) is None


@pytest.mark.parametrize("text", ["/restart", " /restart", "//restart", "/ /restart", "/\n/ /restart", "/\u3000/restart"])
def test_typed_text_begins_with_no_slash(text):
    assert typed_text(text) == "restart"
