"""The one decision about doubt, and that a pressed button is no matter of doubt."""

from __future__ import annotations

import asyncio

import pytest

from sijbot import runtime
from sijbot.adapters.assistant import Conversation
from sijbot.adapters.dialogue import LocalAssistant
from sijbot.adapters.topic_classifier import TopicClassifier
from sijbot.language.decision import Thresholds, decide

SURE = Thresholds(answer=0.5, margin=0.1, out_of_scope=0.4)


@pytest.mark.parametrize(
    "ranking, outcome",
    [
        ([("out_of_scope", 0.40), ("joint/anatomy", 0.39)], "out_of_scope"), ([("out_of_scope", 0.39), ("joint/anatomy", 0.1)], "clarify"),
        ([("out_of_scope", 0.9), ("joint/anatomy", 0.1)], "out_of_scope"), ([("joint/anatomy", 0.49), ("out_of_scope", 0.0)], "clarify"),
        ([("joint/anatomy", 0.5), ("out_of_scope", 0.5)], "clarify"), ([("joint/anatomy", 0.75), ("joint/function", 0.75)], "clarify"),
        ([("joint/anatomy", 0.75), ("joint/function", 0.5)], "answer"), ([("joint/anatomy", 0.5), ("joint/function", 0.25)], "answer"),
        ([("joint/anatomy", 1.0), ("out_of_scope", 0.0)], "answer"),
    ],
)  # fmt: skip
def test_doubt_is_decided_at_the_thresholds(ranking, outcome):
    assert decide(ranking, SURE) == outcome


@pytest.mark.slow
def test_a_pressed_topic_is_taken_with_certainty_whatever_its_words(own_var, content):
    local = LocalAssistant.load(own_var)

    async def press(content_id):
        conversation = Conversation.new()
        await local.say(conversation, "hello", f"topic:{content_id}")
        return await local.last_message(conversation)

    async def press_all():
        return {content_id: await press(content_id) for content_id in content.subject_of}

    pressed = asyncio.run(press_all())
    runtime.use(None)
    assert {content_id: message["understood"]["id"] for content_id, message in pressed.items()} == {key: key for key in content.subject_of}
    assert {message["intent"]["confidence"] for message in pressed.values()} == {1.0}


@pytest.mark.slow
def test_what_is_handed_over_by_its_words_is_not_read_for_what_it_asks(own_var, monkeypatch):
    local, read, rank = LocalAssistant.load(own_var), [], TopicClassifier.rank
    monkeypatch.setattr(TopicClassifier, "rank", lambda self, text: (read.append(text), rank(self, text))[1])

    async def say(text):
        read.clear()
        turn = await local.say(Conversation.new(), text)
        assert not turn.failed
        return turn, list(read)

    async def say_both():
        return await say("I've lost control of my bladder. Where is the SI joint?"), await say("Where is the SI joint?")

    (danger, read_of_danger), (question, read_of_question) = asyncio.run(say_both())
    runtime.use(None)
    assert danger.assessment.level == "emergency" and read_of_danger == []
    assert question.assessment.level is None and read_of_question != []
