"""The 136 questions that people ask, each as it stands and as the first message: at least 130 reach an answer that holds the needed fact (tests/content/asked_questions.yml)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
import yaml

from sijbot.adapters.dialogue import understand
from sijbot.settings import ROOT, Settings
from sijbot.triage.assess import NONE

pytestmark = pytest.mark.slow

REACHED_AT_LEAST = 130
QUESTIONS = yaml.safe_load((ROOT / "tests" / "content" / "asked_questions.yml").read_text(encoding="utf-8"))


def is_reached(entry: Mapping, message: Mapping) -> bool:
    """Return whether one of the answers of the table was given; to a question for which the table has none, that the danger screen found something."""
    answered = {message["id"], *message["also"]} if message["outcome"] == "answer" else set()
    return bool(answered & set(entry["answers"])) if entry["answers"] else message["verdict"] != NONE


def test_the_questions_that_people_ask_reach_an_answer(trained: Settings) -> None:
    messages = asyncio.run(understand(trained, [entry["question"] for entry in QUESTIONS]))

    missed = [f"{entry['number']} {entry['question']}: {message['outcome']} {message['id']}" for entry, message in zip(QUESTIONS, messages) if not is_reached(entry, message)]

    assert len(QUESTIONS) - len(missed) >= REACHED_AT_LEAST, "\n".join(missed)
