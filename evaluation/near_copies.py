"""Finds held-out messages that stand, nearly the same, among what the project is built from: they would measure memory and not understanding.

Near is a word-trigram Jaccard index above TRIGRAMS or a cosine of sentence vectors above COSINE. Usage: python -m evaluation.near_copies
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator, Sequence

import numpy as np
import yaml

from sijbot import evaluate, evaluate_answers
from sijbot.settings import ROOT

TRIGRAMS, COSINE = 0.6, 0.95
_SHARED_WORDS = 0.25  # only texts with more words in common than this are encoded: encoding every pair would take minutes
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class NearCopy:
    """A held-out text, what it is like, where that stands, and by which of the two measures."""

    held_out: str
    other: str
    place: str
    measure: str
    value: float


def held_out_texts(root: Path = ROOT) -> list[str]:
    """Return the text of every held-out message and question."""
    messages = [message.text for path in evaluate.held_out_files(root) for message in evaluate.read_messages(path)]
    return messages + [question.text for path in evaluate_answers.held_out_files(root) for question in evaluate_answers.read_questions(path)]


def built_from(root: Path = ROOT) -> Iterator[tuple[str, str]]:
    """Yield (place, text) of every sentence that the screen or the classifier is built from: cases, training messages and examples."""
    for path in sorted((root / "content" / "red_flags").glob("*.cases.yml")):
        for case in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader):
            yield path.name, case["text"]
    for path in sorted((root / "data").glob("*/*.jsonl")):
        for line in filter(str.strip, path.read_text(encoding="utf-8").splitlines()):
            yield path.name, json.loads(line)["text"]
    for path in sorted((root / "data" / "nlu").glob("*.yml")):
        for intent in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["nlu"]:
            for line in filter(str.strip, intent["examples"].splitlines()):
                yield path.name, line.removeprefix("- ")


def near_copies(held_out: Sequence[str], others: Sequence[tuple[str, str]], encode: Callable[[str], np.ndarray]) -> list[NearCopy]:
    """Return every pair that is too near. `encode` returns vectors of length 1."""
    words = [_words(text) for _, text in others]
    with_trigram, with_word = _index(map(_trigrams, words)), _index(map(set, words))
    trigrams, vocabularies = [len(_trigrams(text)) for text in words], [len(set(text)) for text in words]
    vectors: dict[int, np.ndarray] = {}
    found = []
    for text in held_out:
        own, vector = _words(text), None
        if not own:  # emoji and dots: nothing to copy
            continue
        for number in _alike(_trigrams(own), with_trigram, trigrams, TRIGRAMS):
            found.append(NearCopy(text, others[number][1], others[number][0], "trigrams", TRIGRAMS))
        for number in _alike(set(own), with_word, vocabularies, _SHARED_WORDS):
            vector = encode(text) if vector is None else vector
            if number not in vectors:
                vectors[number] = encode(others[number][1])
            cosine = float(vector @ vectors[number])
            if cosine > COSINE:
                found.append(NearCopy(text, others[number][1], others[number][0], "cosine", cosine))
    return found


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold().replace("'", "").replace("’", ""))


def _trigrams(words: Sequence[str]) -> set[tuple[str, ...]]:
    """Return the runs of three words; of a shorter text, the whole of it."""
    return {tuple(words[start : start + 3]) for start in range(max(1, len(words) - 2))}


def _index(sets) -> dict:
    index = defaultdict(list)
    for number, items in enumerate(sets):
        for item in items:
            index[item].append(number)
    return index


def _alike(own: set, index: dict, sizes: Sequence[int], above: float) -> list[int]:
    """Return the numbers of the sets whose Jaccard index with `own` is above a value."""
    shared = Counter(number for item in own for number in index.get(item, ()))
    return [number for number, count in shared.items() if count > above * (len(own) + sizes[number] - count)]


def main() -> None:
    from sijbot.language.encoder import MEANINGS, SentenceEncoder

    found = near_copies(held_out_texts(), list(built_from()), SentenceEncoder(MEANINGS).encode)
    for copy in found:
        print(f"{copy.measure} {copy.value:.2f} · {copy.place} · {copy.other} · held out: {copy.held_out}")
    print(f"{len(found)} near copies.")


if __name__ == "__main__":
    main()
