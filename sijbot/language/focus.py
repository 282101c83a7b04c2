"""Which part of a message asks, and where it may fall into two questions."""

from __future__ import annotations

import re
from typing import Optional

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

_LISTED = re.compile(
    r"(?:^|(?<=\s))(?:(?:q|question\s*)?(?P<number>[1-9])\s*[.):]?|(?P<letter>[a-e])\)|(?P<word>one|two|three|four)\s*:|(?P<bullet>^[-*•–]))\s+(?=\S)",
    re.IGNORECASE | re.MULTILINE,
)
_PLACE_OF_WORD = {"one": 1, "two": 2, "three": 3, "four": 4}

_REFERS = re.compile(r"(?:and |but |so |or |also )*(?:(?:what|why|how|is|does|do|did|can|could|will|would|should|was|isn't|doesn't) )*(?:that|this|those|these)(?:'s)?\b", re.IGNORECASE)


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

    Sentences that do not ask are left out: they are what somebody tells. "Or" cuts only where a question begins behind it: "hip or pelvis" is one.
    What begins as "is that …" or "does this …" asks about what stands before it, and is no half.
    """
    text = " ".join(sentence for sentence in _sentences(text) if not _tells(sentence))
    seams = [seam for seam in _SEAM.finditer(text) if "or" not in seam.group().casefold().split() or _ASKS.match(text, seam.end())]
    cut = [(text[: seam.start()].strip(), without_command(text[seam.end() :]).strip()) for seam in seams]
    return [pair for pair in cut if min(len(half.split()) for half in pair) >= _FEWEST_WORDS_OF_HALF and not _REFERS.match(pair[1])]


def listed(text: str) -> list[str]:
    """Return the items of a list that somebody wrote: "1) … 2) …", "Q1 … Q2 …", "a) … b) …", "one: … two: …", lines with dashes; none where there is no list.

    What stands before the first is left out. The marks must be of one kind and go up from the first by one: what their items ask shows whether it is a list ("1 or 2 days" looks like one).
    """
    marks: list[re.Match[str]] = []
    for mark in _LISTED.finditer(text):
        is_next = _place(mark) in (None, len(marks) + 1) and (not marks or mark.lastgroup == marks[0].lastgroup)
        if is_next:
            marks.append(mark)
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    items = [without_command(text[mark.end() : end]).strip(" \n,;") for mark, end in zip(marks, ends)]
    return items if len(items) > 1 else []


def _place(mark: re.Match[str]) -> Optional[int]:
    """Return which item of its list a mark begins, from 1; None for a mark that does not say."""
    kind, said = mark.lastgroup, mark.group(mark.lastgroup or 0).casefold()
    if kind == "number":
        return int(said)
    return {"letter": ord(said[0]) - ord("a") + 1, "word": _PLACE_OF_WORD.get(said)}.get(kind or "")


def _tells(sentence: str) -> bool:
    return sentence.endswith((".", "!")) and not asks(sentence)


def _sentences(text: str) -> list[str]:
    return [sentence.strip() for sentence in _SENTENCE.findall(text) if sentence.strip()]
