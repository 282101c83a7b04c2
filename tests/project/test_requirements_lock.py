"""The lock files are what pyproject.toml asks for: pinned, with hashes, from nowhere in particular; one for running, one for what tests want beside it."""

from __future__ import annotations

import functools
import re
import tomllib
from collections import Counter

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sijbot.settings import ROOT

RUN, TEST = "requirements.lock", "requirements-test.lock"
LOCK = {name: (ROOT / name).read_text(encoding="utf-8") for name in (RUN, TEST)}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
UV = PROJECT["tool"]["uv"]
OVERRIDES = [Requirement(text) for text in UV["override-dependencies"]]
DIRECT = [(name, Requirement(text)) for name, texts in ((RUN, PROJECT["project"]["dependencies"]), (TEST, PROJECT["dependency-groups"]["dev"])) for text in texts]
LOCAL = set(UV["sources"])  # installed from packages/, not from the lock
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


@functools.cache
def entries(name: str) -> list[tuple[Requirement, list[str]]]:
    """Return each pinned requirement with the lines that follow it."""
    parsed: list[tuple[Requirement, list[str]]] = []
    for line in LOCK[name].splitlines():
        if line.startswith(" "):
            parsed[-1][1].append(line.strip().removesuffix(" \\"))
        elif line and not line.startswith("#"):
            parsed.append((Requirement(line.removesuffix(" \\")), []))
    return parsed


def pinned(name: str = RUN) -> dict[str, str]:
    return {canonicalize_name(requirement.name): next(iter(requirement.specifier)).version for requirement, _ in entries(name)}


def is_never(requirement: Requirement) -> bool:
    return requirement.marker is not None and "never" in str(requirement.marker)


@pytest.mark.parametrize("name", LOCK)
def test_lock_holds_no_address(name):
    assert "://" not in LOCK[name] and "@" not in LOCK[name]


@pytest.mark.parametrize("name", LOCK)
def test_every_entry_is_pinned_once_and_has_hashes(name):
    names = Counter(canonicalize_name(requirement.name) for requirement, _ in entries(name))
    bad = [requirement.name for requirement, lines in entries(name) if not lines or not all(HASH.fullmatch(line) for line in lines)]
    loose = [requirement.name for requirement, _ in entries(name) if [item.operator for item in requirement.specifier] != ["=="]]

    assert (bad, loose, [name for name, count in names.items() if count > 1]) == ([], [], [])


def test_both_name_the_same_versions():
    run, test = pinned(RUN), pinned(TEST)

    assert {name: run[name] for name in run.keys() & test} == {name: test[name] for name in run.keys() & test}


@pytest.mark.parametrize("lock, requirement", [pytest.param(lock, item, id=item.name) for lock, item in DIRECT if item.name not in LOCAL])
def test_direct_dependency_is_pinned_inside_its_range(lock, requirement):
    version = pinned(lock)[canonicalize_name(requirement.name)]

    assert requirement.specifier.contains(version, prereleases=True)


@pytest.mark.parametrize("requirement", [pytest.param(item, id=item.name) for item in OVERRIDES if not is_never(item) and item.name not in LOCAL])
def test_override_is_kept(requirement):
    assert requirement.specifier.contains(pinned()[canonicalize_name(requirement.name)], prereleases=True)


@pytest.mark.parametrize("name", sorted({item.name for item in OVERRIDES if is_never(item)} | LOCAL))
def test_what_the_stand_in_replaces_is_not_locked(name):
    assert canonicalize_name(name) not in pinned()


@pytest.mark.parametrize("name", sorted(LOCAL))
def test_local_package_has_the_version_that_is_asked_for(name):
    folder = ROOT / UV["sources"][name]["path"]
    local = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert local["name"] == name
    assert all(item.specifier.contains(local["version"]) for item in OVERRIDES if item.name == name)
