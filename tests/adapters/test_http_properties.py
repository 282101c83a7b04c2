"""Whatever is sent, there is a sentence, and the server lives. The examples are the same on every run."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.slow

EXPECTED = {200, 400, 401, 413}
same_every_time = settings(max_examples=60, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))

anything = st.text(st.characters(exclude_categories=()), max_size=3000)  # lone surrogates and NUL too
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=5,
)  # fmt: skip


def check(server, response) -> None:
    assert response.status_code in EXPECTED
    replies = response.json()["replies"]
    assert replies and all(reply["text"].strip() for reply in replies)
    assert server.is_alive()


@given(text=anything)
@same_every_time
def test_any_text_gets_a_sentence(server, text):
    response = server.raw(server.start(), json.dumps({"message": text}).encode())

    check(server, response)


@given(key=st.sampled_from(["message", "payload"]), value=json_values)
@same_every_time
def test_any_json_value_gets_a_sentence(server, key, value):
    response = server.raw(server.start(), json.dumps({key: value}).encode())

    check(server, response)


@given(region=json_values)
@same_every_time
def test_any_region_gets_a_sentence(server, region):
    response = server.http.post("/webhooks/web/conversations", content=json.dumps({"region": region}).encode())

    check(server, response)
