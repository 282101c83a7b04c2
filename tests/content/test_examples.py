"""Example sentences: each once, enough that are out of scope, and none that the evaluation holds out."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from pathlib import Path
from typing import Iterator

import pytest
import yaml

from scripts.titles import TITLES, titles
from sijbot.settings import ROOT

FEWEST_OUT_OF_SCOPE = 150
# In data/ a held-out text of any length is trained on. Elsewhere single words are vocabulary: a sentence has three.
FOLDERS = (("data", 1), ("content", 3), ("tests", 3))
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def normalised(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s]", "", text.casefold()).split())


def leaves(item) -> Iterator[str]:
    """Yield every text of a parsed YAML file, keys left out."""
    if isinstance(item, str):
        yield item
    elif isinstance(item, dict):
        for value in item.values():
            yield from leaves(value)
    elif isinstance(item, list):
        for value in item:
            yield from leaves(value)


def texts(path: Path) -> Iterator[str]:
    """Yield the texts that stand in a file: YAML values, Python strings."""
    raw = path.read_text(encoding="utf-8")
    if path.suffix == ".yml":
        yield from leaves(yaml.load(raw, Loader=yaml.CSafeLoader))
    else:
        yield from (node.value for node in ast.walk(ast.parse(raw)) if isinstance(node, ast.Constant) and isinstance(node.value, str))


def sentences(path: Path) -> Iterator[str]:
    """Yield every line of every text, whole and cut into sentences, normalised."""
    for text in texts(path):
        for line in text.splitlines():
            line = line.strip().removeprefix("- ")
            yield normalised(line)
            yield from map(normalised, _SENTENCE_END.split(line))


@pytest.fixture(scope="module")
def held_out() -> set[str]:
    entries = [json.loads(line) for path in (ROOT / "evaluation").glob("*.jsonl") for line in path.read_text(encoding="utf-8").splitlines()]
    return {normalised(entry["text"]) for entry in entries}


def examples() -> list[tuple[str, str]]:
    """Return (label, example) of all of data/nlu."""
    intents = [intent for path in (ROOT / "data" / "nlu").glob("*.yml") for intent in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]]
    return [(intent["intent"], line.removeprefix("- ")) for intent in intents for line in intent["examples"].splitlines() if line.strip()]


def test_evaluation_holds_sentences_out(held_out):
    assert len(held_out) > 500 and "" not in held_out


@pytest.mark.parametrize("folder, fewest_words", FOLDERS)
def test_no_held_out_sentence_stands_elsewhere(held_out, folder, fewest_words):
    paths = [path for suffix in ("yml", "py") for path in (ROOT / folder).rglob(f"*.{suffix}")]

    held_out = {sentence for sentence in held_out if len(sentence.split()) >= fewest_words}
    leaked = {f"{path.relative_to(ROOT)}: {sentence}" for path in paths for sentence in held_out.intersection(sentences(path))}

    assert not leaked, "\n".join(sorted(leaked))


def test_no_example_stands_twice():
    counts = Counter(normalised(example) for _, example in examples())

    assert [example for example, count in counts.items() if count > 1] == []


def test_out_of_scope_has_examples_enough():
    out_of_scope = {example for label, example in examples() if label.startswith("out_of_scope/")}

    assert len(out_of_scope) >= FEWEST_OUT_OF_SCOPE


def test_every_kind_of_out_of_scope_has_its_own_words(content):
    kinds = {label.partition("/")[2] for label, _ in examples() if label.startswith("out_of_scope")}

    assert {f"declined_{kind}" for kind in kinds} == {key for key in content.wording if key.startswith("declined_")}


def test_titles_are_those_of_the_content(content):
    assert TITLES.read_text(encoding="utf-8") == titles(content)
