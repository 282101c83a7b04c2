"""How likely a message tells of a danger sign that somebody has now, and of which: scores from the committed int8 graph (see `sign_reader/PROVENANCE.md`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Iterator, Sequence

import numpy as np
from tokenizers import Tokenizer

from sijbot.language import encoder
from sijbot.language.graph import open_graph
from sijbot.language.normalise import without_lone_surrogates
from sijbot.language.remembered import Remembered

FOLDER = Path(__file__).parent / "sign_reader"
TOKENS_AT_ONCE = 510  # and the two that begin and end a text: what the graph was trained on
OVERLAP_TOKENS = 96
REPEATS_READ = 4  # of the same token in a row: "no no no no no …" says no more
THREADS = 2  # nearly halve what a long message takes
_BEGIN, _END = 101, 102
_REMEMBERED = 256


@dataclass(frozen=True)
class Scores:
    """Log odds of a message: `levels` by name ("urgent" is urgent or worse), `flags` by id, and by id where in the text each is strongest."""

    levels: dict[str, float]
    flags: dict[str, float]
    places: dict[str, tuple[int, int]]


class SignReader:
    """Reads one text at a time: padding in a batch shifts the scores of an int8 graph."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._graph = open_graph(folder / "model.onnx", THREADS)
        self._tokenizer = Tokenizer.from_file(str(encoder.TOKENIZER))
        self._tokenizer.no_truncation()
        outputs = json.loads((folder / "reader.json").read_text(encoding="utf-8"))
        self._levels, self._flags = tuple(outputs["levels"]), tuple(outputs["flags"])
        self._remembered = Remembered(self._read, _REMEMBERED)

    def read(self, text: str) -> Scores:
        """Return the scores of a text: of a long one, those of its overlapping stretches at their highest. Cost grows with its length.

        The last 256 are remembered by the hash of their text, so that channel and gate read a message once.
        """
        return self._remembered(without_lone_surrogates(text))

    def _read(self, text: str) -> Scores:
        tokens = self._tokenizer.encode(text, add_special_tokens=False)
        kept = list(_without_repeats(tokens.ids))
        return self._scores(np.array([tokens.ids[place] for place in kept], np.int64), [tokens.offsets[place] for place in kept])

    def _scores(self, ids: np.ndarray, offsets: list[tuple[int, int]]) -> Scores:
        names = (*self._levels, *self._flags)
        best = np.full(len(names), -np.inf, np.float32)
        places = [(0, 0)] * len(names)
        for start in range(0, max(1, len(ids) - OVERLAP_TOKENS), TOKENS_AT_ONCE - OVERLAP_TOKENS):
            stretch = np.concatenate(([_BEGIN], ids[start : start + TOKENS_AT_ONCE], [_END]))[None]
            scores, token_scores = self._graph.run(None, {"input_ids": stretch})
            strongest = token_scores[0, 1:-1].argmax(0) if stretch.shape[1] > 2 else np.zeros(len(names), int)
            for number in np.flatnonzero(scores[0] > best):
                best[number] = scores[0, number]
                places[number] = offsets[start + strongest[number]] if offsets else (0, 0)
        by_name = {name: float(score) for name, score in zip(names, best)}
        return Scores(
            {level: by_name[level] for level in self._levels}, {flag: by_name[flag] for flag in self._flags},
            dict(zip(self._flags, places[len(self._levels) :])),
        )  # fmt: skip


def _without_repeats(ids: Sequence[int]) -> Iterator[int]:
    """Yield the places of the tokens, of a run of the same one those of the first few."""
    repeats = 0
    for place, token in enumerate(ids):
        repeats = repeats + 1 if place and token == ids[place - 1] else 0
        if repeats < REPEATS_READ:
            yield place


@lru_cache(maxsize=1)
def shared_sign_reader() -> SignReader:
    """Return the process's one sign reader, loaded on first use."""
    return SignReader()
