"""The recipe of the image, as far as it can be followed without a container engine: nothing here builds the image itself.

Checked: its steps name what is there; what it leaves out of the packages is not needed; and the assistant runs from the files that it copies, and from nothing else, and writes to none of them.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest
from deployment import Replica

from sijbot.settings import ROOT, Settings

DEPLOY = ROOT / "deploy"
RECIPE = re.sub(r"\\\n", " ", (DEPLOY / "Containerfile").read_text(encoding="utf-8"))
STEPS = [line.split(maxsplit=1) for line in RECIPE.splitlines() if line.strip() and not line.startswith("#")]
FROM = [number for number, (word, _) in enumerate(STEPS) if word == "FROM"]
FINAL = STEPS[FROM[-1] :]


def copied() -> list[tuple[list[str], str]]:
    """Return (paths in the project, path in the image) of what the final stage copies from the project."""
    steps = [rest.split() for word, rest in FINAL if word == "COPY" and not rest.startswith("--from")]
    return [(words[:-1], words[-1]) for words in steps]


@pytest.fixture(scope="module")
def only_for_tests() -> list[str]:
    """Return the packages that `make test` installs beside those of `make setup`."""
    return sorted(locked("requirements-test.lock") - locked("requirements.lock"))


def locked(name: str) -> set[str]:
    return set(re.findall(r"^([A-Za-z0-9._-]+)==", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))


def test_what_it_copies_is_there():
    assert copied() and [path for paths, _ in copied() for path in paths if not (ROOT / path).exists()] == []


def test_both_stages_stand_on_the_same_python_which_is_the_one_of_the_project():
    bases = {STEPS[number][1].partition(" AS ")[0] for number in FROM}

    assert bases == {"docker.io/library/python:3.11-slim-bookworm"}
    assert 'requires-python = ">=3.11,<3.12"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_it_runs_as_nobody_in_particular():
    (user,) = [rest for word, rest in FINAL if word == "USER"]

    assert user == "10001"
    assert [word for word, _ in FINAL].index("USER") > max(number for number, (word, _) in enumerate(FINAL) if word in ("COPY", "RUN"))


def test_it_tells_whether_it_lives():
    (check,) = [rest for word, rest in FINAL if word == "HEALTHCHECK"]

    assert "/live" in check


def test_no_secret_and_nothing_of_a_machine_gets_into_the_build():
    left_out = (DEPLOY / "Containerfile.dockerignore").read_text(encoding="utf-8").split()

    assert {"var", ".venv", ".git", "deploy/.env", "deploy/tls"} <= set(left_out)


def test_the_script_of_the_build_is_one_that_a_shell_reads():
    script = DEPLOY / "build.sh"

    assert script.stat().st_mode & 0o111 and "set -eu" in script.read_text(encoding="utf-8")
    assert subprocess.run(["sh", "-n", script], capture_output=True, text=True).stderr == ""
    if shutil.which("shellcheck"):
        assert subprocess.run(["shellcheck", script], capture_output=True, text=True).stdout == ""


def test_the_script_of_the_build_installs_and_trains_as_everybody_does():
    words = (DEPLOY / "build.sh").read_text(encoding="utf-8")

    assert "\nmake setup\n" in words and "sijbot.cli train" in words
    assert "--require-hashes requirements.lock" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_what_only_tests_need_is_left_out(only_for_tests):
    assert {"pytest", "hypothesis", "playwright", "kubernetes-validate"} <= set(only_for_tests)


REFUSE = """
import sys
from importlib.abc import MetaPathFinder
LEFT_OUT = {modules!r}
class NotInTheImage(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in LEFT_OUT:
            raise ModuleNotFoundError(f"{{name}} is not in the image", name=name)
sys.meta_path.insert(0, NotInTheImage())
"""


def modules_of(packages: list[str]) -> set[str]:
    from importlib.metadata import packages_distributions

    owners = {module: {name.lower().replace("_", "-") for name in names} for module, names in packages_distributions().items()}
    return {module for module, names in owners.items() if names <= set(packages)}


def state(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        yield str(path.relative_to(folder)), hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


@pytest.mark.slow
def test_the_assistant_runs_from_what_is_copied_and_writes_to_none_of_it(trained: Settings, tmp_path: Path, only_for_tests):
    image, site, run = tmp_path / "app", tmp_path / "site", tmp_path / "run"
    for folder in (image, site, run):
        folder.mkdir()
    for paths, target in copied():
        for path in paths:
            source, place = ROOT / path, image / (target if target != "./" else path)
            shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__")) if source.is_dir() else shutil.copy(source, place)
    shutil.copytree(trained.model.parent, image / "model")
    (site / "sitecustomize.py").write_text(REFUSE.format(modules=sorted(modules_of(only_for_tests))), encoding="utf-8")
    before = list(state(image))
    settings = {
        "PYTHONPATH": f"{site}:{image}", "PYTHONDONTWRITEBYTECODE": "1", "SIJBOT_MODEL": str(image / "model" / "sijbot.tar.gz"), "SIJBOT_MODE": "production", "SIJBOT_SECRET": "s" * 32,
        "SIJBOT_LOG": "json", "SIJBOT_HOST": "127.0.0.1", "SIJBOT_ROOT": str(image),
    }  # fmt: skip
    replica = Replica(run, settings, root=image)

    try:
        replica.start()
        where = subprocess.run([sys.executable, "-B", "-c", "import sijbot, sys; sys.stdout.write(sijbot.__file__)"], cwd=image, capture_output=True, text=True, env={"PYTHONPATH": str(image)}).stdout
        code = replica.stop()
    finally:
        replica.end()

    assert Path(where).parent == image / "sijbot"
    assert code == 0 and list(state(image)) == before
