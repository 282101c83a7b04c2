"""Chooses the thresholds of the third layer on the messages of data/screen that it was not trained on, and says what they do there. Usage: python -m scripts.thresholds

What counts is, in equal parts, the posts retold from real ones, the messages written for the purpose, of which harmless ones look like the dangerous ones beside them, talk of
an ordinary bad back beside dangers in the same tone, and signs told in one sentence of a harmless post. Of the first three, and of training questions, no more than a share may
alarm or lead to a question for nothing; within that, as many dangers as can be are caught, emergencies first. Messages that their words settle are left aside: no threshold
changes them.
"""

from __future__ import annotations

import random
from dataclasses import asdict
from functools import cache
from typing import Callable, Iterator, Sequence

from scripts.sign_examples import EVERYDAY, RETOLD, SENTENCE_END, WRITTEN, screen_messages, talk_texts
from sijbot.content import load
from sijbot.content.model import LEVELS, Content
from sijbot.language.sign_reader import Scores, shared_sign_reader
from sijbot.settings import ROOT
from sijbot.triage import Screen
from sijbot.triage.assessment import ALARM, ASK, NONE, Finding
from sijbot.triage.weigh import GRAVE, THRESHOLDS, Suspicion, Thresholds, weighed

IN_PASSING, TALK = "in passing", "talk"
IN_PASSING_MESSAGES, LONG_WORDS, QUESTIONS = 300, 50, 1000
MOST_FALSE_ALARMS, MOST_QUESTIONS = {WRITTEN: 0.085, RETOLD: 0.12, EVERYDAY: 0.05, TALK: 0.005}, {WRITTEN: 0.13, RETOLD: 0.22, EVERYDAY: 0.12, TALK: 0.015}
TRIES, STEPS = 300, 700
NEVER = 99.0  # nothing is asked about a sign of level `soon`
SEED = 7
# (level expected or None, what the words say, what the reader says, and what it says of the sentence that holds a finding)
Judged = tuple[str | None, Suspicion, Scores, Callable[[Finding, int], Scores]]


def main() -> None:
    content = load(ROOT / "content")
    screen = Screen(content, shared_sign_reader().read)
    held_back = [entry for entry, is_held_back in screen_messages(ROOT, content) if is_held_back and entry["expect"] != ASK]
    texts = [(entry["source"], entry["level"], entry["text"]) for entry in held_back]
    groups: dict[str, list[Judged]] = {WRITTEN: [], RETOLD: [], EVERYDAY: [], IN_PASSING: [], TALK: []}
    questions = [(TALK, None, text) for text, is_held_back in talk_texts(ROOT) if is_held_back and screen(text).outcome == NONE]
    for name, level, text in (*texts, *in_passing(held_back, content), *random.Random(SEED).sample(questions, QUESTIONS)):
        suspicion = screen.suspicion(text)
        if not suspicion.is_settled:
            groups[name].append((level, suspicion, screen.scores(text), cache(screen.scores_alone(text))))
    print({name: f"{len(messages)} messages held back" for name, messages in groups.items()}, flush=True)
    best = _best(lambda thresholds: sum(worth(name, figures(messages, content, thresholds)) for name, messages in groups.items()), random.Random(SEED))
    print({name: value if isinstance(value, float) else {level: round(odds, 2) for level, odds in value.items()} for name, value in asdict(best).items()})
    for which, thresholds in (("best", best), ("in force", THRESHOLDS)):
        for name, messages in groups.items():
            print(which, name, {figure: f"{100 * share:.1f} %" for figure, share in figures(messages, content, thresholds).items()})


def in_passing(held_back: Sequence[dict], content: Content) -> Iterator[tuple[str, str, str]]:
    """Yield (group, level, text) of lines that must raise a grave flag, each between the sentences of a retold post without any sign."""
    draw = random.Random(SEED)
    posts = [entry["text"] for entry in held_back if entry["source"] == RETOLD and entry["expect"] == NONE and len(entry["text"].split()) >= LONG_WORDS]
    lines = {level: [case.text for flag, cases in content.cases.items() for case in cases if case.expect == "fire" and content.red_flags[flag].level == level] for level in GRAVE}
    for number in range(IN_PASSING_MESSAGES):
        level = GRAVE[number % len(GRAVE)]
        sentences, line = SENTENCE_END.split(draw.choice(posts)), draw.choice(lines[level])
        place = draw.randint(0, len(sentences))
        yield IN_PASSING, level, " ".join((*sentences[:place], line if line[-1] in ".!?" else f"{line}.", *sentences[place:]))


