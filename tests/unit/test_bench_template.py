"""What the comparison with Rasa's default pipeline makes of what it measured."""

from __future__ import annotations

import random

import pytest

from sijbot.bench_template import Figures, _first, difference


def side(*right: bool) -> Figures:
    return Figures(train_s=1.0, start_s=1.0, turn_p50_ms=1.0, turn_p95_ms=1.0, memory_mb=1, right=right)


def test_the_difference_is_in_points_and_lies_within_its_interval():
    ours, template = [side(*[True] * 90, *[False] * 10)], [side(*[True] * 80, *[False] * 20)]

    lower, value, upper = difference(ours, template, random.Random(1))

    assert value == pytest.approx(10.0)
    assert 0.0 < lower < value < upper < 20.0


def test_sides_that_are_right_about_the_same_questions_do_not_differ():
    same = [side(True, False, True), side(True, True, False)]

    assert difference(same, same, random.Random(1)) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    "intent, ranked, first",
    [
        pytest.param("greet", [], "greet", id="an intent without ids"),
        pytest.param("joint", ["myth/cracking", "joint/anatomy"], "anatomy", id="the best id of the intent that was understood"),
        pytest.param("nlu_fallback", ["joint/anatomy"], "anatomy", id="behind the fallback stands what it ranked first"),
    ],
)
def test_the_id_that_the_template_ranks_first(intent, ranked, first):
    selectors = {"all_retrieval_intents": ["joint", "myth"], "default": {"ranking": [{"intent_response_key": key} for key in ranked]}}
    names = [intent, "joint"] if intent == "nlu_fallback" else [intent]

    assert _first({"intent": {"name": intent}, "intent_ranking": [{"name": name} for name in names], "response_selector": selectors}) == first
