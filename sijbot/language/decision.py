"""The one decision point for doubt: from a ranking over all ids to what to do with the message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

ANSWER, CLARIFY, OUT_OF_SCOPE = "answer", "clarify", "out_of_scope"


@dataclass(frozen=True)
class Thresholds:
    """Found by cross-validation; they stand in `config.yml` with date and command.

    answer: lowest confidence at which the first id is taken; margin: how far it must lead the second;
    out_of_scope: lowest confidence of "out of scope" at which it is taken, when it ranks first.
    """

    answer: float
    margin: float
    out_of_scope: float


def decide(ranking: Sequence[tuple[str, float]], thresholds: Thresholds) -> str:
    """Return answer, clarify or out_of_scope for a ranking (id, confidence), best first, over all ids."""
    (first, confidence), (_, second) = ranking[0], ranking[1]
    if first == OUT_OF_SCOPE:
        return OUT_OF_SCOPE if confidence >= thresholds.out_of_scope else CLARIFY
    sure = confidence >= thresholds.answer and confidence - second >= thresholds.margin
    return ANSWER if sure else CLARIFY
