"""Prints the installed packages that the assistant does not need to run: requirements.lock holds those for tests too, and an image should not."""

from __future__ import annotations

import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from pathlib import Path
from typing import Iterator, Optional

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
KEPT = frozenset(("sijbot", "setuptools"))  # setuptools: asked for by none, imported by some


def needed() -> frozenset[str]:
    """Return the names of what the assistant depends on, and of all that these depend on in turn."""
    asked_first = map(Requirement, tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["dependencies"])
    open_ones = [each for requirement in asked_first for each in _with_extras(requirement)]
    found, seen = set(KEPT), set(open_ones)
    while open_ones:
        name, extra = open_ones.pop()
        package = _installed(name)
        if package is None:  # for other systems, or replaced by a stand-in
            continue
        found.add(canonicalize_name(name))
        new = [each for each in _asked(package, extra) if each not in seen]
        seen.update(new)
        open_ones += new
    return frozenset(found)


def unneeded() -> list[str]:
    """Return the names of what is installed and not needed, in order."""
    return sorted({canonicalize_name(package.metadata["Name"]) for package in distributions()} - needed())


def _installed(name: str) -> Optional[Distribution]:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _asked(package: Distribution, extra: str) -> Iterator[tuple[str, str]]:
    """Yield (name, extra) of each requirement that holds here."""
    for requirement in map(Requirement, package.requires or ()):
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield from _with_extras(requirement)


def _with_extras(requirement: Requirement) -> list[tuple[str, str]]:
    """Return (name, extra) of the package without an extra, and with each that is asked for."""
    return [(requirement.name, extra) for extra in ("", *requirement.extras)]


if __name__ == "__main__":
    print("\n".join(unneeded()))
