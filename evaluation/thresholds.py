"""Where the classifier's settings in config.yml come from: `python -m evaluation.thresholds`. Chosen on the examples of data/nlu/ that the topic encoder was not trained on."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Iterator, Sequence

import numpy as np
import yaml

from sijbot.adapters.topic_classifier import Ranking, fitted, softmax, with_one_out_of_scope
from sijbot.language.decision import ANSWER, OUT_OF_SCOPE, Thresholds, decide
from sijbot.language.encoder import SentenceEncoder
from sijbot.settings import ROOT

WRONG_COSTS = 2  # a wrong answer is as bad as two needless questions: its title says what it answers, and its neighbours stand below it
OUTSIDE_COSTS = 4  # an answer to what is out of scope
SETTINGS = (10.0, 20.0, 30.0)
ANSWER_AT, MARGINS, OUT_AT = (0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6), (0.0, 0.05, 0.1, 0.15, 0.2, 0.3), (0.2, 0.3, 0.4, 0.5)


def examples() -> Iterator[tuple[str, str, bool]]:
    """Yield (text, id, whether it is held back) of every training example; as in scripts/train_topic_encoder.py, which needs other packages."""
    for path in sorted((ROOT / "data" / "nlu").glob("*.yml")):
        for entry in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["nlu"]:
            lines = [line.strip()[2:] for line in entry["examples"].splitlines() if line.strip()]
            yield from ((text, entry["intent"], number % 10 == 7) for number, text in enumerate(lines))


def outcomes(ranked: Sequence[tuple[str, Ranking]], thresholds: Thresholds) -> Counter:
    """Return how often the decision is right, wrong or a question, for ids and for out-of-scope examples."""
    counts: Counter = Counter()
    for label, ranking in ranked:
        decision = decide(ranking, thresholds)
        if label.startswith(OUT_OF_SCOPE):
            counts["out answered" if decision == ANSWER and "/" in ranking[0][0] else "out refused"] += 1
        elif decision == ANSWER:
            counts["right" if ranking[0][0] == label else "wrong"] += 1
        else:
            counts["refused" if decision == OUT_OF_SCOPE else "asked"] += 1
    return counts


def cost(counts: Counter) -> int:
    return WRONG_COSTS * counts["wrong"] + OUTSIDE_COSTS * counts["out answered"] + 2 * counts["refused"] + counts["asked"]


def main() -> None:
    encoder = SentenceEncoder()
    found = [(encoder.encode(text), label, is_held_back) for text, label, is_held_back in examples()]
    known, held_back = [entry for entry in found if not entry[2]], [entry for entry in found if entry[2]]
    print(f"{len(known)} examples, {len({label for _, label, _ in known})} ids, {len(held_back)} examples held back", flush=True)
    for C in SETTINGS:
        ids, weights, bias = fitted(np.stack([vector for vector, _, _ in known]), [label for _, label, _ in known], C, 7)
        confidences = softmax(np.stack([vector for vector, _, _ in held_back]) @ weights + bias)
        ranked = [(label, with_one_out_of_scope(list(zip(ids, map(float, row))))) for (_, label, _), row in zip(held_back, confidences)]
        accuracy = sum(ranking[0][0] == (OUT_OF_SCOPE if label.startswith(OUT_OF_SCOPE) else label) for label, ranking in ranked) / len(ranked)
        best = min((Thresholds(*values) for values in itertools.product(ANSWER_AT, MARGINS, OUT_AT)), key=lambda thresholds: cost(outcomes(ranked, thresholds)))
        counts = outcomes(ranked, best)
        print(f"C {C}: accuracy {accuracy:.3f}; {best}: cost {cost(counts)}, {dict(counts)}", flush=True)


if __name__ == "__main__":
    main()
