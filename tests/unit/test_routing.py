"""Who gets a short answer: whoever asked last."""

import pytest

from sijbot.routing import Expecting, route

ASKED = Expecting("red_flag", "stroke", asked=2)


@pytest.mark.parametrize("short_answer, expecting", [(None, None), ("yes", None), (None, ASKED)])
def test_without_a_question_or_a_short_answer_nothing_is_routed(short_answer, expecting):
    assert route(short_answer, expecting) is None


@pytest.mark.parametrize("owner", ["red_flag", "did_you_mean"])
@pytest.mark.parametrize("answer", ["yes", "no", "unsure"])
def test_a_short_answer_goes_to_the_owner_of_the_question(owner, answer):
    assert route(answer, Expecting(owner, "stroke")) == (owner, answer)


def test_a_question_survives_its_slot():
    assert Expecting.from_slot(ASKED.to_slot()) == ASKED


@pytest.mark.parametrize("slot", [None, {}])
def test_an_empty_slot_expects_nothing(slot):
    assert Expecting.from_slot(slot) is None


def test_a_slot_without_its_keys_fails_loudly():
    with pytest.raises(TypeError, match="question"):
        Expecting.from_slot({"owner": "red_flag"})
