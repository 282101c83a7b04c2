"""Folds a message for matching, and remembers where each character came from."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_APOSTROPHES = frozenset("'’‘`´ʼ＇")
# Cyrillic and Greek letters that look like Latin ones.
_LOOK_ALIKES = dict(zip("асеіјорѕухԁһкмтвнгαεικνορτυχω", "aceijopsyxdhkmtbhraeikvoptuxw"))


_JOINED = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z]{2})(?=[a-z]{3})")  # a space left out shows where the case changes: "SIpain", "thatI"


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
    joins = {match.start() for match in _JOINED.finditer(text)}
    for index, character in enumerate(text):
        if index in joins:
            folded.append(" ")
            origin.append(index)
        if character in _APOSTROPHES or (not character.isalnum() and not character.isspace() and unicodedata.category(character) in ("Cf", "Cs", "Cc")):
            continue
        for piece in character.lower() if character.isascii() else unicodedata.normalize("NFKC", character).casefold():
            piece = " " if piece.isspace() and piece != "\n" else piece
            piece = _LOOK_ALIKES.get(piece, piece)
            if piece == " " and folded and folded[-1] == " ":
                continue  # a second space would count as a word between two others
            folded.append(piece)
            origin.append(index)
    origin.append(len(text))
    return Folded("".join(folded), tuple(origin))
