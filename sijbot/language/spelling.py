"""Brings a misspelt word back to the word of the vocabulary that was meant (R28). For matching only."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from typing import Collection, Iterable, Mapping

from rapidfuzz import process
from rapidfuzz.distance import OSA
from spellchecker import SpellChecker

FEWEST_LETTERS = 4
LETTERS_FOR_TWO_SLIPS = 7
MOST_LETTERS = 60  # a longer "word" is none, nor two that were written as one, and to try each of its letters would cost more than all the rest
FEWEST_LETTERS_JOINED = 3
USES_OF_SMALL_WORDS = 5_000_000  # "and", "the", "was": "pinsand" holds no sand
FEWEST_USES_JOINED = 1000  # of each of two words written as one, among the 1.6 billion words that pyspellchecker counted
SHORT_WORDS_JOINED = frozenset("a i am an as at be by do go gp he if in is it me my no of on op or si so to up us we".split())
_ENDINGS = frozenset("able ally ance ates eds ence ers ess est ful ing ings ion ions ish ism ist ity ive less ley ling ment ness ting tion ure".split())  # counted as words, and none
_REMEMBERED = 20_000
_CONTRACTION = re.compile(
    r"(ai|are|ca|could|did|do|does|had|has|have|is|might|must|need|ought|sha|should|was|were|wo|would)nt"
    r"|(i|you|we|they|he|she|it|that|there|this|here|what|who|where|how|let)(m|re|ve|ll|d|s)|yall"
)
_STRETCHED = re.compile(r"(.)\1{2,}")
_DOUBLED = re.compile(r"(.)\1")


@lru_cache(maxsize=1)
def word_uses() -> Mapping[str, int]:
    """Return the 160,000 English words of pyspellchecker, none of which is ever changed, with how often each was counted."""
    return dict(SpellChecker(language="en").word_frequency.dictionary)


@lru_cache(maxsize=1)
def english_words() -> frozenset[str]:
    """Return the words of `word_uses` alone."""
    return frozenset(word_uses())


def _uses(word: str) -> int:
    return word_uses().get(word, 0)


def split_words(word: str, known: Collection[str] = ()) -> tuple[str, ...]:
    """Return the two common or known words that were written as one ("backpain"); empty where there is no such pair.

    A pair of words that are known or short wins, then that whose rarer word is the more common. "arent" is no "a rent".
    """
    if len(word) < FEWEST_LETTERS_JOINED or _CONTRACTION.fullmatch(word):
        return ()
    pairs = [(word[:place], word[place:]) for place in range(1, len(word))]
    if len(word) <= FEWEST_LETTERS_JOINED + 1:
        pairs = [pair for pair in pairs if SHORT_WORDS_JOINED.issuperset(pair) or (len(word) > FEWEST_LETTERS_JOINED and not {"a", "i"}.isdisjoint(pair))]
    common = [pair for pair in pairs if all(_may_be_joined(part, known) for part in pair)]
    return max(common, key=lambda pair: (are_at_home(pair, known), max(map(_uses, pair)) >= USES_OF_SMALL_WORDS, min(map(_uses, pair))), default=())


def are_at_home(words: Iterable[str], known: Collection[str]) -> bool:
    """True where every word is known, or short and common."""
    return all(word in SHORT_WORDS_JOINED or (len(word) > 2 and word in known) for word in words)


def _may_be_joined(word: str, known: Collection[str]) -> bool:
    return word in SHORT_WORDS_JOINED or (len(word) > 2 and word not in _ENDINGS and (_uses(word) >= FEWEST_USES_JOINED or word in known))


def _slips(word: str) -> int:
    """Return how many slips a word of this length may hold."""
    return 2 if len(word) >= LETTERS_FOR_TWO_SLIPS else 1


def _may_be_misspelt(word: str) -> bool:
    """True for longer words that are no contraction: "wasnt" and "theyre" are not English words either."""
    return word.isalpha() and len(word) > FEWEST_LETTERS and not _CONTRACTION.fullmatch(word)


class Speller:
    """Knows the words to bring others back to, and forms of dialect by their standard word."""

    def __init__(self, words: Iterable[str], forms: Mapping[str, str], joined: Iterable[str] = ()) -> None:
        """words: those of the vocabulary, misspelt ones among them; forms: the standard word of each form of dialect; joined: two words that are often written as one."""
        self._forms = dict(forms)
        self._joined = {word: split_words(word) for word in joined}
        self._beginning: dict[tuple[str, int], list[str]] = defaultdict(list)  # first letter and length -> words, English ones first
        self._words = frozenset(words)
        english = self._words & english_words()
        self._index(english)
        self._standard = {word: self._nearest(word, _slips(word)) or word for word in self._words - english if _may_be_misspelt(word)}
        self._index(self._words - english)
        self._index(self._joined)
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
        if self._is_known(word) and not self._is_stretched(word) or not word.isalpha() or len(self._unstretched(word)) > MOST_LETTERS:
            return (word,)
        shortened = self._unstretched(word)
        if shortened != word and (self._is_known(shortened) or shortened in self._forms):
            return self._meant(shortened)
        near, apart = self._nearest(shortened, 1), split_words(word, self._words) or split_words(shortened, self._words)
        if apart and not (near and self._is_meant(near, shortened, apart)):
            return tuple(self._forms.get(part, part) for part in apart)
        if near:
            return self._joined.get(near, (near,))
        far = self._nearest(shortened, _slips(shortened))
        return (far,) if far else (word,)

    def _is_meant(self, near: str, word: str, apart: tuple[str, ...]) -> bool:
        """True where a slip inside one word is likelier than a space left out; "thati" is no "that" with an i too many."""
        if _likelihood(word, near) == 0 or (_likelihood(word, near) == 1 and _uses(near) >= FEWEST_USES_JOINED):
            return True
        return near not in apart and not are_at_home(apart, self._words) and _uses(near) > min(map(_uses, apart))

    def _is_known(self, word: str) -> bool:
        return word in self._words or word in english_words()

    @staticmethod
    def _is_stretched(word: str) -> bool:
        return _STRETCHED.search(word) is not None

    def _unstretched(self, word: str) -> str:
        """Return "sooo" as "so" and "numbbb" as "numb"; a double letter is kept where that makes the more common word."""
        double, single = _STRETCHED.sub(r"\1\1", word), _STRETCHED.sub(r"\1", word)
        if double == word:
            return word
        if self._is_known(double) and (not self._is_known(single) or _uses(double) > _uses(single)):
            return double
        return single

    def _nearest(self, word: str, slips: int) -> str:
        """Return the nearest word within so many slips: a letter more, less or other, or two swapped. Empty where none is near.

        Of two that are as near, the likelier slip wins: two letters swapped or one doubled, then one lost, then any other; then the word that is used more.
        """
        if len(word) < FEWEST_LETTERS:
            return ""
        lengths = (len(word), len(word) + 1) if len(word) == FEWEST_LETTERS else range(len(word) - slips, len(word) + slips + 1)
        near = [
            (distance, _likelihood(word, found), -_uses(found), found)
            for first in dict.fromkeys(word[:2])  # the first letter is hardly ever wrong, but may be swapped with the second
            for length in lengths
            for found, distance, _ in process.extract(word, self._beginning.get((first, length), ()), scorer=OSA.distance, score_cutoff=slips, limit=None)
            if len(word) > FEWEST_LETTERS or _likelihood(word, found) < 2  # other slips make other words of four letters
        ]
        return min(near, default=("",))[-1]


def _likelihood(typed: str, meant: str) -> int:
    """Return 0 for the likeliest kind of slip: letters swapped, or one doubled or not; 1 for a letter lost; 2 for any other, and where the first letter is another."""
    if typed[0] != meant[0]:
        return 2
    if sorted(typed) == sorted(meant) or _DOUBLED.sub(r"\1", typed) == _DOUBLED.sub(r"\1", meant):
        return 0
    return 1 if len(typed) < len(meant) else 2
