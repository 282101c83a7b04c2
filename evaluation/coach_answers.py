"""How many held-out answers to the coach, and wishes of the coach's kind, are understood. Usage: python -m evaluation.coach_answers [--misses]"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from dataclasses import replace
from typing import Any, Iterator, Optional

from sijbot.coaching.plan import Item
from sijbot.coaching.programme import DAY_AFTER
from sijbot.coaching.reading import AnswerReader, event_of
from sijbot.coaching.session import EXERCISE, MINUTES, NO, NUMBER, PAIN_BEFORE, PLACE, SCREEN, SINCE, THINGS, UNSURE, WEEK, YES, Event, State
from sijbot.content import Content, load
from sijbot.settings import ROOT, from_environment

FOLDER = ROOT / "evaluation" / "heldout"
ANSWERS, INTENTS = ("coach_answers.jsonl", "coach_answers_2.jsonl"), "coach_intents.jsonl"
STAGES = {"yes_no": SCREEN, "pain": PAIN_BEFORE, "minutes": MINUTES, "place": PLACE, "things": THINGS, "exercise": EXERCISE, "weeks": WEEK, "day_after": DAY_AFTER}
NO_ANSWER = ("not an answer", "question")
WORDS = {"place": {YES: "floor", NO: "upright"}, "day_after": {YES: "settled", NO: "worse"}, "minutes": {UNSURE: "any"}}


def read(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]


def state_of(case: dict[str, Any]) -> State:
    """Return the state of a session in which such an answer is given."""
    pain = None if case["asked"] == "pain" else 4
    is_since = case.get("kind") == "since" or (case["asked"] == "weeks" and "ago" in case["text"])
    state = State(pain_before=pain, pain_now=pain, plan=(Item("clam_shell", "side", 1, 8),))
    return replace(state, stage=SINCE if is_since else STAGES[case["asked"]])


def meaning(asked: str, event: Optional[Event]) -> Any:
    """Return what an event means in the words of the held-out sets; None where nothing was understood."""
    if event is None:
        return None
    if asked == "things":
        return sorted(event.chosen)
    return event.number if event.kind == NUMBER else WORDS.get(asked, {}).get(event.kind, event.kind)


def judged(content: Content, cases: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], Any, Any]]:
    """Yield (case, what it means, what was understood)."""
    reader = AnswerReader(content)
    for case in cases:
        means = None if case["means"] in NO_ANSWER else sorted(case["means"]) if case["asked"] == "things" else case["means"]
        yield case, means, meaning(case["asked"], event_of(content, state_of(case), reader(case["text"])))


def answers(content: Content, name: str, shows_misses: bool) -> None:
    right, asked_again, total = Counter(), Counter(), Counter()
    for case, means, understood in judged(content, read(name)):
        total[case["asked"]] += 1
        right[case["asked"]] += means == understood
        asked_again[case["asked"]] += means != understood and understood is None
        if shows_misses and means != understood:
            print(f"  {case['asked']}: {case['text']!r} means {means!r}, understood {understood!r}")
    print(f"{name}: {sum(right.values())} of {sum(total.values())} understood, {sum(asked_again.values())} asked again, the others taken for something else")
    print("  " + ", ".join(f"{asked} {right[asked]}/{count}" for asked, count in total.items()))


def intents(shows_misses: bool) -> None:
    from sijbot.adapters.dialogue import understand

    cases = read(INTENTS)
    wanted = {case["intent"] for case in cases} - {"other"}
    right, total = Counter(), Counter()
    for case, message in zip(cases, asyncio.run(understand(from_environment(), [case["text"] for case in cases]))):
        first = message["ranking"][0]["id"]
        is_taken = message["outcome"] not in ("clarify", "screened", "out_of_scope") and first in wanted
        understood = first if is_taken else "other"
        total[case["intent"]] += 1
        right[case["intent"]] += understood == case["intent"]
        if shows_misses and understood != case["intent"]:
            print(f"  {case['intent']}: {case['text']!r} is {message['outcome']}, {first}")
    print(f"{INTENTS}: {sum(right.values())} of {sum(total.values())}")
    print("  " + ", ".join(f"{intent} {right[intent]}/{count}" for intent, count in total.items()))


if __name__ == "__main__":
    misses = "--misses" in sys.argv
    for file in ANSWERS:
        answers(load(ROOT / "content"), file, misses)
    intents(misses)
