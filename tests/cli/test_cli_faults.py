"""What stops a command: exit code not 0, one clear message naming the place, no stack trace."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys

import pytest

from sijbot.adapters.training import ConfigError, check_config
from sijbot.settings import ROOT, Settings


def sijbot(*arguments, **environment):
    """Return (exit code, everything printed) of a command."""
    environment = {**os.environ, **{key: str(value) for key, value in environment.items()}}
    command = [sys.executable, "-W", "ignore", "-m", "sijbot.cli", *map(str, arguments)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    return run.returncode, run.stdout + run.stderr


def check_fault(result, *named):
    code, printed = result
    assert code == 1, printed
    assert all(str(one) in printed for one in named), printed
    assert "Traceback" not in printed
    assert len(printed.strip().splitlines()) <= 2, printed  # progress before it may stand in a line of its own


@pytest.fixture
def root(tmp_path):
    """A copy of what the project is made of, to be broken."""
    copy = tmp_path / "project"
    copy.mkdir()
    for name in ("content", "data"):
        shutil.copytree(ROOT / name, copy / name)
    for name in ("config.yml", "domain.yml"):
        shutil.copy(ROOT / name, copy)
    return copy


ANATOMY = "content/answers/joint/anatomy.yml"


@pytest.mark.parametrize(
    "change, named",
    [
        (lambda text: text + "\nshort: [\n", [ANATOMY, "line"]),
        (lambda text: text.replace("sources:\n", "sources:\n  - no_such_source\n"), [f"{ANATOMY}: sources: unknown key 'no_such_source'"]),
    ],
)  # fmt: skip
def test_a_faulty_answer_is_named(root, change, named):
    path = root / ANATOMY
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")

    check_fault(sijbot("content", "check", SIJBOT_ROOT=root), *named)


def test_an_id_that_stands_twice_is_named_with_both_places(root):
    shutil.copy(root / ANATOMY, root / "content/answers/myth/anatomy.yml")

    check_fault(sijbot("content", "check", SIJBOT_ROOT=root), "content/answers/myth/anatomy.yml", ANATOMY)


def test_the_server_does_not_start_on_faulty_content(root, tmp_path):
    (root / ANATOMY).write_text("title: [", encoding="utf-8")

    check_fault(sijbot("run", SIJBOT_ROOT=root, SIJBOT_VAR=tmp_path / "var", PORT=free_port()), ANATOMY)


def test_a_case_that_comes_out_otherwise_is_named(root):
    path = root / "content/red_flags/foot_drop.cases.yml"
    path.write_text(path.read_text(encoding="utf-8") + '- text: "a sunny day in Quokkabracket"\n  expect: fire\n', encoding="utf-8")

    code, printed = sijbot("content", "check", SIJBOT_ROOT=root)

    assert code == 1 and "Traceback" not in printed
    assert "foot_drop.cases.yml: a sunny day in Quokkabracket: expected fire, got none" in printed


def with_component(root, section, component):
    path = root / "config.yml"
    path.write_text(path.read_text(encoding="utf-8").replace(f"{section}:\n", f"{section}:\n  - name: {component}\n"), encoding="utf-8")
    return path


def test_training_stops_at_a_component_that_needs_tensorflow(root, tmp_path):
    with_component(root, "pipeline", "DIETClassifier")

    check_fault(sijbot("train", SIJBOT_ROOT=root, SIJBOT_VAR=tmp_path / "var"), "config.yml", "pipeline", "DIETClassifier", "TensorFlow")


@pytest.mark.parametrize("section, component", [("policies", "TEDPolicy"), ("pipeline", "rasa.nlu.selectors.response_selector.ResponseSelector")])
def test_a_component_that_needs_tensorflow_is_named_wherever_it_stands(root, section, component):
    path = with_component(root, section, component)

    with pytest.raises(ConfigError, match=f"config.yml: {section}: {component.rpartition('.')[2]} needs TensorFlow"):
        check_config(path)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_port_in_use_is_named(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        check_fault(sijbot("run", SIJBOT_VAR=tmp_path / "var", PORT=port), f"port {port}", "PORT")


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "var").write_text("a file in place of the folder", encoding="utf-8")

    check_fault(sijbot("run", SIJBOT_VAR=tmp_path / "var", PORT=free_port()), tmp_path / "var", "SIJBOT_VAR")


def test_a_setting_that_cannot_be_used_is_named(tmp_path):
    check_fault(sijbot("run", SIJBOT_VAR=tmp_path / "var", SIJBOT_MODE="production"), "SIJBOT_SECRET")


@pytest.mark.parametrize("name, value", [
    ("SIJBOT_ORIGINS", "https://*"), ("SIJBOT_ORIGINS", "null"), ("SIJBOT_MESSAGES_PER_MINUTE", "0"), ("SIJBOT_REQUESTS_PER_MINUTE", "many"), ("SIJBOT_PROXIES", "-1"),
])  # fmt: skip
def test_a_setting_of_the_network_that_cannot_be_used_stops_the_start(tmp_path, name, value):
    check_fault(sijbot("run", SIJBOT_VAR=tmp_path / "var", **{name: value}), name, value)
