"""The 136 questions that people ask: for each there are answers, and they hold the fact that it needs."""

from __future__ import annotations

import dataclasses

import pytest
import yaml

from sijbot.settings import ROOT

QUESTIONS = yaml.safe_load((ROOT / "tests" / "content" / "asked_questions.yml").read_text(encoding="utf-8"))


def text_of(content, content_id: str) -> str:
    """Return all that an answer or exercise says, on one line."""
    record = content.answers.get(content_id) or content.exercises[content_id]
    return " ".join(str(dataclasses.asdict(record)).replace("\\n", " ").replace("\\'", "'").split())


def facts(entry: dict) -> dict[str, str]:
    """Return the deciding words by the id that must hold them."""
    return entry["fact"] if isinstance(entry["fact"], dict) else {content_id: entry["fact"] for content_id in entry["answers"]}


def test_the_table_holds_every_question_once():
    assert [entry["number"] for entry in QUESTIONS] == list(range(1, 137))


@pytest.mark.parametrize("entry", [entry for entry in QUESTIONS if entry["answers"]], ids=lambda entry: str(entry["number"]))
def test_every_answer_of_the_table_holds_the_fact(content, entry):
    assert set(facts(entry)) == set(entry["answers"])
    for content_id, words in facts(entry).items():
        assert " ".join(words.split()) in text_of(content, content_id)
