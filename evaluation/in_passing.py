"""How many short held-out messages are still caught between the sentences of a harmless post: `python -m evaluation.in_passing`. Prints three lines.

The posts are those of data/screen that were held back of the training and that the screen is quiet about; neither they nor the messages are what the reader was taught with.
"""

from __future__ import annotations

import random

from scripts.sign_examples import RETOLD, SENTENCE_END, screen_messages
from sijbot.content import load
from sijbot.evaluate import held_out_files, read_messages, share
from sijbot.runtime import load_screen
from sijbot.settings import ROOT
from sijbot.triage import Screen
from sijbot.triage.assessment import ALARM, ASK, NONE
from sijbot.triage.weigh import is_short

SEED, FEWEST_WORDS = 5, 50


def main() -> None:
    content = load(ROOT / "content")
    screen, draw = load_screen(content), random.Random(SEED)
    harmless = [entry["text"] for entry, is_held_back in screen_messages(ROOT, content) if is_held_back and entry["source"] == RETOLD and entry["expect"] == NONE]
    quiet = [text for text in harmless if len(text.split()) >= FEWEST_WORDS and not speaks_up(screen, text)]
    messages = [message for path in held_out_files(ROOT) for message in read_messages(path) if is_short(message.text)]
    for level in ("emergency", "urgent", NONE):
        texts = [message.text for message in messages if message.level == level]
        alone = sum(speaks_up(screen, text) for text in texts)
        in_passing = sum(speaks_up(screen, between(text, draw.choice(quiet), draw)) for text in texts)
        print(f"{level} ({len(texts)}): alarm or question alone {share(alone, len(texts))}, in passing {share(in_passing, len(texts))}", flush=True)


def speaks_up(screen: Screen, text: str) -> bool:
    """Return whether a text leads to an alarm or a question."""
    return screen.verdict(text).outcome in (ALARM, ASK)


def between(text: str, post: str, draw: random.Random) -> str:
    """Return the post with the text between two of its sentences."""
    sentences = SENTENCE_END.split(post)
    place = draw.randint(0, len(sentences))
    return " ".join((*sentences[:place], text if text[-1] in ".!?" else f"{text}.", *sentences[place:]))


if __name__ == "__main__":
    main()
