"""Sentence vectors from the committed int8 MiniLM graph (see `minilm/PROVENANCE.md`), without PyTorch."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

FOLDER = Path(__file__).parent / "minilm"
DIMENSIONS = 384
_REMEMBERED = 512


class SentenceEncoder:
    """Encodes one text at a time: padding in a batch shifts the vectors of an int8 graph."""

    def __init__(self, folder: Path = FOLDER) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._remembered: OrderedDict[bytes, np.ndarray] = OrderedDict()

    def encode(self, text: str) -> np.ndarray:
        """Return the vector of a text: float32, shape (384,), length 1. Read by the model as at most 256 tokens.

        The last 512 are remembered by the hash of their text, so that screen and classifier share one encoding.
        """
        encoded = text.encode("utf-8", "replace")  # without lone surrogates
        key = hashlib.blake2b(encoded, digest_size=16).digest()
        if key in self._remembered:
            self._remembered.move_to_end(key)
            return self._remembered[key]
        tokens = self._tokenizer.encode(encoded.decode("utf-8"))
        feed = {"input_ids": np.array([tokens.ids], np.int64), "attention_mask": np.array([tokens.attention_mask], np.int64)}
        vector = self._session.run(None, feed)[0][0].astype(np.float32)
        self._remembered[key] = vector
        if len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)
        return vector


@lru_cache(maxsize=1)
def shared_encoder() -> SentenceEncoder:
    """Return the process's one encoder, loaded on first use."""
    return SentenceEncoder()
