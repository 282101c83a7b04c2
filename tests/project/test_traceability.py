"""Every red flag can be followed from its rule to its source, its cases and its tests."""

import pytest

from scripts.traceability import PAGE, written
from sijbot.content import load
from sijbot.settings import ROOT

CONTENT = load(ROOT / "content")
FEWEST_CASES = {"fire": 8, "none": 5}


def test_the_table_in_the_safety_page_is_the_one_of_the_content():
    page = PAGE.read_text(encoding="utf-8")

    assert written(page, CONTENT) == page, "run `make traceability`"


@pytest.mark.parametrize("flag_id", sorted(CONTENT.red_flags))
def test_every_flag_has_rules_sources_and_cases_that_can_fail(flag_id):
    flag, cases = CONTENT.red_flags[flag_id], CONTENT.cases[flag_id]

    assert flag.patterns and flag.sources
    for expected, fewest in FEWEST_CASES.items():
        assert sum(case.expect == expected for case in cases) >= fewest, expected
