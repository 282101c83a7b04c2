"""Finds the words of the vocabulary in a message, and the patterns of the red flags over them.

A pattern is written in words and groups:  `{cannot} {urinate}` · `wet myself` · `{fall} ... {height}` · `{numb} & {saddle}`

* plain words must stand side by side as written; `{group}` is any phrase of that group of `_vocabulary/`;
* between two parts at most GAP other words may stand, with `...` at most WIDE_GAP, in the same sentence;
* `a & b`: both in the same clause, in any order.

Cost grows with the message, not with the number of patterns: one pass over the tokens finds every phrase (spaCy's PhraseMatcher), and only patterns
whose first part was found are looked at.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Iterable, Iterator, Mapping, Optional, Sequence

import spacy
from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc
from spacy.vocab import Vocab

from sijbot.content.model import Cue, Pattern
from sijbot.language.normalise import Folded, fold
from sijbot.language.spelling import Speller

GAP = 2
WIDE_GAP = 7
HARMLESS = "harmless"  # the vocabulary group whose phrases hide the phrases inside them: "hay fever", "dead bug"; one that reaches further stays

_WORD = re.compile(r"[^\W_]+|[^\w\s]|_|\n")
_SENTENCE_END = re.compile(r"[.!?;]+(?=\s|$)|\n+|\s[-–—]\s")


@dataclass(frozen=True)
class Span:
    """A phrase of the vocabulary in a message: tokens `start` to `end` (exclusive) of `group`."""

    group: str
    start: int
    end: int


@dataclass(frozen=True)
class Part:
    """One part of a pattern: the vocabulary group it needs, and how far it may stand behind the part before it (None: any order, same clause)."""

    group: str
    gap: Optional[int]


@dataclass(frozen=True)
class FlagPattern:
    """A compiled pattern of one flag."""

    flag_id: str
    level: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Match:
    """A pattern found in a message, with the spans that fulfil its parts."""

    pattern: FlagPattern
    spans: tuple[Span, ...]

    @property
    def start(self) -> int:
        return min(span.start for span in self.spans)

    @property
    def end(self) -> int:
        return max(span.end for span in self.spans)


@dataclass(frozen=True)
class Reading:
    """A message as the screen sees it: tokens, the sentence each belongs to, and the phrases found, by group."""

    folded: Folded
    doc: Doc
    places: tuple[tuple[int, int], ...]  # of every token in the folded text
    sentence_of: tuple[int, ...]
    spans: Mapping[str, tuple[Span, ...]]

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """Return the code-point span of tokens `start` to `end` in the original message."""
        return self.folded.original_span(self.places[start][0], self.places[end - 1][1])


class PatternError(ValueError):
    """A pattern that cannot be compiled; says which and why."""


_PART = re.compile(r"\{(\w+)\}|(\.\.\.)|(&)|([^\s{}&]+)")


def parse_pattern(pattern: str, groups: Iterable[str]) -> list[Part]:
    """Return the parts of a pattern. Plain words become a group named after themselves, with a leading `=`.

    Raises: PatternError on an unknown group, or a connector with nothing on one side.
    """
    parts: list[Part] = []
    words: list[str] = []
    gap: Optional[int] = GAP
    known = set(groups)
    connector_open = False

    def close_words() -> None:
        nonlocal gap, connector_open
        if words:
            parts.append(Part("=" + " ".join(words), gap))
            words.clear()
            gap, connector_open = GAP, False

    for group, wide, both, word in _PART.findall(pattern):
        if word:
            words.append(word)
            continue
        close_words()
        if group:
            if group not in known:
                raise PatternError(f"'{pattern}': no group '{group}' in _vocabulary/")
            parts.append(Part(group, gap))
            gap, connector_open = GAP, False
        else:
            if connector_open or not parts:
                raise PatternError(f"'{pattern}': '{wide or both}' needs something on both sides")
            gap, connector_open = (WIDE_GAP if wide else None), True
    close_words()
    if connector_open or not parts:
        raise PatternError(f"'{pattern}': nothing stands at its end")
    return parts


@dataclass(frozen=True)
class Word:
    """A word, punctuation mark or line end of a folded text, as it is matched, with its place in that text."""

    text: str
    start: int
    end: int


def words_of(text: str, speller: Optional[Speller] = None) -> list[Word]:
    """Return the words of a folded text, each as the speller says that it was meant. Linear in the text's length."""
    words: list[Word] = []
    for found in _WORD.finditer(text):
        meant = speller.meant(found.group()) if speller else (found.group(),)
        words.extend(Word(part, found.start(), found.end()) for part in meant)
    return words


