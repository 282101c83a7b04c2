"""Brings a misspelt word back to the word of the vocabulary that was meant (R28). For matching only."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from typing import Iterable, Mapping

from rapidfuzz import process
from rapidfuzz.distance import OSA
from spellchecker import SpellChecker

FEWEST_LETTERS = 4
LETTERS_FOR_TWO_SLIPS = 7
FEWEST_LETTERS_JOINED = 6
_REMEMBERED = 20_000
_CONTRACTED = ("nt", "re", "ve", "ll", "ts", "es")
_STRETCHED = re.compile(r"(.)\1{2,}")


@lru_cache(maxsize=1)
def english_words() -> frozenset[str]:
    """Return the 160,000 English words of pyspellchecker, none of which is ever changed."""
    return frozenset(SpellChecker(language="en").word_frequency.words())


def _slips(word: str) -> int:
    """Return how many slips a word of this length may hold."""
    return 2 if len(word) >= LETTERS_FOR_TWO_SLIPS else 1


def _may_be_misspelt(word: str) -> bool:
    """True for longer words that are no contraction: "wasnt" and "theyre" are not English words either."""
    return word.isalpha() and len(word) > FEWEST_LETTERS and not word.endswith(_CONTRACTED)


class Speller:
    """Knows the words to bring others back to, and forms of dialect by their standard word."""

    def __init__(self, words: Iterable[str], forms: Mapping[str, str]) -> None:
        """words: those of the vocabulary, misspelt ones among them; forms: the standard word of each form of dialect."""
        self._forms = dict(forms)
        self._beginning: dict[tuple[str, int], list[str]] = defaultdict(list)  # first letter and length -> words, English ones first
        self._words = frozenset(words)
        english = self._words & english_words()
        self._index(english)
        self._standard = {word: self._nearest(word, _slips(word)) or word for word in self._words - english if _may_be_misspelt(word)}
        self._index(self._words - english)
        self.meant = lru_cache(maxsize=_REMEMBERED)(self._meant)

    def standard(self, word: str) -> str:
        """Return the English word of the vocabulary that a word of it is a misspelling of, if it may be one; else the word itself."""
        return self._standard.get(word, word)

    def _index(self, words: Iterable[str]) -> None:
        for word in sorted(words):
            if len(word) >= FEWEST_LETTERS and word.isalpha():
                self._beginning[word[0], len(word)].append(word)

    def _meant(self, word: str) -> tuple[str, ...]:
        """Return the word that was meant, or two where a space was left out; the word itself where it is known or nothing is near."""
        if word in self._forms:
            return (self._forms[word],)
        if self._is_known(word) or not word.isalpha():
            return (word,)
        shortened = self._unstretched(word)
        if shortened != word and (self._is_known(shortened) or shortened in self._forms):
            return self._meant(shortened)
        nearest = self._nearest(shortened, 1)
        if nearest:
            return (nearest,)
        far = self._nearest(shortened, _slips(shortened))
        return self._split(word) or ((far,) if far else (word,))

    def _is_known(self, word: str) -> bool:
        return word in self._words or word in english_words()

    def _unstretched(self, word: str) -> str:
        """Return "sooo" as "so" and "numbbb" as "numb"; a double letter is kept where that makes a known word."""
        double = _STRETCHED.sub(r"\1\1", word)
        if double == word or self._is_known(double):
            return double
        return _STRETCHED.sub(r"\1", word)

    def _nearest(self, word: str, slips: int) -> str:
        """Return the nearest word within so many slips: a letter more, less or other, or two swapped. Empty where none is near."""
        if len(word) < FEWEST_LETTERS:
            return ""
        if len(word) == FEWEST_LETTERS:
            return self._swapped(word)
        near = [
            found
            for first in dict.fromkeys(word[:2])  # the first letter is hardly ever wrong, but may be swapped with the second
            for length in range(len(word) - slips, len(word) + slips + 1)
            if (found := process.extractOne(word, self._beginning.get((first, length), ()), scorer=OSA.distance, score_cutoff=slips))
        ]
        best = min(near, key=lambda found: (found[1], found[0] not in english_words()), default=("",))
        return best[0]

    def _swapped(self, word: str) -> str:
        """Return the known word that a short one is with two neighbours swapped: other slips make other words of four letters."""
        swapped = (word[:place] + word[place + 1] + word[place] + word[place + 2 :] for place in range(len(word) - 1))
        return next((candidate for candidate in swapped if candidate in self._words), "")

    def _split(self, word: str) -> tuple[str, ...]:
        """Return two known words that were written as one, one of them of the vocabulary; empty where there is no such pair."""
        if len(word) < FEWEST_LETTERS_JOINED:
            return ()
        for place in range(2, len(word) - 1):
            left, right = word[:place], word[place:]
            if len(right) >= 2 and self._is_known(left) and self._is_known(right) and max((left, right), key=len) in self._words:
                return left, right
        return ()
