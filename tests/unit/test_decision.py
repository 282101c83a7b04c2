"""The one decision point for doubt."""

import pytest

from sijbot.language.decision import ANSWER, CLARIFY, OUT_OF_SCOPE, Thresholds, decide

THRESHOLDS = Thresholds(answer=0.5, margin=0.25, out_of_scope=0.75)


@pytest.mark.parametrize(
    "first, second, expected",
    [
        pytest.param(0.49, 0.0, CLARIFY, id="below the confidence"),
        pytest.param(0.5, 0.0, ANSWER, id="at the confidence"),
        pytest.param(0.75, 0.51, CLARIFY, id="below the margin"),
        pytest.param(0.75, 0.5, ANSWER, id="at the margin"),
        pytest.param(0.5, 0.5, CLARIFY, id="a tie"),
    ],
)
def test_a_topic_is_answered_only_with_confidence_and_margin(first, second, expected):
    assert decide([("sleeping", first), ("sitting", second)], THRESHOLDS) == expected


@pytest.mark.parametrize("confidence, expected", [(0.74, CLARIFY), (0.75, OUT_OF_SCOPE)])
def test_out_of_scope_has_its_own_threshold(confidence, expected):
    assert decide([("out_of_scope", confidence), ("sitting", 0.0)], THRESHOLDS) == expected


def test_out_of_scope_in_second_place_does_not_decide():
    assert decide([("sitting", 0.8), ("out_of_scope", 0.2)], THRESHOLDS) == ANSWER
