"""Which part of a message asks."""

import pytest

from sijbot.language.focus import question_part


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("It hurts. It has hurt since Monday.", id="nothing is asked"),
        pytest.param("How should I sleep?", id="only a question"),
        pytest.param("How should I sleep? And how should I sit?", id="only questions"),
        pytest.param("It hurts on the left. Why?", id="a question of one word"),
        pytest.param("It hurts on the left. Any tips?", id="a question of two words"),
    ],
)
def test_a_text_that_is_not_a_story_round_a_question_stays_whole(text):
    assert question_part(text) == text


@pytest.mark.parametrize(
    "text, question",
    [
        ("It has hurt since Monday. How should I sleep?", "How should I sleep?"),
        ("How should I sleep? It has hurt since Monday.", "How should I sleep?"),
        ("I fell over!\nIs walking good?\nThank you.", "Is walking good?"),
        ("It hurts. Is walking good? I like it. Is sitting bad?", "Is walking good? Is sitting bad?"),
        ("It hurts. May I stretch??", "May I stretch??"),
    ],
)
def test_of_a_story_with_a_question_only_the_question_stays(text, question):
    assert question_part(text) == question
