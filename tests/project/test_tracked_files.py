"""What may not stand in the repository: medical words in Python, paths of one machine, addresses of registries, build output."""

from __future__ import annotations

import ast
import fnmatch
import os
import re
from pathlib import Path
from typing import Iterator

import pytest

from sijbot.settings import ROOT

MEDICAL = re.compile(
    r"(?<![a-z])(?:numb|numbness|bladder|bowels?|chest pain|suicid\w*|fever\w*|saddle|incontinen\w*|urine|urinat\w*|cauda|stroke|sciatica|paraly\w*|tingl\w*)(?![a-z])"
)
MACHINE_PATH = re.compile(r"(?<![\w.-])/(?:work|home|root|Users)/\w")
REGISTRY = re.compile(r"pypi\.org|pythonhosted\.org|npmjs\.org|unpkg\.com|jsdelivr\.net|index[-]url")
BUILD_OUTPUT = ("build", "dist", "models", "results", "node_modules", ".venv", "__pycache__")
README_LINES = 120
ACTION_LINES_AT_MOST = 160  # two screens; the aim is 80


def is_ignored(path: Path, patterns: list[str]) -> bool:
    """Return whether .gitignore leaves the path out; patterns with a leading slash count from the root."""
    relative = path.relative_to(ROOT).as_posix()
    return any(fnmatch.fnmatch(relative if pattern.startswith("/") else path.name, pattern.strip("/")) for pattern in patterns)


def tracked_files() -> Iterator[Path]:
    """Yield every file that belongs to the repository, by .gitignore."""
    patterns = [".git", *(line for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines() if line and not line.startswith("#"))]
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not is_ignored(Path(folder, name), patterns)]
        yield from (Path(folder, name) for name in names if not is_ignored(Path(folder, name), patterns))


def tracked_texts() -> Iterator[tuple[str, str]]:
    """Yield (path from the root, text) of every tracked file but the model."""
    for path in tracked_files():
        if path.stat().st_size < 1_000_000:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8", errors="ignore")


def words_of(tree: ast.Module) -> Iterator[str]:
    """Yield identifiers and texts of a module, without docstrings and the examples that its commands show as help."""
    documentation = {id(keyword.value) for node in ast.walk(tree) if isinstance(node, ast.Call) for keyword in node.keywords if keyword.arg == "epilog"}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and ast.get_docstring(node) is not None:
            documentation.add(id(node.body[0].value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value
        yield from (value for name in ("id", "attr", "arg", "name") if isinstance(value := getattr(node, name, None), str))


def medical_words(source: str) -> list[str]:
    return [word for word in words_of(ast.parse(source)) if MEDICAL.search(word.casefold())]


@pytest.mark.parametrize("source", ['X = "Is there numbness?"', "def has_fever(text): ...", 'raise_flag(f"{bladder}: {x}")', "saddle = 1"])
def test_medical_word_is_found(source):
    assert medical_words(source)


@pytest.mark.parametrize("source", ['"""Finds numbness."""', "number = 1  # numb", "numbers = chest"])
def test_documentation_and_other_words_pass(source):
    assert not medical_words(source)


@pytest.mark.parametrize("folder", ["sijbot", "actions"])
def test_python_holds_no_medical_word(folder):
    paths = sorted((ROOT / folder).rglob("*.py"))

    found = {path.name: words for path in paths if (words := medical_words(path.read_text(encoding="utf-8")))}

    assert paths and found == {}


@pytest.mark.parametrize("pattern", [MACHINE_PATH, REGISTRY], ids=["path of one machine", "registry"])
def test_no_tracked_file_names_a_place_of_ours(pattern):
    found = [f"{path}: {match.group()}" for path, text in tracked_texts() for match in [pattern.search(text)] if match]

    assert found == []


def test_ignored_files_are_not_tracked():
    tracked = {path.relative_to(ROOT).parts[0] for path in tracked_files()}

    assert not tracked & {".git", ".venv", "var"} and "sijbot" in tracked


def test_no_build_output_is_tracked():
    parts = {part: path.relative_to(ROOT).as_posix() for path in tracked_files() for part in path.relative_to(ROOT).parts[:-1]}

    assert {part: parts[part] for part in BUILD_OUTPUT if part in parts} == {}


def test_no_database_is_tracked():
    assert [path.name for path in tracked_files() if path.suffix in (".db", ".sqlite", ".sqlite3", ".gz", ".log")] == []


def test_readme_fits_the_first_five_minutes():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= README_LINES


def test_licence_and_notice_name_what_is_shipped():
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")

    assert "all-MiniLM-L6-v2" in (ROOT / "NOTICE").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", [pytest.param(path, id=path.name) for path in sorted((ROOT / "actions").glob("*.py"))])
def test_action_file_stays_short(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())

    assert lines <= ACTION_LINES_AT_MOST
