"""Finds the phrases of a vocabulary in a message: a hundred thousand of them in one pass, with all that overlap."""

from __future__ import annotations

from collections import defaultdict
from typing import Iterable, Iterator, Mapping, Sequence

import ahocorasick


class PhraseFinder:
    """An automaton over words. Building it takes well under a second, finding grows with the message alone."""

    def __init__(self, phrases: Mapping[str, Iterable[Sequence[str]]]) -> None:
        """phrases: the words of every phrase, by group; a phrase may stand in several groups."""
        groups: dict[str, list[str]] = defaultdict(list)
        for group, group_phrases in phrases.items():
            for words in group_phrases:
                groups[_joined(words)].append(group)
        self._automaton = ahocorasick.Automaton()
        for joined, named in groups.items():
            self._automaton.add_word(joined, (len(joined), tuple(dict.fromkeys(named))))
        self._automaton.make_automaton()

    def __call__(self, words: Sequence[str]) -> Iterator[tuple[tuple[str, ...], int, int]]:
        """Yield (groups that hold it, first word, behind the last word) for every phrase in the words, by the place where it ends."""
        if not words or not len(self._automaton):
            return
        number_at, place = {0: 0}, 0
        for number, word in enumerate(words, 1):
            place += len(word) + 1
            number_at[place] = number
        for last, (length, named) in self._automaton.iter(_joined(words)):
            yield named, number_at[last - length + 1], number_at[last]


def _joined(words: Sequence[str]) -> str:
    return f" {' '.join(words)} "
