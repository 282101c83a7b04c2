"""Sentence vectors from the committed int8 graphs (see the PROVENANCE.md beside each), without PyTorch."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tokenizers import Tokenizer

from sijbot.language.graph import open_graph
from sijbot.language.normalise import without_lone_surrogates
from sijbot.language.remembered import Remembered

TOPICS = Path(__file__).parent / "topic_encoder"  # whose vectors say whether two questions ask for the same answer
MEANINGS = Path(__file__).parent / "minilm"  # whose vectors say how alike two sentences are: what the other was trained from, for measuring alone
TOKENIZER = MEANINGS / "tokenizer.json"
DIMENSIONS = 384
_REMEMBERED = 512


class SentenceEncoder:
    """Encodes one text at a time: padding in a batch shifts the vectors of an int8 graph."""

    def __init__(self, folder: Path = TOPICS) -> None:
        self._graph = open_graph(folder / "model.onnx")
        self._inputs = {graph_input.name for graph_input in self._graph.get_inputs()}
        self._tokenizer = Tokenizer.from_file(str(TOKENIZER))
        self._remembered = Remembered(self._encoded, _REMEMBERED)

    def encode(self, text: str) -> np.ndarray:
        """Return the vector of a text: float32, shape (384,), length 1. Read by the model as at most 256 tokens.

        The last 512 are remembered by the hash of their text.
        """
        return self._remembered(without_lone_surrogates(text))

    def _encoded(self, text: str) -> np.ndarray:
        tokens = self._tokenizer.encode(text)
        feed = {"input_ids": np.array([tokens.ids], np.int64), "attention_mask": np.array([tokens.attention_mask], np.int64)}
        return self._graph.run(None, {name: values for name, values in feed.items() if name in self._inputs})[0][0].astype(np.float32)


class Directions(NamedTuple):
    """What the encoder was trained with beside its own weights: for each id the weights of a linear classifier over its vectors, float32, shape (ids, 384), and its bias, (ids,)."""

    ids: tuple[str, ...]
    weights: np.ndarray
    bias: np.ndarray


def encoder_digest(folder: Path = TOPICS) -> str:
    """Return a digest of the files that make the topic vectors and directions."""
    digest = hashlib.sha256()
    for path in (TOKENIZER, folder / "model.onnx", folder / "directions.npz"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def read_directions(folder: Path = TOPICS) -> Directions:
    """Return the directions that stand beside an encoder of topics.

    Raises: OSError, KeyError, ValueError where the file is missing or another.
    """
    with np.load(folder / "directions.npz", allow_pickle=False) as arrays:
        return Directions(tuple(map(str, arrays["ids"])), arrays["weights"].astype(np.float32), arrays["bias"].astype(np.float32))


@lru_cache(maxsize=1)
def shared_encoder() -> SentenceEncoder:
    """Return the process's one encoder of questions, loaded on first use."""
    return SentenceEncoder()
