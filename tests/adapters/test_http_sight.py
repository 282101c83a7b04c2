"""What those see who run it: figures on a port of their own, a log of objects, and in neither a word of anybody."""

from __future__ import annotations

import json

import httpx
import pytest

pytestmark = pytest.mark.slow

CANARY = "quokkabracket"


def test_words_are_in_no_log_and_no_metric_and_metrics_are_not_public(run_server, metrics_port):
    with run_server(SIJBOT_METRICS_PORT=str(metrics_port), SIJBOT_LOG="json") as server:
        token = server.start()
        server.say(token, f"how do I get my {CANARY} back in place?")
        server.say(token, f"/{CANARY}{{}}")
        server.raw(token, f'{{"message": "\\ud800 {CANARY}"}}'.encode())
        server.turn(token, message=CANARY, payload=f"topic:{CANARY}")
        server.turn(token, message=f"{CANARY} " * 5000)
        server.raw(token, f'{{"message": "{CANARY}'.encode())
        server.raw(f"{CANARY}.{CANARY}.{CANARY}", b"{}")
        server.http.get(f"/{CANARY}?{CANARY}", headers={"X-Forwarded-For": CANARY, "User-Agent": CANARY})
        public = server.http.get("/metrics")
        shown = httpx.get(f"http://127.0.0.1:{metrics_port}/metrics", trust_env=False).text
    said = server.log.read_text(encoding="utf-8")

    assert public.status_code == 404 and "sijbot_" not in public.text
    assert "sijbot_turns_total" in shown and CANARY not in shown.lower()
    assert CANARY not in said.lower()
    assert [line for line in said.splitlines() if line.startswith("{") and not json.loads(line)] == []
