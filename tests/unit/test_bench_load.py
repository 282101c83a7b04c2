"""What cannot be measured is said before anything starts; and a small measurement from end to end."""

from __future__ import annotations

import os
import re

import pytest

from sijbot import bench_load
from sijbot.bench_load import LoadError, check, measure_load, read_cores
from sijbot.bench_load_plan import Load
from sijbot.bench_long import line, said


@pytest.mark.parametrize(
    "asked, named",
    [
        pytest.param(Load(database="oracle"), "--database", id="database"),
        pytest.param(Load(restart="often"), "--restart", id="restart"),
        pytest.param(Load(database="sqlite"), "--replicas 1", id="two processes on SQLite"),
        pytest.param(Load(database="sqlite", replicas=1, restart="database"), "restart", id="no server to restart"),
        pytest.param(Load(replicas=1, restart="rolling"), "two replicas", id="one replica alone"),
        pytest.param(Load(replicas=1, restart="in_place"), "two replicas", id="one replica alone, in place"),
    ],
)
def test_what_does_not_go_together_is_said(asked, named):
    with pytest.raises(LoadError, match=named):
        check(asked)


def test_a_missing_proxy_is_said(monkeypatch):
    monkeypatch.setattr(bench_load.shutil, "which", lambda program: None)

    with pytest.raises(LoadError, match="nginx is not installed"):
        check(Load(replicas=2))
    check(Load(replicas=1))


def test_cores_are_read_by_part():
    core = min(os.sched_getaffinity(0))

    assert read_cores([f"bot:{core}", f"database:{core}"]) == {"bot": (core,), "database": (core,)}


@pytest.mark.parametrize("entry", ["bot", "bot:", "bot:x", "bot:0,", "oven:0", "bot:9999", "bot:²"])
def test_cores_that_cannot_be_used_are_named(entry):
    with pytest.raises(LoadError, match=re.escape(f"'{entry}'")):
        read_cores([entry])


def test_texts_of_a_long_conversation_do_not_come_again_soon():
    titles = [f"title {number}" for number in range(120)]

    assert len({said(titles, number) for number in range(8000)}) == 8000


def test_a_late_turn_is_compared_with_an_early_one():
    assert line("SQLite", 1000, [10.0, 11.0, 12.0], [11.0, 12.1, 14.0]) == "SQLite: turn 10 p50 11.0 ms, turn 1,000 p50 12.1 ms (1.10 times as long; medians of 3 and 3 turns)"


@pytest.mark.slow
def test_a_small_load_is_answered_and_reported(trained, tmp_path):
    printed = "\n".join(measure_load(trained, Load(users=20, minutes=1 / 3, replicas=1, database="sqlite"), tmp_path))

    (page,) = tmp_path.glob("*.md")
    text = page.read_text(encoding="utf-8")
    messages = int(re.search(r"(\d+) messages typed", text)[1])
    assert messages >= 5 and f"{messages} messages typed, {messages} answered" in text and text.count("never") == 1
    assert "errors: 0;" in text and f"{messages} acknowledged messages" in text
    assert "0 lost, 0 doubled, 0 out of order, 0 with other replies, 0 of somebody else, 0 left after erasing; 0 conversations could not be read" in text
    assert "is ready" in printed and "messages typed" in printed and page.with_suffix(".png").is_file()
