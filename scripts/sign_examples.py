"""Gathers what the third layer of the screen learns from into one file. Usage: python -m scripts.sign_examples FILE [--retold | --talk | --everyday], before scripts/train_sign_reader.py

With --retold: for its second run, the posts that are retold from real ones, their twins, and half as many of everything else, so that it is not forgotten.
With --talk: for its third, every training question in which the words raise nothing, and some of all the rest: most of what people send holds no sign.
With --everyday: for its fourth, what people tell of an ordinary bad back in words that look like danger, the dangers told in the same tone, and some of all the rest.
An eighth of the posts and stories of data/screen, and a tenth of the questions, is held back: the thresholds are chosen on it (scripts/thresholds.py).

Each line is {"text", "flags", "level", "expect", "span", "weight", "only", "source"}: `only` names the flag that a case is about where nothing is known of the others.
"""

from __future__ import annotations

import json
import random
import re
import sys
from pathlib import Path
from typing import Iterator, Optional, Sequence

import yaml

from sijbot.content import Content, load
from sijbot.content.model import LEVELS
from sijbot.settings import ROOT
from sijbot.triage import Screen
from sijbot.triage.assess import ALARM, ASK, INFORM, NONE

SEED = 7
WEIGHT_OF_CASES, WEIGHT_OF_TALK = 0.6, 0.5  # against the messages of data/screen, which are more like what people send
MOST_TALK = 1300
RETOLD_RUN, TALK_RUN, EVERYDAY_RUN = "--retold", "--talk", "--everyday"
WRITTEN, RETOLD, EVERYDAY = "written", "retold", "everyday"  # where a message is from
SOURCES = {"posts_retold_": RETOLD, "twins_": RETOLD, "everyday_": EVERYDAY}  # by the beginning of its file's name: posts retold from real ones and those written beside them with the opposite in them; talk of an ordinary bad back
OTHERS_PER_RETOLD = 0.5
JOINED, LONGER = 900, 0.25  # texts put together of a harmless one and one that may hold a sign: a sign told in passing is the hardest to see; so many of them have another behind
WITH_QUESTION = 1400
RETOLD_BESIDE_TALK, OTHERS_BESIDE_TALK, TALK, TALK_BESIDE_EVERYDAY = 2000, 3500, 15000, 5000
ABOUT_SIGNS = ("children",)  # questions of these ids often tell of a flag, the age
AMONG_WORDS, MOST_WORDS_AROUND = 1000, 12  # as the screen cuts a sentence that goes on and on, to read it alone
LEVEL_OF_DOUBT = "urgent"  # of what is to be asked about without being a sign yet
SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def main(target: Path, run: str) -> None:
    content = load(ROOT / "content")
    screen = Screen(content)
    messages = [entry for entry, is_held_back in screen_messages(ROOT, content) if not is_held_back]
    cases = list(case_messages(content, screen))
    talk = [message(text, (), None, NONE, weight=WEIGHT_OF_TALK) for text, is_held_back in talk_texts(ROOT) if not is_held_back]
    random.Random(SEED).shuffle(talk)
    everything = messages + cases + talk[:MOST_TALK] + list(joined(messages, cases))
    retold = [entry for entry in messages if entry["source"] == RETOLD]
    others = [entry for entry in everything if entry["source"] != RETOLD]
    if run == RETOLD_RUN:
        everything = retold + random.Random(SEED).sample(others, int(OTHERS_PER_RETOLD * len(retold)))
    if run == TALK_RUN:
        draw = random.Random(SEED)
        everything = draw.sample(retold, RETOLD_BESIDE_TALK) + draw.sample(others, OTHERS_BESIDE_TALK) + [entry for entry in talk if screen(entry["text"]).outcome == NONE][:TALK]
    if run == EVERYDAY_RUN:
        draw = random.Random(SEED)
        quiet = [entry for entry in talk if screen(entry["text"]).outcome == NONE][:TALK_BESIDE_EVERYDAY]
        everything = [entry for entry in messages if entry["source"] == EVERYDAY] + draw.sample(retold, RETOLD_BESIDE_TALK) + draw.sample(others, OTHERS_BESIDE_TALK) + quiet
    everything += [*with_questions(messages, cases, talk), *among_words(messages, cases)]
    with target.open("w", encoding="utf-8") as file:
        for entry in everything:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
    print(f"{len(everything)} messages, {sum(entry['source'] == RETOLD for entry in everything)} of them retold: {target}")


def message(text: str, flags: Sequence[str], level: Optional[str], expect: str, span: str = "", weight: float = 1.0, only: Optional[str] = None, source: str = WRITTEN) -> dict:
    return {"text": text, "flags": list(flags), "level": level, "expect": expect, "span": span, "weight": weight, "only": only, "source": source}


def screen_messages(root: Path, content: Content) -> Iterator[tuple[dict, bool]]:
    """Yield the messages of data/screen, each with whether it is held back. Twins stand side by side, so runs of ten lines are held back together."""
    for path in sorted(root.glob("data/screen/*.jsonl")):
        source = next((source for beginning, source in SOURCES.items() if path.name.startswith(beginning)), WRITTEN)
        can_be_held_back = path.name.startswith(("posts_", "stories_", "everyday_"))
        for number, line in enumerate(filter(str.strip, path.read_text(encoding="utf-8").splitlines())):
            entry = json.loads(line)
            has_sign = entry["expect"] != NONE
            flags = [flag for flag in entry["flags"] if flag in content.red_flags] if has_sign else []
            level = LEVEL_OF_DOUBT if entry["level"] == NONE else entry["level"]
            yield (
                message(
                    entry["text"], flags, level if has_sign else None, entry["expect"], entry.get("span", "") if has_sign else "", source=source,
                ),
                can_be_held_back and number // 10 % 8 == 3,
            )  # fmt: skip


