"""Measures the third layer on red flags that it was given no message of: does it know an unknown danger by its likeness to others?

Usage: uv run scripts/train_sign_reader.py EXAMPLES --folder FOLDER --without FLAG …, then python -m scripts.left_out FOLDER FLAG …

Judged is meaning alone, without a single pattern: the share of the dangers with these flags, in data/screen/, that it would lead to a question or an alarm.
"""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.sign_examples import screen_messages
from sijbot.content import load
from sijbot.evaluate import share
from sijbot.language.sign_reader import SignReader
from sijbot.settings import ROOT
from sijbot.triage.assessment import ALARM, NONE
from sijbot.triage.weigh import GRAVE, THRESHOLDS, is_short


def main(folder: Path, flags: list[str]) -> None:
    reader = SignReader(folder)
    messages = list(screen_messages(ROOT, load(ROOT / "content")))
    for flag in flags:
        of_flag = [entry["text"] for entry, _ in messages if entry["flags"][:1] == [flag] and entry["expect"] == ALARM and entry["level"] in GRAVE]
        print(f"{flag}: no messages" if not of_flag else f"{flag}: {share(sum(is_caught(reader, text) for text in of_flag), len(of_flag))} of {len(of_flag)}", flush=True)
    held_back = [entry["text"] for entry, is_held_back in messages if is_held_back and entry["expect"] == NONE]
    print(f"harmless messages held back: {share(sum(is_caught(reader, text) for text in held_back), len(held_back))} of {len(held_back)}")


def is_caught(reader: SignReader, text: str) -> bool:
    """Return whether the meaning of a message alone would lead to a question or more."""
    levels = reader.read(text).levels
    least = THRESHOLDS.short_ask if is_short(text) else THRESHOLDS.ask
    return any(levels[level] >= least[level] for level in GRAVE)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
