"""The report of a load measurement, and its row in docs/load.md."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest

from sijbot.bench_load_figures import ANSWERED, SHED, Losses, Outcome
from sijbot.bench_load_plan import DANGER, QUESTION, Load
from sijbot.bench_load_report import BEGIN, COLUMNS, END, FOLDER, TABLE, Measured, lines, row, with_row, write_report
from sijbot.settings import ROOT

OUTCOMES = [Outcome(number, QUESTION, number / 10, number / 10, number / 10 + 0.1, number / 10 + 0.1, (ANSWERED,)) for number in range(200)]
OUTCOMES += [Outcome(900, DANGER, 5.0, 5.0, 5.25, None, (SHED,), has_card=True)]
MEASURED = Measured(
    load=Load(minutes=0.5, factor=5), date=date(2026, 12, 1), machine="2 cores", where="nothing was bound", outcomes=OUTCOMES, losses=Losses(conversations=201, acknowledged=200, lost=2), cpu_s={"bot": 10.0, "generator": 1.0},
    elapsed_s=30.0, memory_before_mb={"bot": [400.0, 401.0], "generator": []}, memory_after_mb={"bot": [410.0, 411.0], "generator": [30.0]}, mb_per_10000=123.4, conversations=201, bytes_per_conversation=2048.0,
    events=((10.0, "replica 1 is asked to end"),),
)  # fmt: skip
PAGE = f"Before.\n\n{BEGIN}\n| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}\n{END}\n\nAfter.\n"


def test_the_figures_say_what_happened():
    text = "\n".join(lines(MEASURED))

    assert "201 messages typed, 200 answered" in text and "1 never" in text
    assert "| **all messages, until the answer** | 201 | 100 | 100 | 100 | never |" in text
    assert "| **danger texts, until the first answer** | 1 | 250 | 250 | 250 | 250 |" in text
    assert "danger texts: 1, of which 1 got an answer of any kind, 1 of these with a hand-off; 1 were refused at first, 1 of these with a hand-off" in text
    assert "shed (429 with a sentence): 1" in text and "errors: 0" in text
    assert "2 lost" in text and "bot: 20.0" in text and "2.0 KiB a conversation" in text and "at 10.0 s: replica 1 is asked to end" in text


def test_in_the_row_what_never_came_has_no_unit():
    assert row(MEASURED)[3:8] == ("100 ms", "100 ms", "100 ms", "never", "250 ms")


def test_the_page_stands_beside_its_picture_and_nothing_else_is_written(tmp_path):
    page, picture = write_report(MEASURED, tmp_path, ROOT)

    assert page.name == "load-2026-12-01-x5.md" and f"({picture.name})" in page.read_text(encoding="utf-8")
    assert picture.read_bytes().startswith(b"\x89PNG") and len(list(tmp_path.iterdir())) == 2


def test_the_project_s_own_report_adds_its_row(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / TABLE).write_text(PAGE, encoding="utf-8")

    *_, table = write_report(MEASURED, tmp_path / FOLDER, tmp_path)

    assert table == tmp_path / TABLE and MEASURED.name in table.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "change, stem",
    [
        pytest.param({}, "load-2026-12-01", id="the usual one"),
        pytest.param({"restart": "rolling"}, "load-2026-12-01-rolling", id="a restart"),
        pytest.param({"restart": "in_place"}, "load-2026-12-01-in_place", id="a restart in place"),
        pytest.param({"users": 200, "database": "sqlite", "replicas": 1}, "load-2026-12-01-sqlite-200", id="a small one"),
    ],
)
def test_runs_of_another_kind_have_another_name(change, stem):
    assert dataclasses.replace(MEASURED, load=Load(**change)).file_stem == stem


def test_a_row_is_added_and_the_rest_of_the_page_stays():
    page = with_row(PAGE, row(MEASURED))

    assert page.startswith("Before.\n\n") and page.endswith("\n\nAfter.\n")
    assert page.count(MEASURED.name) == 1 and len(row(MEASURED)) == len(COLUMNS)


def test_a_row_of_the_same_run_takes_the_place_of_the_old_one():
    other = ("another run", *["1"] * (len(COLUMNS) - 1))
    page = with_row(with_row(with_row(PAGE, row(MEASURED)), other), row(dataclasses.replace(MEASURED, date=date(2027, 1, 2))))

    assert "2027-01-02" in page and "2026-12-01" not in page and "another run" in page


def test_a_page_without_a_place_for_it_is_named():
    with pytest.raises(ValueError, match="docs/load.md"):
        with_row("No table.", row(MEASURED))


def test_the_page_of_the_project_has_the_place():
    assert with_row((ROOT / TABLE).read_text(encoding="utf-8"), row(MEASURED))