def case_messages(content: Content, screen: Screen) -> Iterator[dict]:
    """Yield the cases of the flags. One that must not raise its own flag may well raise another: then only its own is known."""
    for flag_id, cases in content.cases.items():
        for case in cases:
            found = screen(case.text)
            if case.expect == "fire":
                own = [finding for finding in found.findings if finding.flag == flag_id and finding.outcome == ALARM]
                level = own[0].level if own else content.red_flags[flag_id].level
                flags = [finding.flag for finding in found.findings if finding.outcome == ALARM]
                yield message(case.text, flags or (flag_id,), min((level, found.level or level), key=LEVELS.index), ALARM, weight=WEIGHT_OF_CASES)
            elif case.expect == "none" and found.outcome in (NONE, INFORM):
                yield message(case.text, (), None, NONE, weight=WEIGHT_OF_CASES)
            elif case.expect == "none" and found.outcome != ASK:
                yield message(case.text, (), None, NONE, weight=WEIGHT_OF_CASES, only=flag_id)


def talk_texts(root: Path) -> list[tuple[str, bool]]:
    """Return the training questions, sorted, each with whether it is held back: the same ones as for the topic encoder."""
    texts = {}
    for path in root.glob("data/nlu/*.yml"):
        for intent in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["nlu"]:
            if intent["intent"].split("/")[-1] not in ABOUT_SIGNS:
                lines = [line.strip()[2:] for line in intent["examples"].splitlines() if line.strip()]
                texts |= {text: number % 10 == 7 for number, text in enumerate(lines)}
    return sorted(texts.items())


def joined(messages: Sequence[dict], cases: Sequence[dict]) -> Iterator[dict]:
    """Yield texts in which something short, half of them signs, stands between the sentences of something harmless."""
    draw = random.Random(SEED)
    harmless = [entry for entry in messages if entry["expect"] == NONE and 25 <= len(entry["text"].split()) <= 220]
    short = [entry for entry in (*messages, *cases) if len(entry["text"].split()) <= 40 and not entry["only"]]
    signs = [entry for entry in short if entry["expect"] == ALARM]
    nothing = [entry for entry in short if entry["expect"] == NONE]
    for number in range(JOINED):
        around, inside = draw.choice(harmless), draw.choice(signs if number % 2 else nothing)
        sentences = SENTENCE_END.split(around["text"])
        place = draw.randint(0, len(sentences))
        behind = (draw.choice(harmless)["text"],) if draw.random() < LONGER else ()
        text = " ".join((*sentences[:place], inside["text"], *sentences[place:], *behind))
        span = inside["span"] or (inside["text"] if inside["expect"] == ALARM else "")
        yield message(text, inside["flags"], inside["level"], inside["expect"], span, weight=WEIGHT_OF_CASES)


def with_questions(messages: Sequence[dict], cases: Sequence[dict], talk: Sequence[dict]) -> Iterator[dict]:
    """Yield texts of a short message, half of them signs, before or behind a question about something else: such a question takes nothing from a sign."""
    draw = random.Random(SEED)
    short = [entry for entry in (*messages, *cases) if len(entry["text"].split()) <= 20 and not entry["only"]]
    by_kind = [[entry for entry in short if entry["expect"] == kind] for kind in (ALARM, NONE)]
    for number in range(WITH_QUESTION):
        said, asked = draw.choice(by_kind[number % 2]), draw.choice(talk)
        parts = [_as_sentence(said["text"]), _as_sentence(asked["text"])]
        span = said["span"] or (said["text"] if said["expect"] == ALARM else "")
        yield message(" ".join(parts if draw.random() < 0.75 else parts[::-1]), said["flags"], said["level"], said["expect"], span, weight=WEIGHT_OF_CASES)


def among_words(messages: Sequence[dict], cases: Sequence[dict]) -> Iterator[dict]:
    """Yield texts of a short message, half of them signs, with a few words of something harmless before or behind it, run together."""
    draw = random.Random(SEED)
    harmless = [entry["text"].split() for entry in messages if entry["expect"] == NONE and len(entry["text"].split()) >= 60]
    short = [entry for entry in (*messages, *cases) if len(entry["text"].split()) <= 15 and not entry["only"]]
    by_kind = [[entry for entry in short if entry["expect"] == kind] for kind in (ALARM, NONE)]
    for number in range(AMONG_WORDS):
        said, words = draw.choice(by_kind[number % 2]), draw.choice(harmless)
        first = draw.randrange(len(words) - 2 * MOST_WORDS_AROUND)
        before, behind = words[first : first + draw.randint(0, MOST_WORDS_AROUND)], words[-draw.randint(0, MOST_WORDS_AROUND) or len(words) :]
        span = said["span"] or (said["text"] if said["expect"] == ALARM else "")
        yield message(" ".join((*before, said["text"], *behind)), said["flags"], said["level"], said["expect"], span, weight=WEIGHT_OF_CASES)


def _as_sentence(text: str) -> str:
    return text if text[-1:] in ".!?" else f"{text}."


if __name__ == "__main__":
    main(Path(sys.argv[1]), next(iter(sys.argv[2:]), ""))
