"""The second layer: facts and flags that are harmless or milder alone, and together raise a flag, in one message or over several (R21)."""

from __future__ import annotations

from collections import defaultdict
from typing import Collection, Iterator, Mapping, Optional, Sequence

from sijbot.content.load import atoms_of
from sijbot.content.model import Combination


class Combiner:
    """The combinations, by the facts and flags that they need: a message pays for those that it adds to."""

    def __init__(self, combinations: Mapping[str, Combination]) -> None:
        self._combinations = list(combinations.values())
        self._needed = [[atoms_of(line) for line in combination.all] for combination in self._combinations]
        self._undone_by = [{atom for line in combination.unless for atom in atoms_of(line)} for combination in self._combinations]
        self._with: dict[str, list[int]] = defaultdict(list)
        for number, lines in enumerate(self._needed):
            for atom in {atom for line in lines for atom in line}:
                self._with[atom].append(number)

    def __call__(self, now: Collection[str], before: Collection[str]) -> Iterator[tuple[Combination, str]]:
        """Yield every combination that holds, with the atom of this message that it holds by.

        now: facts and flags of this message; before: those of earlier ones. A combination that this message adds nothing to is not yielded again.
        """
        atoms = {*now, *before}
        for number in sorted({number for atom in now for number in self._with.get(atom, ())}):
            combination, lines = self._combinations[number], self._needed[number]
            if self._undone_by[number].isdisjoint(atoms) and _hold(lines, combination.at_least, atoms):
                yield combination, next(atom for line in lines for atom in line if atom in now)


def _hold(lines: Sequence[Sequence[str]], at_least: Optional[int], atoms: Collection[str]) -> bool:
    return sum(any(atom in atoms for atom in line) for line in lines) >= (len(lines) if at_least is None else at_least)

