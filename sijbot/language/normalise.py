"""Folds a message for matching, and remembers where each character came from."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Sequence

_APOSTROPHES = frozenset("'’‘`´ʼ＇")
# Cyrillic and Greek letters that look like Latin ones.
_LOOK_ALIKES = dict(zip("асеіјорѕухԁһкмтвнгαεικνορτυχω", "aceijopsyxdhkmtbhraeikvoptuxw"))


_SPACES = re.compile(r"[^\S\n]+")
_PLAIN = re.compile(r"(?: ?[!-&(-_a-~\n])+")  # what nothing is done to but for its case: most of every message
_JOINED = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z]{2})(?=[a-z]{3})")  # a space left out shows where the case changes: "SIpain", "thatI"


def without_lone_surrogates(text: str) -> str:
    """Return the text, as long as before, with "?" for every half of a surrogate pair: no tokenizer and no database takes one."""
    return text.encode("utf-8", "replace").decode("utf-8")


@dataclass(frozen=True)
class Folded:
    """`text` for matching; `origin[i]` is the index in the original of its character i, and `origin[len(text)]` the original's length."""

    text: str
    origin: tuple[int, ...]

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """Return the code-point span of the original that `text[start:end]` came from."""
        return self.origin[start], self.origin[end - 1] + 1 if end > start else self.origin[start]


def fold(text: str) -> Folded:
    """Return the text in NFKC and lower case, without apostrophes, invisible characters, lone surrogates and doubled spaces.

    Apostrophes go because people leave them out: "can't", "can’t" and "cant" become the same word.
    Used for matching only; what is stored and shown is the original.
    """
    folded: list[str] = []
    origin: list[int] = []
    ends_in_space = False
    place = 0
    for join in (*(match.start() for match in _JOINED.finditer(text)), len(text)):
        while place < join:
            plain = _PLAIN.match(text, place, join)
            piece, indices = (plain.group().lower(), range(place, plain.end())) if plain else _folded_character(text[place], place)
            place = plain.end() if plain else place + 1
            if ends_in_space and piece.startswith(" "):  # a second space would count as a word between two others
                piece, indices = piece[1:], indices[1:]
            if piece:
                folded.append(piece)
                origin.extend(indices)
                ends_in_space = piece.endswith(" ")
        if join < len(text):
            folded.append(" ")
            origin.append(join)
            ends_in_space = True
    origin.append(len(text))
    return Folded("".join(folded), tuple(origin))


def _folded_character(character: str, place: int) -> tuple[str, Sequence[int]]:
    """Return what a character of any kind is folded to, and the place that each character of that came from."""
    if character in _APOSTROPHES or (not character.isalnum() and not character.isspace() and unicodedata.category(character) in ("Cf", "Cs", "Cc")):
        return "", ()
    pieces = character.lower() if character.isascii() else unicodedata.normalize("NFKC", character).casefold()
    folded = _SPACES.sub(" ", "".join(_LOOK_ALIKES.get(piece, piece) for piece in pieces))
    return folded, (place,) * len(folded)
