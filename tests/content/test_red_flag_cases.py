"""Every sentence that stands beside a red flag comes out as the clinician wrote it."""

import pytest

from sijbot.settings import ROOT
from sijbot.triage.cases import case_outcome

FLAGS = sorted(path.name.removesuffix(".cases.yml") for path in (ROOT / "content" / "red_flags").glob("*.cases.yml"))
FEWEST = {"fire": 10, "none": 5}


def test_every_flag_has_cases(content):
    assert FLAGS == sorted(content.red_flags)
    assert FLAGS


@pytest.mark.parametrize("flag_id", FLAGS)
def test_every_case_of_a_flag_comes_out_as_written(screen, content, flag_id):
    outcomes = [(case, case_outcome(screen, flag_id, case.text)) for case in content.cases[flag_id]]

    failures = [f"expected {case.expect}, got {outcome}: {case.text}" for case, outcome in outcomes if outcome != case.expect]
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("expect, fewest", FEWEST.items())
@pytest.mark.parametrize("flag_id", FLAGS)
def test_every_flag_has_enough_cases_of_both_kinds(content, flag_id, expect, fewest):
    texts = {case.text.casefold() for case in content.cases[flag_id] if case.expect == expect}

    assert len(texts) >= fewest


@pytest.mark.parametrize("flag_id", FLAGS)
def test_no_sentence_of_a_flag_is_expected_to_come_out_in_two_ways(content, flag_id):
    expected = {}
    for case in content.cases[flag_id]:
        expected.setdefault(case.text.casefold(), set()).add(case.expect)

    assert [text for text, ways in expected.items() if len(ways) > 1] == []
