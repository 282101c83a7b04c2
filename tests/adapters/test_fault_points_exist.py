"""The points of the fault runs name functions that are there: one that was moved would be met by no run any more."""

from __future__ import annotations

import pytest

from evaluation.faults import points
from evaluation.faults.points import OURS, STOCK, NoSuchPoint, Point

pytestmark = pytest.mark.slow


def test_every_point_of_a_turn_is_in_our_program():
    missing = {name for name, point in points.OF_A_TURN.items() if _is_missing(name, point, OURS)}

    assert missing == set()


def test_rasas_own_program_has_those_that_it_can_have():
    found = {name for name, point in points.OF_A_TURN.items() if point.names(STOCK) and not _is_missing(name, point, STOCK)}

    assert {"before_inbox", "before_retrieve", "after_retrieve", "after_gate", "before_action", "after_action", "before_commit", "in_commit", "after_commit"} == found


def _is_missing(name: str, point: Point, program: str) -> bool:
    try:
        points.found(name, point, program)
    except NoSuchPoint:
        return True
    return False
