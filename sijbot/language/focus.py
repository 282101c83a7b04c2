"""Which part of a message asks."""

from __future__ import annotations

import re

_SENTENCE = re.compile(r"[^.!?\n]*[.!?\n]*\s*")
_FEWEST_WORDS = 3
_COMMAND_START = re.compile(r"[\s/]+")  # Rasa reads a text that begins with a slash as a command


def without_command(text: str) -> str:
    """Return the text so that it cannot be read as a command, whatever slashes and spaces it begins with."""
    start = _COMMAND_START.match(text)
    return text[start.end() :] if start else text


def question_part(text: str) -> str:
    """Return the sentences that end in a question mark, where a message has such sentences and others too; else the whole text.

    A story around a question says little about what is asked: "It has hurt since Monday. How should I sleep?"
    """
    sentences = [sentence.strip() for sentence in _SENTENCE.findall(text) if sentence.strip()]
    questions = [sentence for sentence in sentences if sentence.endswith("?") and len(sentence.split()) >= _FEWEST_WORDS]
    return without_command(" ".join(questions) if questions and len(questions) < len(sentences) else text)
