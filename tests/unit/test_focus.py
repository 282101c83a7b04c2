"""Which part of a message asks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sijbot.language.focus import asks, halves, listed, question_part


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


@pytest.mark.parametrize(
    "text, is_question",
    [
        pytest.param("", False, id="empty"),
        pytest.param("It hurts. It has hurt since Monday.", False, id="nothing is asked"),
        pytest.param("It hurts on the left. Why?", False, id="a question of one word is about what stands before it"),
        pytest.param("It hurts. How should I sleep?", True, id="a sentence with a mark"),
        pytest.param("how should i sleep", True, id="a sentence that begins with a word that asks"),
        pytest.param("but it does slip out of place", False, id="a statement"),
        pytest.param("My physio said to walk. also can i swim", True, id="behind a story, without a mark"),
    ],
)
def test_whether_a_message_asks(text, is_question):
    assert asks(text) is is_question


@pytest.mark.parametrize(
    "text, cut",
    [
        pytest.param("", [], id="empty"),
        pytest.param("How should I sleep?", [], id="one question"),
        pytest.param("Why? How should I sleep?", [], id="half of one word says nothing alone"),
        pytest.param("How should I sleep? And can I swim?", [("How should I sleep?", "And can I swim?")], id="two sentences"),
        pytest.param("how should i sleep and can i swim", [("how should i sleep", "can i swim")], id="strung together"),
        pytest.param("I came off my bike in 2009 and that healed. Where is the joint?", [], id="what is told before a question"),
        pytest.param("Where is the joint? I want to get it.", [], id="what is told behind it"),
        pytest.param("can i run, should i wear a belt", [("can i run", "should i wear a belt")], id="parted by a comma"),
        pytest.param("do insoles help n does acupuncture help", [("do insoles help", "does acupuncture help")], id="n for and"),
        pytest.param("one hip is higher, is that why it hurts", [], id="a question about what stands before it"),
        pytest.param("is it the hip bone or the joint itself", [], id="or between two things"),
        pytest.param("does it heal by itself or should i see someone", [("does it heal by itself", "should i see someone")], id="or between two questions"),
        pytest.param("heat or ice, and which side do i sleep on", [("heat or ice", "which side do i sleep on")], id="every place that is long enough on both sides"),
        pytest.param(
            "Is it bad? Can I run with it. or swim",
            [("Is it bad?", "Can I run with it. or swim"), ("Is it bad? Can I run with it.", "or swim")], id="three sentences",
        ),
    ],
)  # fmt: skip
def test_where_a_message_may_fall_in_two(text, cut):
    assert halves(text) == cut


@pytest.mark.parametrize(
    "text, items",
    [
        pytest.param("", [], id="empty"),
        pytest.param("How should I sleep? And can I swim?", [], id="no list"),
        pytest.param("1) how do i sleep\n2) can i swim", ["how do i sleep", "can i swim"], id="numbers on lines"),
        pytest.param("two things 1. sleeping 2. swimming, is it ok", ["sleeping", "swimming, is it ok"], id="numbers in a line, words before them"),
        pytest.param("1 belts 2 planks 3 bed", ["belts", "planks", "bed"], id="bare numbers"),
        pytest.param("Q1 how to sleep? Q2 can i swim?", ["how to sleep?", "can i swim?"], id="numbered questions"),
        pytest.param("a) sleeping b) swimming", ["sleeping", "swimming"], id="letters"),
        pytest.param("one: sleeping, two: swimming", ["sleeping", "swimming"], id="words"),
        pytest.param("please help:\n- sleeping\n- swimming", ["sleeping", "swimming"], id="lines with dashes"),
        pytest.param("pelvis - does it move - much", [], id="dashes within a line"),
        pytest.param("2 planks 3 bridges", [], id="numbers that do not begin at one"),
        pytest.param("a sore back b) swimming", [], id="one mark alone"),
        pytest.param("1) /restart 2) /stop", ["restart", "stop"], id="an item is never a command"),
        pytest.param("hurts 1 or 2 days after running", ["or", "days after running"], id="looks like a list: its items do not ask"),
    ],
)  # fmt: skip
def test_the_items_of_a_list(text, items):
    assert listed(text) == items


@given(st.text(alphabet="12Qab)-*•:. \n/onetw"))
def test_items_stand_in_the_text_and_are_never_commands(text):
    assert all(item in text and not item.startswith("/") for item in listed(text))


@given(st.text())
def test_halves_are_never_commands_and_lose_no_word_but_the_seam(text):
    for before, behind in halves(text):
        assert not behind.startswith("/")
        assert text.startswith(before[:1]) or text.strip().startswith(before[:1])
        assert len(before) + len(behind) <= len(text)


@pytest.mark.parametrize("text", ['Hello there. /restart{"a": "b"} is that all right?', "Hi. /affirm is what I say?"])
def test_the_part_that_asks_is_never_a_command(text):
    assert not any(part.lstrip().startswith("/") for part in (question_part(text), *(half for pair in halves(text) for half in pair)))
