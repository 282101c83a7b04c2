"""Where the classifier's settings in config.yml come from: `python -m evaluation.thresholds`. Five-fold cross-validation on data/nlu/ alone."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import yaml
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import normalize

from sijbot.language.decision import ANSWER, OUT_OF_SCOPE, Thresholds, decide
from sijbot.language.encoder import SentenceEncoder
from sijbot.settings import ROOT

FOLDS = 5
WRONG_COSTS = 2  # a wrong answer is as bad as two needless questions: its title says what it answers, and its neighbours stand below it
SETTINGS = ((10.0, 0.5), (20.0, 0.5), (40.0, 0.5))
ANSWER_AT, MARGINS, OUT_AT = (0.12, 0.16, 0.2, 0.25, 0.3, 0.35), (0.02, 0.05, 0.08, 0.12), (0.2, 0.3, 0.4)


def examples() -> list[tuple[str, str]]:
    """Return (text, id) of every training example."""
    pairs = []
    for path in sorted((ROOT / "data" / "nlu").glob("*.yml")):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            pairs.extend((line.strip()[2:], entry["intent"]) for line in entry["examples"].splitlines() if line.strip())
    return pairs


def rankings(vectors, ngrams, labels, C: float, weight: float) -> list[tuple[str, list[tuple[str, float]]]]:
    """Return (true id, the two best (id, confidence)) for every example, predicted by a model that has not seen it."""
    features = hstack([csr_matrix(vectors), normalize(ngrams) * weight]).tocsr()
    ranked = []
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=7).split(features, labels):
        model = LogisticRegression(C=C, max_iter=200, random_state=7).fit(features[train], labels[train])
        for index, confidences in zip(test, model.predict_proba(features[test])):
            best = np.argsort(-confidences)[:2]
            ranked.append((labels[index], [(model.classes_[i], float(confidences[i])) for i in best]))
    return ranked


def outcomes(ranked, thresholds: Thresholds) -> Counter:
    """Return how often the decision is right, wrong or a question, for ids and for out-of-scope examples."""
    counts: Counter = Counter()
    for label, ranking in ranked:
        decision = decide(ranking, thresholds)
        if label == OUT_OF_SCOPE:
            counts["out answered" if decision == ANSWER else "out refused"] += 1
        elif decision == ANSWER:
            counts["right" if ranking[0][0] == label else "wrong"] += 1
        else:
            counts["refused" if decision == OUT_OF_SCOPE else "asked"] += 1
    return counts


def cost(counts: Counter) -> int:
    return WRONG_COSTS * (counts["wrong"] + counts["out answered"]) + 2 * counts["refused"] + counts["asked"]


def main() -> None:
    pairs = examples()
    labels = np.array([label for _, label in pairs])
    encoder = SentenceEncoder()
    vectors = np.stack([encoder.encode(text) for text, _ in pairs])
    ngrams = CountVectorizer(analyzer="char_wb", ngram_range=(2, 4), min_df=2).fit_transform(text.lower() for text, _ in pairs)
    print(f"{len(pairs)} examples, {len(set(labels))} ids, {ngrams.shape[1]} n-grams", flush=True)
    for C, weight in SETTINGS:
        ranked = rankings(vectors, ngrams, labels, C, weight)
        accuracy = sum(ranking[0][0] == label for label, ranking in ranked) / len(ranked)
        best = min((Thresholds(*values) for values in itertools.product(ANSWER_AT, MARGINS, OUT_AT)), key=lambda t: cost(outcomes(ranked, t)))
        counts = outcomes(ranked, best)
        print(f"C {C} ngram_weight {weight}: accuracy {accuracy:.3f}; {best}: cost {cost(counts)}, {dict(counts)}", flush=True)


if __name__ == "__main__":
    main()