def as_doc(vocab: Vocab, words: Sequence[Word]) -> Doc:
    """Return the words as a spaCy document."""
    return Doc(vocab, words=[word.text for word in words])


class Matcher:
    """The compiled vocabulary, cues and patterns."""

    def __init__(self, vocabulary: Mapping[str, Cue], cues: Mapping[str, Cue], patterns: Mapping[str, tuple[str, Sequence[Pattern]]], forms: Optional[Mapping[str, Cue]] = None) -> None:
        """vocabulary, cues: phrases by group; patterns: flag id -> (level, patterns); forms: other forms of a word, by the word.

        Raises: PatternError.
        """
        self._vocab = spacy.blank("en").vocab
        self._matcher = PhraseMatcher(self._vocab, attr="ORTH")
        self._first: dict[str, list[FlagPattern]] = defaultdict(list)
        literals = set()
        for flag_id, (level, flag_patterns) in patterns.items():
            for pattern in flag_patterns:
                parts = parse_pattern(fold_phrase(pattern.pattern), vocabulary)
                literals.update(part.group for part in parts if part.group.startswith("="))
                self._first[parts[0].group].append(FlagPattern(flag_id, pattern.level or level, tuple(parts)))
        phrases = {group: [fold_phrase(word) for word in cue.words] for group, cue in vocabulary.items()}
        phrases.update({"cue:" + name: [fold_phrase(word) for word in cue.words] for name, cue in cues.items()})
        phrases.update({literal: [literal[1:]] for literal in literals})
        words = {word.text for group in phrases.values() for phrase in group for word in words_of(phrase)}
        self._speller = Speller(words, {form: fold_phrase(word) for word, cue in (forms or {}).items() for form in cue.words})
        for group, group_phrases in phrases.items():
            self._matcher.add(group, [as_doc(self._vocab, words_of(phrase)) for phrase in group_phrases])

    def read(self, text: str) -> Reading:
        """Return the tokens, sentences and phrases of a message."""
        folded = fold(text)
        words = words_of(folded.text, self._speller)
        doc = as_doc(self._vocab, words)
        spans: dict[str, list[Span]] = defaultdict(list)
        for found in dict.fromkeys(self._found(doc) + self._found_in_standard_spelling(words)):
            spans[found.group].append(found)
        harmless = spans.pop(HARMLESS, [])
        visible: dict[str, tuple[Span, ...]] = {}
        for group, found in spans.items():
            shown = [span for span in found if not any(hider.start <= span.start and span.end <= hider.end for hider in harmless)]
            if shown:
                visible[group] = tuple(sorted(shown, key=lambda span: (span.start, -span.end)))
        places = tuple((word.start, word.end) for word in words)
        return Reading(folded, doc, places, _sentences(folded.text, places), visible)

    def _found(self, doc: Doc) -> list[Span]:
        return [Span(self._vocab.strings[key], start, end) for key, start, end in self._matcher(doc)]

    def _found_in_standard_spelling(self, words: Sequence[Word]) -> list[Span]:
        """Return what is found where every misspelt word of the vocabulary is read as the right one: some groups hold only that."""
        standard = [replace(word, text=self._speller.standard(word.text)) for word in words]
        return self._found(as_doc(self._vocab, standard)) if standard != list(words) else []

    def matches(self, reading: Reading, clause_of: Sequence[int]) -> Iterator[Match]:
        """Yield every pattern that the message fulfils, once for each place of its first part."""
        for group in reading.spans:
            for pattern in self._first.get(group, ()):
                for first in reading.spans[group]:
                    spans = _complete(pattern.parts[1:], (first,), reading, clause_of)
                    if spans:
                        yield Match(pattern, spans)


def fold_phrase(phrase: str) -> str:
    """Return a phrase of the content folded as messages are."""
    return fold(phrase).text


def _sentences(text: str, places: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    numbers, number = [], 0
    for start, _ in places:
        while number < len(ends) and start >= ends[number]:
            number += 1
        numbers.append(number)
    return tuple(numbers)


def _complete(parts: Sequence[Part], found: tuple[Span, ...], reading: Reading, clause_of: Sequence[int]) -> Optional[tuple[Span, ...]]:
    """Return spans for all parts, behind those found so far, or None."""
    if not parts:
        return found
    part, last = parts[0], found[-1]
    for span in reading.spans.get(part.group, ()):
        if part.gap is None:
            fits = clause_of[span.start] == clause_of[last.start] and not any(span.start < other.end and other.start < span.end for other in found)
        else:
            fits = last.end <= span.start <= last.end + part.gap and reading.sentence_of[span.start] == reading.sentence_of[last.start]
        if fits:
            completed = _complete(parts[1:], found + (span,), reading, clause_of)
            if completed:
                return completed
    return None
