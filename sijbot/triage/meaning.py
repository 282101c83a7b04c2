"""The third layer of the screen: a sentence whose meaning is near a red flag leads to a question, never to an alarm and never to silence.

Trained on the cases of the red flags and on harmless questions; patterns decide what is certain, this only asks about what they missed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Iterator, Optional

import numpy as np

from sijbot.content.model import Content
from sijbot.language.encoder import shared_encoder

NONE = "none"
FEWEST_WORDS = 3
SENTENCES_AT_MOST = 40  # of a long message the first and the last twenty
STRICTER_WITH_LENGTH = 0.25  # exponent: with 16 sentences half of the doubt is allowed that one alone may leave
_SENTENCE = re.compile(r"[^.!?;\n]+")
_C = 20.0


@dataclass(frozen=True)
class Near:
    """The flag that a stretch of a message is near to."""

    flag: str
    confidence: float
    start: int
    end: int


@dataclass(frozen=True)
class Meaning:
    """A linear classifier over sentence vectors: `labels` are flag ids and NONE; weights of shape (384, labels)."""

    labels: tuple[str, ...]
    weights: np.ndarray
    bias: np.ndarray
    threshold: float

    def nearest(self, text: str) -> Optional[Near]:
        """Return the flag that any sentence, or the whole message, is nearest to; None where all is nearer to harmless talk.

        The more sentences there are, the surer one must be: of many harmless ones, one is near to something by chance.
        """
        stretches = _stretches(text)
        threshold = 1.0 - (1.0 - self.threshold) / max(1, len(stretches)) ** STRICTER_WITH_LENGTH
        nearest = max((self._near(text, start, end) for start, end in stretches), key=lambda near: near.confidence, default=None)
        return nearest if nearest and nearest.confidence >= threshold else None

    def _near(self, text: str, start: int, end: int) -> Near:
        scores = shared_encoder().encode(text[start:end].strip()) @ self.weights + self.bias
        odds = np.exp(scores - scores.max())
        confidences = odds / odds.sum()
        harmless = self.labels.index(NONE)
        flag = max((index for index in range(len(self.labels)) if index != harmless), key=lambda index: confidences[index])
        return Near(self.labels[flag], float(1.0 - confidences[harmless]), start, end)

    def save(self, path: Path) -> None:
        """Write the classifier to a file that `load` reads."""
        np.savez(path, labels=np.array(self.labels), weights=self.weights, bias=self.bias, threshold=self.threshold)

    @classmethod
    def load(cls, path: Path) -> "Meaning":
        with np.load(path) as arrays:
            return cls(tuple(str(label) for label in arrays["labels"]), arrays["weights"], arrays["bias"], float(arrays["threshold"]))


def examples(content: Content, harmless: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield (text, label): what must fire an emergency or urgent flag under its id, every other case and all harmless texts as NONE."""
    for flag_id, cases in content.cases.items():
        is_serious = content.red_flags[flag_id].level != "soon"
        for case in cases:
            if case.expect == NONE:
                yield case.text, NONE
            elif case.expect == "fire" and is_serious:
                yield case.text, flag_id
    for text in harmless:
        yield text, NONE


def train(content: Content, harmless: Iterable[str], threshold: float) -> Meaning:
    """Return a classifier fitted to the content's cases and to harmless texts."""
    from sklearn.linear_model import LogisticRegression  # needed for training alone

    texts, labels = zip(*examples(content, harmless))
    vectors = np.stack([shared_encoder().encode(text) for text in texts])
    model = LogisticRegression(C=_C, max_iter=300, random_state=7).fit(vectors, labels)
    weights, bias = model.coef_.T.astype(np.float32), model.intercept_.astype(np.float32)
    return Meaning(tuple(str(label) for label in model.classes_), weights, bias, threshold)


def _stretches(text: str) -> list[tuple[int, int]]:
    """Return the sentences with enough words, and the whole text; that alone where it is one sentence, as the classifier has encoded it."""
    if len(text.split()) < FEWEST_WORDS:
        return []
    spans = [match.span() for match in _SENTENCE.finditer(text) if len(match.group().split()) >= FEWEST_WORDS]
    if len(spans) > SENTENCES_AT_MOST:
        spans = spans[: SENTENCES_AT_MOST // 2] + spans[-SENTENCES_AT_MOST // 2 :]
    return [*(spans if len(spans) > 1 else ()), (0, len(text))]
