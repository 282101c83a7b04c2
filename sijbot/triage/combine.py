"""The second layer: facts and flags that are harmless or milder alone, and together raise a flag, in one message or over several (R21)."""

from __future__ import annotations

from typing import Collection, Iterator, Mapping

from sijbot.content.model import Combination


def holds(combination: Combination, atoms: Collection[str]) -> bool:
    """Return whether a combination holds for the facts and flags that are known."""
    if any(_any_of(line, atoms) for line in combination.unless):
        return False
    needed = len(combination.all) if combination.at_least is None else combination.at_least
    return sum(_any_of(line, atoms) for line in combination.all) >= needed


def combined(combinations: Mapping[str, Combination], now: Collection[str], before: Collection[str]) -> Iterator[tuple[Combination, str]]:
    """Yield every combination that holds, with the atom of this message that it holds by.

    now: facts and flags of this message; before: those of earlier ones. A combination that this message adds nothing to is not yielded again.
    """
    atoms = {*now, *before}
    for combination in combinations.values():
        adds = next((atom for line in combination.all for atom in _atoms(line) if atom in now), None)
        if adds is not None and holds(combination, atoms):
            yield combination, adds


def _atoms(line: str) -> list[str]:
    return [atom.strip() for atom in line.split("|")]


def _any_of(line: str, atoms: Collection[str]) -> bool:
    return any(atom in atoms for atom in _atoms(line))
