"""Figures on held-out questions: from what was understood, and from nothing else."""

import pytest

from sijbot.evaluate import EvaluationError
from sijbot.evaluate_answers import Question, Understood, read_questions, report, understood

SUBJECTS = {"sleeping": "daily_life", "sitting": "daily_life", "no_dose": "limits"}
ASKED = Question("one-1", "how to lie", accept=("sleeping",))
BOTH = Question("two-1", "how to lie and sit", both=(("sleeping",), ("sitting",)))
TOLD = Question("short-1", "left side only", kind="remark")
OUTSIDE = Question("out-1", "my knee", kind="other_medical")


def made(question, outcome="answer", answered=(), ranked=("sleeping",), out_of_scope=0.0):
    return Understood(question, outcome, tuple(answered), tuple(ranked), out_of_scope)


def line(results, start):
    return next(row for row in report(results, SUBJECTS) if row.startswith(f"| {start}"))


def test_a_message_becomes_what_it_answers():
    message = {"outcome": "answer", "id": "sleeping", "also": ["sitting"], "ranking": [{"id": "sleeping", "confidence": 0.9}], "out_of_scope": 0.01}

    assert understood(BOTH, message) == made(BOTH, answered=("sleeping", "sitting"), out_of_scope=0.01)
    assert understood(ASKED, {**message, "outcome": "clarify"}).answered == ()


@pytest.mark.parametrize(
    "result, start, share",
    [
        (made(ASKED, answered=["sleeping"]), "right id ranked first", "100.0 %"), (made(ASKED, ranked=["sitting"]), "right id ranked first", "0.0 %"),
        (made(ASKED, ranked=["sitting", "stairs", "sleeping"]), "right id among the first three", "100.0 %"),
        (made(ASKED, ranked=["sitting", "stairs", "lifting", "sleeping"]), "right id among the first three", "0.0 %"),
        (made(ASKED, "clarify"), "answered directly |", "0.0 %"), (made(ASKED, answered=["sitting"]), "answered wrongly", "100.0 %"),
        (made(ASKED, answered=["sleeping"]), "answered wrongly", "0.0 %"),
        (made(BOTH, answered=["sitting", "sleeping"]), "two questions: both found", "100.0 %"), (made(BOTH, answered=["sleeping"]), "two questions: both found", "0.0 %"),
        (made(OUTSIDE, answered=["sleeping"]), "out of scope: an answer given", "100.0 %"), (made(OUTSIDE, answered=["no_dose"]), "out of scope: an answer given", "0.0 %"),
        (made(TOLD, "other"), "told, nothing asked: taken so", "100.0 %"), (made(TOLD, "clarify"), "told, nothing asked: taken so", "0.0 %"), (made(TOLD, answered=["sleeping"]), "told, nothing asked: taken so", "0.0 %"),
        (made(TOLD, answered=["sleeping"]), "told, nothing asked: an answer given", "100.0 %"), (made(TOLD, "out_of_scope"), "told, nothing asked: an answer given", "0.0 %"),
        (made(OUTSIDE, "out_of_scope"), "out of scope: an answer given", "0.0 %"), (made(OUTSIDE, "clarify"), "out of scope: an answer given", "0.0 %"),
    ],
)  # fmt: skip
def test_a_share_counts_what_it_names(result, start, share):
    assert f"| {share}" in line([result], start)


@pytest.mark.parametrize("text", ["", "[]", "- id: a", "- text: [", "- 5"])
def test_a_file_that_cannot_be_used_is_named(tmp_path, text):
    path = tmp_path / "questions.yml"
    path.write_text(text)

    with pytest.raises(EvaluationError, match="questions.yml"):
        read_questions(path)


def test_what_is_told_is_not_counted_as_out_of_scope():
    rows = list(report([made(TOLD, answered=["sleeping"])], SUBJECTS))

    assert not any("out of scope: an answer given" in row for row in rows)
