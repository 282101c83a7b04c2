"""Figures for the third layer, cross-validated: how many dangers it asks about, by how often it asks about harmless messages. Usage: python -m scripts.meaning_threshold

Five parts of data/screen, each judged by classifiers that have not seen it. The threshold in sijbot/adapters/training.py was chosen from this.
"""

from __future__ import annotations

import numpy as np

from sijbot.adapters.training import examples_of_signs
from sijbot.content import load
from sijbot.settings import from_environment
from sijbot.triage.meaning import train

PARTS = 5


def main() -> None:
    """Print a line for each share of harmless messages that may be asked about."""
    settings = from_environment()
    content = load(settings.content)
    examples = examples_of_signs(settings, content)
    messages = [example for example in examples if example.weight in (1.0, 0.5)]
    rest = [example for example in examples if example.weight not in (1.0, 0.5)]
    order = np.random.default_rng(7).permutation(len(messages))
    signs, harmless, talk = [], [], []
    for part in range(PARTS):
        held = set(order[part::PARTS])
        layer = train([message for number, message in enumerate(messages) if number not in held] + rest, threshold=0.0)
        for number in held:
            near = layer.nearest(messages[number].text)
            confidence = near.confidence if near else 0.0
            (signs if messages[number].flags else harmless).append((confidence, near is not None and near.flag in messages[number].flags))
        print(f"part {part + 1} of {PARTS}", flush=True)
    for share in (0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2):
        threshold = float(np.quantile([confidence for confidence, _ in harmless], 1 - share))
        found = np.mean([confidence >= threshold for confidence, _ in signs])
        named = np.mean([right for confidence, right in signs if confidence >= threshold])
        print(f"asks about {100 * share:.0f} % of harmless messages from {threshold:.3f} on: {100 * found:.1f} % of signs, the flag right in {100 * named:.0f} %")


if __name__ == "__main__":
    main()
