"""How well questions are understood, on held-out messages: figures from what the assistant made of each."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Mapping, Optional, Sequence

from sijbot.evaluate import read_entries, share

HELD_OUT = Path("evaluation") / "heldout" / "questions.yml"
DECLINING_SUBJECT = "limits"  # an answer of it says what is not answered: no false answer to what is out of scope
REMARK = "remark"  # the kind of a message that tells something and asks nothing
TAKEN_AS_TOLD = ("other", "smalltalk")
TOP = 3
CONFUSIONS_SHOWN = 25


@dataclass(frozen=True)
class Question:
    """A held-out message: `accept` holds every id whose answer would satisfy, the best first; `both` the two that a message with two questions asks about, each with what else would do.

    kind: what a message out of scope is about, or `REMARK`.
    """

    id: str
    text: str
    accept: tuple[str, ...] = ()
    both: tuple[tuple[str, ...], ...] = ()
    kind: Optional[str] = None


@dataclass(frozen=True)
class Understood:
    """What the assistant made of a question: `outcome` (answer, clarify, out_of_scope), the ids that it answers, all ids ranked, and how likely it found it out of scope."""

    question: Question
    outcome: str
    answered: tuple[str, ...]
    ranked: tuple[str, ...]
    out_of_scope: float

    @property
    def is_right(self) -> bool:
        return self.outcome == "answer" and bool(self.answered) and self.answered[0] in self.question.accept

    @property
    def finds_both(self) -> bool:
        return all(any(content_id in wanted for content_id in self.answered) for wanted in self.question.both)


def held_out_files(root: Path) -> list[Path]:
    """Return every file of held-out questions."""
    return sorted((root / HELD_OUT.parent).glob("questions*.yml"))


def read_questions(path: Path) -> list[Question]:
    """Return the questions of a file.

    Raises: EvaluationError.
    """
    return read_entries(path, _question)


def _question(entry: Mapping) -> Question:
    both = tuple((wanted,) if isinstance(wanted, str) else tuple(wanted) for wanted in entry.get("both", ()))
    return Question(entry["id"], entry["text"], tuple(entry.get("accept", ())), both, entry.get("kind"))


def understood(question: Question, message: Mapping) -> Understood:
    """Return what was made of a question, from the property that the classifier leaves on a message."""
    answered = (message["id"], *message["also"]) if message["outcome"] == "answer" and message["id"] else ()
    return Understood(question, message["outcome"], answered, tuple(item["id"] for item in message["ranking"]), message["out_of_scope"])


def report(results: Sequence[Understood], subject_of: Mapping[str, str]) -> Iterator[str]:
    """Yield the figures as lines of Markdown: single questions, two at once, out of scope, by subject, and what is taken for what."""
    single = [result for result in results if result.question.accept and not result.question.kind]
    double = [result for result in results if result.question.both]
    told = [result for result in results if result.question.kind == REMARK]
    outside = [result for result in results if result.question.kind not in (None, REMARK)]
    yield "| what | messages | share | aim |\n|---|---|---|---|"
    if single:
        yield f"| right id ranked first | {len(single)} | {_share(single, lambda r: r.ranked[0] in r.question.accept)} | 90 % |"
        yield f"| right id among the first three | {len(single)} | {_share(single, lambda r: any(key in r.question.accept for key in r.ranked[:TOP]))} | 97 % |"
        yield f"| answered directly | {len(single)} | {_share(single, lambda r: r.outcome == 'answer')} | 82 % |"
        yield f"| answered directly and rightly | {len(single)} | {_share(single, lambda r: r.is_right)} | |"
        yield f"| answered wrongly | {len(single)} | {_share(single, lambda r: r.outcome == 'answer' and not r.is_right)} | |"
    if double:
        yield f"| two questions: both found | {len(double)} | {_share(double, lambda r: r.finds_both)} | 80 % |"
    if outside:
        yield f"| out of scope: an answer given | {len(outside)} | {_share(outside, lambda r: _is_answered(r, subject_of))} | 5 % |"
    if told:
        yield f"| told, nothing asked: taken so | {len(told)} | {_share(told, lambda r: r.outcome in TAKEN_AS_TOLD)} | |"
        yield f"| told, nothing asked: an answer given | {len(told)} | {_share(told, lambda r: bool(r.answered))} | |"
    if single and outside:
        from sklearn.metrics import roc_auc_score  # slow to import, and needed here alone

        labels = [0] * len(single) + [1] * len(outside)
        yield f"\nArea under the curve, out of scope against questions: {roc_auc_score(labels, [r.out_of_scope for r in (*single, *outside)]):.3f} (aim 0.96)."
    yield "\n| out of scope, kind | messages | an answer given | declined |\n|---|---|---|---|"
    by_kind: dict[str, list[Understood]] = defaultdict(list)
    for result in outside:
        by_kind[result.question.kind].append(result)
    for kind, these in sorted(by_kind.items()):
        yield f"| {kind} | {len(these)} | {_share(these, lambda r: _is_answered(r, subject_of))} | {_share(these, lambda r: _is_declined(r, subject_of))} |"
    yield "\n| id | questions | ranked first | answered directly | answered wrongly |\n|---|---|---|---|---|"
    by_id: dict[str, list[Understood]] = defaultdict(list)
    for result in single:
        by_id[result.question.accept[0]].append(result)
    for content_id, these in sorted(by_id.items()):
        first, direct = sum(r.ranked[0] in r.question.accept for r in these), sum(r.outcome == "answer" for r in these)
        yield f"| {content_id} | {len(these)} | {first} | {direct} | {sum(r.outcome == 'answer' and not r.is_right for r in these)} |"
    yield "\n| asked about | taken for | times |\n|---|---|---|"
    confusions = Counter((r.question.accept[0], r.ranked[0]) for r in single if r.ranked[0] not in r.question.accept)
    for (asked, taken), times in sorted(confusions.items(), key=lambda item: (-item[1], item[0]))[:CONFUSIONS_SHOWN]:
        yield f"| {asked} | {taken} | {times} |"


def _is_declined(result: Understood, subject_of: Mapping[str, str]) -> bool:
    return result.outcome == "out_of_scope" or any(subject_of.get(content_id) == DECLINING_SUBJECT for content_id in result.answered)


def _is_answered(result: Understood, subject_of: Mapping[str, str]) -> bool:
    return any(subject_of.get(content_id, DECLINING_SUBJECT) != DECLINING_SUBJECT for content_id in result.answered)


def _share(these: Sequence[Understood], is_so) -> str:
    return share(sum(map(is_so, these)), len(these))
