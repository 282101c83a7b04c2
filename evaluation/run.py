"""Figures on held-out sentences: `python -m evaluation.run`. Writes nothing; prints a report.

The sentences were written before the patterns and examples, from personas and situations alone, and stand nowhere else in the project.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Iterator

FOLDER = Path(__file__).resolve().parent


def lines(name: str) -> list[dict]:
    """Return the entries of one of the sets."""
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines() if line.strip()]


def screen_report(show: bool) -> Iterator[str]:
    """Yield sensitivity by level, false alarms, and optionally every sentence that came out otherwise."""
    from sijbot.content import load
    from sijbot.runtime import load_screen
    from sijbot.settings import from_environment

    settings = from_environment()
    screen = load_screen(load(settings.content)).verdict
    right, total = Counter(), Counter()
    for item in lines("red_flags.jsonl"):
        assessment = screen(item["text"])
        kind = item["expect"] + (f" {item['level']}" if item["expect"] == "alarm" else "")
        total[kind] += 1
        if item["expect"] == "alarm":
            good = assessment.outcome in ("alarm", "ask")
            total["level exact"] += 1
            right["level exact"] += assessment.level == item["level"]
        elif item["expect"] == "ask":
            good = assessment.outcome in ("alarm", "ask")
        else:
            good = assessment.outcome in ("none", "inform") or (item["expect"] == "inform" and assessment.outcome == "ask")
        right[kind] += good
        if show and not good:
            yield f"  {item['id']} expected {kind}, got {assessment.outcome} {assessment.level} {list(assessment.flags)}: {item['text'][:300]}"
    for kind in total:
        yield f"{kind}: {right[kind]} of {total[kind]} ({100 * right[kind] / total[kind]:.1f} %)"


async def questions_report(show: bool) -> list[str]:
    """Return accuracy of the ranking and of the decision."""
    from sijbot.adapters.assistant import Conversation
    from sijbot.adapters.dialogue import LocalAssistant
    from sijbot.settings import from_environment

    local = LocalAssistant.load(from_environment(), keep=False)
    counts, report = Counter(), []
    for item in lines("questions.jsonl"):
        conversation = Conversation.new()
        turn = await local.say(conversation, item["text"])
        got = await local.summary(conversation, turn)
        label = item["label"].rpartition("/")[2].replace("restart", "start_again")
        kind = "topic" if "/" in item["label"] else "out_of_scope" if label == "out_of_scope" else "talk"
        ranking = [answer["id"] for answer in got["answers"]]
        counts[kind] += 1
        counts[kind, "first"] += ranking[0] == label
        counts[kind, "top3"] += label in ranking[:3]
        counts[kind, got["outcome"]] += 1
        counts[kind, "answered wrongly"] += got["outcome"] == "answer" and ranking[0] != label
        if show and ranking[0] != label:
            report.append(f"  {item['id']} {label} got {got['outcome']} {ranking[:3]}: {item['text'][:200]}")
        await local.forget(conversation)
    for kind in ("topic", "talk", "out_of_scope"):
        shares = {key[1]: f"{100 * value / counts[kind]:.1f} %" for key, value in counts.items() if isinstance(key, tuple) and key[0] == kind}
        report.append(f"{kind} ({counts[kind]}): {shares}")
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set", choices=("screen", "questions"))
    parser.add_argument("--show", action="store_true", help="list every sentence that came out otherwise than expected")
    arguments = parser.parse_args()
    report = screen_report(arguments.show) if arguments.set == "screen" else asyncio.run(questions_report(arguments.show))
    for line in report:
        print(line)


if __name__ == "__main__":
    main()