def _best(worth_of: Callable[[Thresholds], float], draw: random.Random) -> Thresholds:
    """Return the best of many thresholds drawn at random, then of many small steps away from the best so far."""
    best = max(_candidates(draw), key=worth_of)
    most = worth_of(best)
    for _ in range(STEPS):
        near = _near(best, draw)
        if (here := worth_of(near)) > most:
            best, most = near, here
    return best


def _near(thresholds: Thresholds, draw: random.Random) -> Thresholds:
    """Return thresholds of which a few are moved a little."""
    moved = {
        name: {level: odds if odds == NEVER else _moved(odds, draw) for level, odds in value.items()} if isinstance(value, dict) else _moved(value, draw)
        for name, value in asdict(thresholds).items()
    }  # fmt: skip
    return Thresholds(**moved)


def _moved(odds: float, draw: random.Random) -> float:
    return round(odds + draw.gauss(0.0, 0.4), 2) if draw.random() < 0.25 else odds


def _candidates(draw: random.Random) -> Iterator[Thresholds]:
    for _ in range(TRIES):
        alarm = {level: round(draw.uniform(-1.5, 4.0), 2) for level in LEVELS}
        ask = {level: round(alarm[level] - draw.uniform(0.0, 3.5), 2) for level in LEVELS[:-1]} | {"soon": NEVER}
        short_ask = {level: round(ask[level] + draw.uniform(0.0, 3.0), 2) for level in LEVELS}
        short_alarm = {level: round(alarm[level] + draw.uniform(0.0, 3.0), 2) for level in LEVELS}
        words = round(draw.uniform(0.0, 2.5), 2)
        yield Thresholds(alarm, ask, short_alarm, short_ask, words, words_of_few=round(words + draw.uniform(0.0, 2.0), 2), once_urgent=round(alarm["emergency"] - draw.uniform(0.0, 2.5), 2), sentence=round(draw.uniform(3.0, 8.0), 2), own_words=round(draw.uniform(5.0, 10.0), 2))


def figures(messages: Sequence[Judged], content: Content, thresholds: Thresholds) -> dict[str, float]:
    """Return, as shares: caught and at full level by level, and false alarms and questions on harmless messages."""
    counts: dict[str, list[bool]] = {}
    for level, suspicion, scores, scores_alone in messages:
        verdict = suspicion.found if suspicion.is_settled else weighed(suspicion, scores, content, scores_alone, thresholds)
        if level is None:
            counts.setdefault("false alarms", []).append(verdict.outcome == ALARM)
            counts.setdefault("questions", []).append(verdict.outcome == ASK)
        else:
            full = verdict.outcome == ALARM and LEVELS.index(verdict.level) <= LEVELS.index(level)
            counts.setdefault(f"{level} caught", []).append(verdict.outcome in (ALARM, ASK))
            counts.setdefault(f"{level} at full level", []).append(full)
    return {name: sum(values) / len(values) for name, values in sorted(counts.items())}


def worth(group: str, shares: dict[str, float]) -> float:
    """Return how good the figures of a group are; more harmless messages than may be cost more than any danger caught by them."""
    if group == TALK:
        caught = 0.0
    else:
        caught = 3.0 * shares["emergency caught"] + 2.0 * shares["emergency at full level"] + 1.5 * shares["urgent caught"] + 0.5 * shares.get("soon caught", 1.0)
    if group == IN_PASSING:
        return caught
    too_many = max(0.0, shares["false alarms"] - MOST_FALSE_ALARMS[group]) * 40 + max(0.0, shares["questions"] - MOST_QUESTIONS[group]) * 25
    return caught - too_many


if __name__ == "__main__":
    main()
