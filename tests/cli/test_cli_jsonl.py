"""`sijbot screen` and `sijbot ask` over JSON lines, as another program uses them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

BLADDER = "I've lost control of my bladder"
OUTCOMES = {"answer", "clarify", "out_of_scope", "screened", "smalltalk", "coach", "other"}


def run_lines(command, lines):
    """Return (exit code, parsed lines of output) of a command fed with lines: objects, or bytes as they are."""
    fed = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    run = subprocess.run([sys.executable, "-W", "ignore", "-m", "sijbot.cli", command, "--jsonl"], input=fed, capture_output=True, timeout=120)
    assert b"Traceback" not in run.stderr
    return run.returncode, [json.loads(line) for line in run.stdout.splitlines()]


def test_screen_keeps_order_and_goes_on_after_bad_lines(content):
    first_ask = next((flag, case.text) for flag, cases in content.cases.items() for case in cases if case.expect == "ask")
    lines = [
        {"id": "a", "text": BLADDER}, b"{not json", {"id": 2, "text": "hello"}, {"text": "no id"}, {"id": 3, "text": 7}, b"\xff\xfe", b"[]",
        {"id": 4, "text": "x", "earlier": "x"}, {"id": 5, "text": "a little", "earlier": [first_ask[1]]}, {"id": 6, "text": "a little"},
        {"id": 7, "text": first_ask[1]}, {"id": 8, "text": "\U0001f600 " + BLADDER}, {"id": 9, "text": "\ud800"},
    ]  # fmt: skip

    code, out = run_lines("screen", lines)

    assert code == 1
    assert [item["id"] for item in out] == ["a", None, 2, None, None, None, None, None, 5, 6, 7, 8, 9]
    assert all(set(item) == {"id", "error"} and item["error"] for item in out if item["id"] is None)
    by_id = {item["id"]: item for item in out}
    assert (by_id["a"]["outcome"], by_id["a"]["level"], by_id["a"]["flags"]) == ("alarm", "emergency", ["ces_bladder_incontinence"])
    assert by_id[2] == {"id": 2, "outcome": "none", "level": None, "flags": [], "evidence": []}
    assert (by_id[5]["outcome"], by_id[5]["flags"][0]) == ("alarm", by_id[7]["flags"][0])
    assert by_id[6]["outcome"] == "none"
    assert (by_id[7]["outcome"], first_ask[0] in by_id[7]["flags"]) == ("ask", True)
    assert [len(item["evidence"]) for item in out if item["id"]] == [len(item["flags"]) for item in out if item["id"]]
    (evidence,), (shifted,) = by_id["a"]["evidence"], by_id[8]["evidence"]
    assert 0 <= evidence["start"] < evidence["end"] <= len(BLADDER)
    assert (shifted["start"], shifted["end"]) == (evidence["start"] + 2, evidence["end"] + 2)


def test_screen_ends_well_where_every_line_is_good():
    code, out = run_lines("screen", [{"id": 1, "text": "hello"}, {"id": 2, "text": ""}])

    assert (code, [item["id"] for item in out]) == (0, [1, 2])


@pytest.mark.slow
def test_ask_answers_each_line_as_a_conversation_of_its_own(trained, content):
    lines = [
        {"id": 1, "text": "how do I get my SI joint back in place?"}, {"id": 2, "text": BLADDER, "region": "uk"}, b"nonsense",
        {"id": 3, "text": "how do I do a clam shell?"}, {"id": 4, "text": "hello"}, {"id": 5, "text": "how do I do a clam shell?", "earlier": [BLADDER]},
        {"id": 6, "text": "what is the capital of France?"}, {"id": 7, "text": "/restart"}, {"id": 8, "text": ""},
    ]  # fmt: skip

    code, out = run_lines("ask", lines)

    by_id = {item["id"]: item for item in out}
    assert (code, [item["id"] for item in out]) == (1, [1, 2, None, 3, 4, 5, 6, 7, 8])
    for item in (item for item in out if item["id"]):
        assert set(item) == {"id", "outcome", "level", "answers", "replies"}
        assert item["outcome"] in OUTCOMES and item["replies"] and all(item["replies"])
        assert 0 < len(item["answers"]) <= 5
        assert all(set(answer) == {"id", "confidence"} and 0 <= answer["confidence"] <= 1 for answer in item["answers"])
    assert (by_id[1]["outcome"], by_id[1]["answers"][0]["id"]) == ("answer", "back_in_place")
    assert (by_id[2]["outcome"], by_id[2]["level"]) == ("screened", "emergency")
    assert content.regions["uk"].emergency_line in by_id[2]["replies"][0]
    assert content.exercises["clam_shell"].steps[0] in by_id[3]["replies"][0]
    assert by_id[4]["outcome"] == "smalltalk"
    assert content.exercises["clam_shell"].steps[0] not in "".join(by_id[5]["replies"])
    assert by_id[6]["outcome"] == "out_of_scope"
