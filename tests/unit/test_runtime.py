"""Content that changes while the assistant runs: nobody's turn waits for it, and a fault in it changes nothing."""

from __future__ import annotations

import shutil
from threading import Event

import pytest

from sijbot import metrics
from sijbot import runtime as running
from sijbot.content import ContentStore
from sijbot.runtime import Parts, Runtime
from sijbot.settings import ROOT

OLD, NEW = "more_hint: More about this", "more_hint: Tell me all"
SIGN = "I can't pee"


@pytest.fixture
def changing(tmp_path, content, screen, monkeypatch) -> Runtime:
    """A runtime over a folder of its own, which takes its screen from the tests' content at first."""
    root = tmp_path / "content"
    shutil.copytree(ROOT / "content", root)
    monkeypatch.setattr(running, "load_screen", lambda content: screen)
    runtime = Runtime(settings=None, store=ContentStore(root), engine=None)
    monkeypatch.undo()
    runtime.store.CHECK_EVERY_S = -1.0
    return runtime


def shown() -> str:
    """Return which content Prometheus is told of."""
    (sample,) = [sample for metric in metrics.REGISTRY.collect() for sample in metric.samples if sample.name == "sijbot_build_info"]
    return sample.labels["content_version"]


def change(runtime: Runtime, name: str, old: str, new: str) -> None:
    path = runtime.store.root / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_while_changed_content_is_made_ready_the_last_one_serves(changing, monkeypatch):
    made_ready, make = Event(), Parts.of
    monkeypatch.setattr(running, "load_screen", lambda content: changing._parts.screen)
    monkeypatch.setattr(Parts, "of", lambda content: made_ready.wait(60) and make(content))
    change(changing, "wording.yml", OLD, NEW)

    before = changing.content.wording["more_hint"]
    assert changing.screen(SIGN).level == "emergency"
    made_ready.set()
    changing._looking.join(60)

    assert (before, changing.content.wording["more_hint"]) == ("More about this", "Tell me all")
    assert shown() == changing.content.version[: metrics.HASH_DIGITS]


def test_nobody_waits_while_the_folder_is_looked_at(changing, monkeypatch):
    looked, look = Event(), ContentStore.is_stale
    monkeypatch.setattr(ContentStore, "is_stale", lambda store: looked.wait(60) and look(store))

    assert changing.screen(SIGN).level == "emergency" and changing._looking.is_alive()
    looked.set()
    changing._looking.join(60)


@pytest.mark.parametrize(
    "name, old, new, fault",
    [
        ("wording.yml", OLD, "more_hint: 5", "more_hint"),
        ("red_flags/stroke.yml", "patterns:\n", 'patterns:\n  - "{cannot} ... #90-80"\n', "stroke"),
    ],
    ids=["not read", "read, and not compiled"],
)
def test_faulty_content_is_said_in_the_log_and_the_last_good_one_serves(changing, caplog, name, old, new, fault):
    good = shown()
    change(changing, name, old, new)

    changing.content
    changing._looking.join(120)

    assert changing.screen(SIGN).level == "emergency"
    assert changing.content.wording["more_hint"] == "More about this"
    assert fault in caplog.text
    assert shown() == good == changing.content.version[: metrics.HASH_DIGITS]
