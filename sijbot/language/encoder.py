"""Sentence vectors from the committed int8 MiniLM graph (see `minilm/PROVENANCE.md`), without PyTorch."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from sijbot.language.graph import Remembered, open_graph

FOLDER = Path(__file__).parent / "minilm"
DIMENSIONS = 384
_REMEMBERED = 512


class SentenceEncoder:
    """Encodes one text at a time: padding in a batch shifts the vectors of an int8 graph."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._graph = open_graph(folder / "model.onnx")
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._remembered = Remembered(self._encoded, _REMEMBERED)

    def encode(self, text: str) -> np.ndarray:
        """Return the vector of a text: float32, shape (384,), length 1. Read by the model as at most 256 tokens.

        The last 512 are remembered by the hash of their text, so that screen and classifier share one encoding.
        """
        return self._remembered(text)

    def _encoded(self, text: str) -> np.ndarray:
        tokens = self._tokenizer.encode(text)
        feed = {"input_ids": np.array([tokens.ids], np.int64), "attention_mask": np.array([tokens.attention_mask], np.int64)}
        return self._graph.run(None, feed)[0][0].astype(np.float32)


@lru_cache(maxsize=1)
def shared_encoder() -> SentenceEncoder:
    """Return the process's one encoder, loaded on first use."""
    return SentenceEncoder()
