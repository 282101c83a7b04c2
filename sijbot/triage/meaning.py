"""The third layer of the screen: a message whose meaning is near a red flag leads to a question, never to an alarm and never to silence.

Trained on messages with and without a sign (`data/screen/`), on the cases of the red flags and on harmless questions. Patterns decide what is certain; this
only asks about what they missed. Two linear classifiers: one over the sentence vector and the letters of a text says how likely any sign is in it, one over the
vector alone says which.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Iterable, Iterator, Optional, Sequence

import numpy as np

from sijbot.content.model import Content
from sijbot.language.encoder import shared_encoder
from sijbot.language.normalise import fold

NONE = "none"
FEWEST_WORDS = 3
STRETCH_CHARACTERS = 1200  # what the encoder reads of a text; longer ones are read in stretches
OVERLAP_CHARACTERS = 200
STRETCHES_AT_MOST = 6  # of a very long message the first and the last three
SHORT_WORDS, SHORT_DOUBT = 12, 0.4  # of a short message one must be surer: it is mostly a plain question, and patterns read it well
FEW_STRETCHES, STRICTER_WITH_LENGTH = 2, 1.3  # of the many stretches of a very long message one is near to something by chance
LETTER_FEATURES = 2**15
LETTERS_WEIGHT = 0.7  # against the vector's length of 1; this and the two below by cross-validation on data/screen (2026-11-22)
_C_DANGER, _C_FLAG = 8.0, 20.0
_WEIGHT_OF_CASES = 0.6  # against the messages of data/screen, which are longer and more like what people send


@dataclass(frozen=True)
class Near:
    """The flag that a stretch of a message is near to, and how likely any sign is there."""

    flag: str
    confidence: float
    start: int
    end: int


@dataclass(frozen=True)
class Example:
    """A text, the flags that are in it (none where it is harmless), and how much it counts."""

    text: str
    flags: tuple[str, ...]
    weight: float = 1.0


@dataclass(frozen=True)
class Meaning:
    """`danger`: weights of shape (384 + LETTER_FEATURES,); `flags`: ids in the order of the columns of `flag_weights`, shape (384, flags)."""

    danger: np.ndarray
    danger_bias: float
    flags: tuple[str, ...]
    flag_weights: np.ndarray
    flag_bias: np.ndarray
    threshold: float

    def nearest(self, text: str) -> Optional[Near]:
        """Return the flag that the message, or a stretch of a long one, is nearest to; None where all of it is nearer to harmless talk."""
        near = [self._near(text, start, end) for start, end in _stretches(text)]
        nearest = max(near, key=lambda one: one.confidence, default=None)
        return nearest if nearest and nearest.confidence >= 1.0 - self._doubt_allowed(text, len(near)) else None

    def _doubt_allowed(self, text: str, stretches: int) -> float:
        doubt = 1.0 - self.threshold
        if len(text.split()) <= SHORT_WORDS:
            return doubt * SHORT_DOUBT
        return doubt if stretches <= FEW_STRETCHES else doubt / stretches**STRICTER_WITH_LENGTH

    def _near(self, text: str, start: int, end: int) -> Near:
        part = text[start:end].strip()
        vector, letters = shared_encoder().encode(part), _letters([part])
        score = float(vector @ self.danger[: vector.size]) + float((letters @ self.danger[vector.size :])[0]) + self.danger_bias
        flag = self.flags[int(np.argmax(vector @ self.flag_weights + self.flag_bias))]
        return Near(flag, 1.0 / (1.0 + float(np.exp(-score))), start, end)

    def save(self, path: Path) -> None:
        """Write the classifiers to a file that `load` reads."""
        np.savez(
            path, danger=self.danger, danger_bias=self.danger_bias, flags=np.array(self.flags), flag_weights=self.flag_weights,
            flag_bias=self.flag_bias, threshold=self.threshold,
        )  # fmt: skip

    @classmethod
    def load(cls, path: Path) -> "Meaning":
        with np.load(path) as arrays:
            flags = tuple(str(flag) for flag in arrays["flags"])
            bias, threshold = float(arrays["danger_bias"]), float(arrays["threshold"])
            return cls(arrays["danger"], bias, flags, arrays["flag_weights"], arrays["flag_bias"], threshold)


def case_examples(content: Content) -> Iterator[Example]:
    """Yield the cases of all red flags that must fire, under their flag, and those that must not, as harmless."""
    for flag_id, cases in content.cases.items():
        for case in cases:
            if case.expect != "ask":
                yield Example(case.text, (flag_id,) if case.expect == "fire" else (), _WEIGHT_OF_CASES)


def train(examples: Sequence[Example], threshold: float) -> Meaning:
    """Return the classifiers fitted to the examples."""
    from scipy import sparse  # needed for training alone, as scikit-learn's classifier is
    from sklearn.linear_model import LogisticRegression

    vectors = np.stack([shared_encoder().encode(example.text[:STRETCH_CHARACTERS]) for example in examples])
    both = sparse.hstack([sparse.csr_matrix(vectors), _letters([example.text[:STRETCH_CHARACTERS] for example in examples])]).tocsr()
    has_sign = [bool(example.flags) for example in examples]
    weights = [example.weight for example in examples]
    danger = LogisticRegression(C=_C_DANGER, solver="liblinear", max_iter=400, random_state=7).fit(both, has_sign, sample_weight=weights)
    signs = [(vector, example) for vector, example in zip(vectors, examples) if example.flags]
    which = LogisticRegression(C=_C_FLAG, max_iter=300, random_state=7).fit(
        np.stack([vector for vector, _ in signs]), [example.flags[0] for _, example in signs], sample_weight=[example.weight for _, example in signs]
    )
    return Meaning(
        danger.coef_[0].astype(np.float32), float(danger.intercept_[0]), tuple(str(flag) for flag in which.classes_),
        which.coef_.T.astype(np.float32), which.intercept_.astype(np.float32), threshold,
    )  # fmt: skip


def _letters(texts: Iterable[str]):
    """Return the share of every run of three to five letters, hashed: shape (texts, LETTER_FEATURES), rows of length LETTERS_WEIGHT."""
    return _hasher().transform([fold(text).text for text in texts]) * LETTERS_WEIGHT


@lru_cache(maxsize=1)
def _hasher():
    from sklearn.feature_extraction.text import HashingVectorizer  # slow to import

    return HashingVectorizer(
        analyzer="char_wb", ngram_range=(3, 5), n_features=LETTER_FEATURES, alternate_sign=False, lowercase=False, dtype=np.float32
    )


def _stretches(text: str) -> list[tuple[int, int]]:
    """Return the whole text, or overlapping stretches of a long one; nothing where it is a word or two."""
    if len(text.split()) < FEWEST_WORDS:
        return []
    step = STRETCH_CHARACTERS - OVERLAP_CHARACTERS
    stretches = [(start, min(len(text), start + STRETCH_CHARACTERS)) for start in range(0, max(1, len(text) - OVERLAP_CHARACTERS), step)]
    half = STRETCHES_AT_MOST // 2
    return stretches if len(stretches) <= STRETCHES_AT_MOST else stretches[:half] + stretches[-half:]
