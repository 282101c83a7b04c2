"""Measures the third layer on red flags that it was given no message of: does it know an unknown danger by its likeness to others?

Usage, for each group of flags: uv run scripts/train_sign_reader.py EXAMPLES --epochs 1 --most-words 60 --folder FOLDER --without FLAG …
Then: python -m scripts.left_out FOLDER …

Judged is meaning alone, without a single pattern: the share of the short dangers with these flags, in data/screen/, that it would lead to a question or an alarm, at the thresholds
at which it asks about as many harmless messages as the committed reader does. Prints Markdown: a line for each flag, the worst first, and all together.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from scripts.sign_examples import screen_messages
from sijbot.content import load
from sijbot.evaluate import share
from sijbot.language.sign_reader import SignReader
from sijbot.settings import ROOT
from sijbot.triage.assessment import ALARM, NONE
from sijbot.triage.weigh import GRAVE, THRESHOLDS, is_short

WITHOUT = "without.txt"  # as scripts/train_sign_reader.py names it, which runs in another environment
MOST_WORDS = 60


def main(folders: list[Path]) -> None:
    messages = [(entry, is_held_back) for entry, is_held_back in screen_messages(ROOT, load(ROOT / "content")) if len(entry["text"].split()) <= MOST_WORDS]
    harmless = [entry["text"] for entry, is_held_back in messages if is_held_back and entry["expect"] == NONE]
    committed = SignReader()
    asked = float(np.mean([certainty(committed, text) >= 0 for text in harmless]))
    caught: dict[str, list[bool]] = {}
    for folder in folders:
        reader = SignReader(folder)
        least = float(np.quantile([certainty(reader, text) for text in harmless], 1 - asked))
        for flag in (folder / WITHOUT).read_text(encoding="utf-8").split():
            texts = [entry["text"] for entry, _ in messages if entry["flags"][:1] == [flag] and entry["expect"] == ALARM and entry["level"] in GRAVE]
            if texts:
                caught[flag] = [certainty(reader, text) >= least for text in texts]
    print("| red flag left out | caught by likeness |\n| --- | --- |")
    for flag, hits in sorted(caught.items(), key=lambda item: sum(item[1]) / len(item[1])):
        print(f"| {flag} | {share(sum(hits), len(hits))} of {len(hits)} |")
    every = [hit for hits in caught.values() for hit in hits]
    print(f"\nAll {len(caught)} flags: {share(sum(every), len(every))} of {len(every)}. Harmless messages asked about: {100 * asked:.1f} % of {len(harmless)}.")


def certainty(reader: SignReader, text: str) -> float:
    """Return by how much the meaning of a message alone is above (or below 0) what leads to a question."""
    levels = reader.read(text).levels
    least = THRESHOLDS.short_ask if is_short(text) else THRESHOLDS.ask
    return max(levels[level] - least[level] for level in GRAVE)


if __name__ == "__main__":
    main([Path(folder) for folder in sys.argv[1:]])
