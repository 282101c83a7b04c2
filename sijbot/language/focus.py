"""Which part of a message asks, and where it may fall into two questions."""

from __future__ import annotations

import re

_SENTENCE = re.compile(r"[^.!?\n]*[.!?\n]*\s*")
_FEWEST_WORDS, _FEWEST_WORDS_OF_HALF = 3, 2
_COMMAND_START = re.compile(r"[\s/]+")  # Rasa reads a text that begins with a slash as a command
_ASKS = re.compile(
    r"(?:so |and |but |also |plus |or |ok |then |well |btw |first |second |oh |hi |hello |please |another thing )*"
    r"(?:what|whats|what's|how|hows|how's|when|why|where|which|who|whose|can|could|should|shall|is|isn't|are|do|does|don't|did|will|would|may|must|any"
    r"|tell me|explain|show me|tips|advice|need)\b",
    re.IGNORECASE,
)  # fmt: skip
_SEAM = re.compile(r"(?<=[.!?\n])\s*(?=\S)|(?:\s*[,;:–—]\s*|\s+)(?:and|also|plus|or|then|but|n|&|as well as)\s+|\s*[,;]\s*|\s+-\s+", re.IGNORECASE)


def without_command(text: str) -> str:
    """Return the text so that it cannot be read as a command, whatever slashes and spaces it begins with."""
    start = _COMMAND_START.match(text)
    return text[start.end() :] if start else text


def question_part(text: str) -> str:
    """Return the sentences that end in a question mark, where a message has such sentences and others too; else the whole text.

    Of a long story around a question little says what is asked: "It has hurt since Monday. … How should I sleep?"
    """
    sentences = _sentences(text)
    questions = [sentence for sentence in sentences if sentence.endswith("?") and len(sentence.split()) >= _FEWEST_WORDS]
    return without_command(" ".join(questions) if questions and len(questions) < len(sentences) else text)


def asks(text: str) -> bool:
    """Return whether any sentence of the text asks: by its mark, or by how it begins."""
    return any((sentence.endswith("?") or _ASKS.match(sentence)) and len(sentence.split()) >= _FEWEST_WORDS for sentence in _sentences(text))


def halves(text: str) -> list[tuple[str, str]]:
    """Return every way to cut the text in two where a question may end and another begin: behind a sentence, at a comma, at "and", "also", "plus" …; in order.

    Sentences that do not ask are left out: they are what somebody tells.
    """
    text = " ".join(sentence for sentence in _sentences(text) if not _tells(sentence))
    cut = [(text[: seam.start()].strip(), without_command(text[seam.end() :]).strip()) for seam in _SEAM.finditer(text)]
    return [pair for pair in cut if min(len(half.split()) for half in pair) >= _FEWEST_WORDS_OF_HALF]


def _tells(sentence: str) -> bool:
    return sentence.endswith((".", "!")) and not asks(sentence)


def _sentences(text: str) -> list[str]:
    return [sentence.strip() for sentence in _SENTENCE.findall(text) if sentence.strip()]
