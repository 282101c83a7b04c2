"""The hazard log can be read, is the one of the page, and every control in it names tests that there are and that `make test` runs."""

import re
from pathlib import Path

import pytest
import yaml

from scripts.hazards import LOG, PAGE, TEST, HazardLogError, load, missing_tests, written
from sijbot.settings import ROOT

HAZARDS = load()
UNACCEPTABLE = 4


def test_the_table_in_the_safety_page_is_the_one_of_the_log():
    page = PAGE.read_text(encoding="utf-8")

    assert written(page, HAZARDS) == page, "run `make hazards`"


def test_every_named_test_is_there():
    assert missing_tests(list(HAZARDS.hazards_of_tests)) == []


@pytest.mark.parametrize("test", ["tests/unit/test_clock.py::test_nobody_wrote_this", "tests/unit/test_nowhere.py::test_now_is_in_utc_and_agrees_with_the_timestamp"])
def test_a_test_that_is_not_there_is_found(test):
    there = "tests/unit/test_clock.py::test_now_is_in_utc_and_agrees_with_the_timestamp"

    assert missing_tests([there, test]) == [test]


def test_the_test_command_watches_the_controls_of_every_folder_that_they_are_in():
    commands = [command.split() for command in re.findall(r"-m pytest (.+)", (ROOT / "Makefile").read_text(encoding="utf-8"))]
    folders = {Path(TEST.fullmatch(test)["file"]).parts[1] for test in HAZARDS.hazards_of_tests}

    watched = {word for command in commands if "--controls" in command for word in command}
    assert {f"tests/{folder}" for folder in folders} <= watched


@pytest.mark.parametrize("hazard", HAZARDS.hazards, ids=lambda hazard: hazard.id)
def test_no_risk_that_is_left_is_unacceptable(hazard):
    assert HAZARDS.risk(hazard, hazard.after) < UNACCEPTABLE


def changed(tmp_path: Path, change) -> Path:
    """Return the log with a change to its first hazard."""
    data = yaml.safe_load(LOG.read_text(encoding="utf-8"))
    change(data["hazards"][0], data)
    path = tmp_path / "hazards.yml"
    path.write_text(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path


CHANGES = {
    "keys must be": lambda hazard, data: hazard.pop("left"),
    "unknown: keys must be": lambda hazard, data: hazard.update(id="unknown", note="x"),
    "stand once": lambda hazard, data: hazard.update(id=data["hazards"][1]["id"]),
    "harm is empty": lambda hazard, data: hazard.update(harm=""),
    "controls is empty": lambda hazard, data: hazard.update(controls=[]),
    "must be 1 to 5": lambda hazard, data: hazard.update(severity=6),
    "nothing more likely": lambda hazard, data: hazard.update(likelihood={"before": 2, "after": 3}),
    "at least one of `tests`": lambda hazard, data: hazard["controls"][0].update(tests=[]),
    "'somebody looks at it' is not a test": lambda hazard, data: hazard["controls"][0]["tests"].append("somebody looks at it"),
    "five rows of five": lambda hazard, data: data["risks"].pop(3),
    "and nothing else": lambda hazard, data: data.update(notes=[]),
}


@pytest.mark.parametrize("fault", CHANGES)
def test_a_fault_of_the_log_is_named(tmp_path, fault):
    with pytest.raises(HazardLogError, match=re.escape(fault)):
        load(changed(tmp_path, CHANGES[fault]))


def test_every_fault_is_named_at_once(tmp_path):
    def twice(hazard, data):
        hazard.update(severity=9)
        data["hazards"][1].update(harm="")

    with pytest.raises(HazardLogError) as raised:
        load(changed(tmp_path, twice))

    assert len(str(raised.value).splitlines()) == 2
