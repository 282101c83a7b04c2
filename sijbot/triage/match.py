"""Finds the words of the vocabulary in a message, and the patterns of the red flags over them.

A pattern is written in words and groups:  `{cannot} {urinate}` · `wet myself` · `{fall} ... {height}` · `{numb} & {saddle}`

* plain words must stand side by side as written; `{group}` is any phrase of that group of `_vocabulary/`; `#65-120` is any number in that range;
* between two parts at most GAP other words may stand, with `...` at most WIDE_GAP, with `+` none, in the same sentence;
* `a & b`: both in the same clause, in any order;
* `(wont|will not) lift`: a choice, as in the vocabulary.

Cost grows with the message, not with the number of patterns: one pass over the words finds every phrase, and only patterns whose first part
was found are looked at.
"""

from __future__ import annotations

import operator
import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import Any, Collection, Iterable, Iterator, Mapping, NamedTuple, Optional, Sequence

from sijbot.content.model import Cue, Pattern
from sijbot.content.phrases import PhraseError, expand
from sijbot.language.normalise import Folded, fold
from sijbot.language.phrases import PhraseFinder
from sijbot.language.spelling import Speller, english_words, split_words

GAP = 2
WIDE_GAP = 7
COMMAS_OF_A_LIST = 5  # in a sentence with so many, the parts of a pattern must stand between two of them: "bladder, bowel, numb legs, fever, …"
_REPEATS_READ = 4  # of the same word in a row: "no no no no no …" says no more
HARMLESS = "harmless"  # the vocabulary group whose phrases hide the phrases inside them: "hay fever", "dead bug"; one that reaches further stays

_WORD = re.compile(r"\d+(?:[.,]\d{1,2}(?!\d))?|[^\W\d_]+|[^\w\s]|_|\n")
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_UNITS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9}
_NUMBER_WORDS = {
    **_TENS, **_UNITS, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17,
    "eighteen": 18, "nineteen": 19, "hundred": 100, "couple": 2, "dozen": 12,
}  # fmt: skip
_SENTENCE_END = re.compile(r"[.!?;]+(?=\s|$)|\n+|\s[-–—]\s")


class Span(NamedTuple):
    """A phrase of the vocabulary in a message: tokens `start` to `end` (exclusive). One object for all the groups that hold the phrase."""

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
    asks: bool = False  # not sure enough for more than a question
    hides: bool = False  # an exception: no sign of the flag inside its words counts

    def __str__(self) -> str:
        return " ".join((part.group[1:] if part.group[0] in "=" else part.group if part.group[0] == "#" else f"{{{part.group}}}") for part in self.parts)

    @cached_property
    def others(self) -> frozenset[str]:
        """The groups that must be there beside that of the first part."""
        return frozenset(part.group for part in self.parts[1:])


class Match(NamedTuple):
    """A pattern found in a message, with the spans that fulfil its parts, and from where to where those reach."""

    pattern: FlagPattern
    spans: tuple[Span, ...]
    start: int
    end: int


@dataclass(frozen=True)
class Reading:
    """A message as the screen sees it: its words, the sentence each belongs to, and the phrases found, by group."""

    folded: Folded
    words: tuple[str, ...]
    places: tuple[tuple[int, int], ...]  # of every token in the folded text
    sentence_of: tuple[int, ...]
    stretch_of: tuple[int, ...]  # like sentence_of; in a sentence that is a long list, every item is a stretch of its own
    spans: Mapping[str, Sequence[Span]]  # by place
    remembered: dict[Any, Any] = field(default_factory=dict, compare=False)  # what the context was asked about these spans before

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """Return the code-point span of tokens `start` to `end` in the original message."""
        return self.folded.original_span(self.places[start][0], self.places[end - 1][1])


@dataclass(frozen=True)
class Respelt:
    """A text with words spelt as they were meant, in pieces: where each starts in it, and where in the original."""

    text: str
    starts: tuple[int, ...]
    origins: tuple[int, ...]
    length: int

    def original_place(self, place: tuple[int, int]) -> tuple[int, int]:
        """Return the span of the original that a span of `text` came from; of a word that was put right, at least its first letter."""
        start, end = (self._original(index) for index in place)
        return min(start, self.length), min(max(end, start + 1), self.length)

    def _original(self, index: int) -> int:
        piece = bisect_right(self.starts, index) - 1
        following = self.origins[piece + 1] if piece + 1 < len(self.origins) else self.length
        return min(self.origins[piece] + index - self.starts[piece], following)


class PatternError(ValueError):
    """A pattern that cannot be compiled; says which and why."""


_CHOICE = r"\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)"  # up to three deep
_PART = re.compile(rf"\{{(\w+)\}}|(#[\d.]+-[\d.]+)|(\.\.\.)|(&)|(\+)|((?:[^\s{{}}&+()]|{_CHOICE})+)")
_NOT_PLAIN = re.compile(r"[{#&+]|\.\.\.")


def parse_pattern(pattern: str, groups: Iterable[str]) -> list[Part]:
    """Return the parts of a pattern. Plain words, choices among them included, become a group named after themselves, with a leading `=`.

    A range of numbers keeps its `#`. Choices of anything but plain words must be expanded before.
    Raises: PatternError on an unknown group, an empty range, or a connector with nothing on one side.
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

    for group, number, wide, both, beside, word in _PART.findall(pattern):
        if word:
            words.append(word)
            continue
        close_words()
        if group or number:
            if group and group not in known:
                raise PatternError(f"'{pattern}': no group '{group}' in _vocabulary/")
            if number and operator.gt(*_range_of(number)):
                raise PatternError(f"'{pattern}': no number lies in {number}")
            parts.append(Part(group or number, gap))
            gap, connector_open = GAP, False
        else:
            if connector_open or not parts:
                raise PatternError(f"'{pattern}': '{wide or both or beside}' needs something on both sides")
            gap, connector_open = (WIDE_GAP if wide else 0 if beside else None), True
    close_words()
    if connector_open or not parts:
        raise PatternError(f"'{pattern}': nothing stands at its end")
    return parts


def _range_of(number_part: str) -> tuple[float, float]:
    lowest, highest = number_part[1:].split("-")
    return float(lowest), float(highest)


def _must_be_expanded(pattern: str) -> bool:
    """True where a choice holds more than plain words, or where plain words between two other parts may all be left out."""
    depths = accumulate((character == "(") - (character == ")") for character in pattern)
    inside = "".join(character if depth else " " for character, depth in zip(pattern, depths))
    if _NOT_PLAIN.search(inside):
        return True
    plain = " ".join(word if word else "\0" for *_, word in _PART.findall(pattern)).split("\0")
    return any("" in expand(words.strip(), may_be_empty=True) for words in plain if words.strip())


def compiled(flag_id: str, level: str, pattern: Pattern, groups: Iterable[str], hides: bool = False) -> Iterator[FlagPattern]:
    """Yield the pattern; once for each of its choices where those hold groups, numbers or connectors.

    Raises: PatternError.
    """
    try:
        for choice in expand(pattern.pattern) if _must_be_expanded(pattern.pattern) else (pattern.pattern,):
            yield FlagPattern(flag_id, pattern.level or level, tuple(parse_pattern(fold_phrase(choice), groups)), pattern.ask, hides)
    except PhraseError as error:
        raise PatternError(str(error)) from None


@dataclass(frozen=True)
class Word:
    """A word, punctuation mark or line end of a folded text, as it is matched, with its place in that text."""

    text: str
    start: int
    end: int


def words_of(text: str, speller: Optional[Speller] = None) -> list[Word]:
    """Return the words of a folded text, each as the speller says that it was meant, and one that comes again and again a few times only."""
    words: list[Word] = []
    repeated = 0
    for found in _WORD.finditer(text):
        repeated = repeated + 1 if words and words[-1].text == found.group() else 0
        if repeated >= _REPEATS_READ:
            continue
        meant = speller.meant(found.group()) if speller else (found.group(),)
        words.extend(Word(part, found.start(), found.end()) for part in meant)
    return words


class Matcher:
    """The compiled vocabulary, cues and patterns."""

    def __init__(self, vocabulary: Mapping[str, Cue], cues: Mapping[str, Cue], patterns: Sequence[FlagPattern], forms: Optional[Mapping[str, Cue]] = None) -> None:
        """vocabulary, cues: phrases by group; patterns: as `compiled` makes them; forms: other forms of a word, by the word."""
        self._first: dict[str, list[FlagPattern]] = defaultdict(list)
        for pattern in patterns:
            self._first[pattern.parts[0].group].append(pattern)
        used = {part.group for pattern in patterns for part in pattern.parts}
        literals = {group for group in used if group.startswith("=")}
        self._ranges = {group: _range_of(group) for group in used if group.startswith("#")}
        phrases = {group: cue.words for group, cue in vocabulary.items()}
        phrases.update({"cue:" + name: cue.words for name, cue in cues.items()})
        phrases.update({literal: expand(literal[1:]) for literal in literals})
        written = {group: [_WORD.findall(fold_phrase(phrase)) for phrase in group_phrases] for group, group_phrases in phrases.items()}
        joined = {word for group_phrases in written.values() for phrase in group_phrases for word in phrase if _is_joined(word)}
        tokens = {group: [_with_spaces(phrase, joined) for phrase in group_phrases] for group, group_phrases in written.items()}
        words = {word for group_tokens in tokens.values() for phrase in group_tokens for word in phrase}
        self._speller = Speller(words, {form: fold_phrase(word) for word, cue in (forms or {}).items() for form in cue.words}, joined)
        self._phrases = PhraseFinder(tokens)

    def read(self, text: str) -> Reading:
        """Return the words, sentences and phrases of a message."""
        folded = fold(text)
        words = words_of(folded.text, self._speller)
        phrases = self._phrases_in(words)
        harmless = [span for span, groups in phrases.items() if HARMLESS in groups]
        reach = _reach(harmless, len(words)) if harmless else None
        spans: dict[str, list[Span]] = defaultdict(list)
        for span in sorted(phrases, key=_place):
            if reach is None or span.end > reach[span.start]:
                for group in phrases[span]:
                    spans[group].append(span)
        places = tuple((word.start, word.end) for word in words)
        sentences = _sentences(folded.text, places)
        return Reading(folded, tuple(word.text for word in words), places, sentences, _stretches(words, sentences), dict(spans))

    def _phrases_in(self, words: Sequence[Word]) -> dict[Span, tuple[str, ...]]:
        """Return the place of every phrase and number, with the groups that hold it."""
        phrases = {Span(start, end): groups for groups, start, end in self._phrases([word.text for word in words])}
        for group, span in (*self._in_standard_spelling(words), *self._numbers(words)):
            if group not in phrases.get(span, ()):
                phrases[span] = (*phrases.get(span, ()), group)
        return phrases

    def _in_standard_spelling(self, words: Sequence[Word]) -> Iterator[tuple[str, Span]]:
        """Yield what is found where every misspelt word of the vocabulary is read as the right one: some groups hold only that."""
        standard = [self._speller.standard(word.text) for word in words]
        changed = [number for number, (word, text) in enumerate(zip(words, standard)) if word.text != text]
        if changed:
            for groups, start, end in self._phrases(standard):
                if bisect_left(changed, start) < bisect_left(changed, end):
                    yield from ((group, Span(start, end)) for group in groups)

    def _numbers(self, words: Sequence[Word]) -> Iterator[tuple[str, Span]]:
        """Yield a span for every range that a number of the message lies in."""
        for start in range(len(words)):
            value, end = _number_at(words, start)
            if value is not None:
                yield from ((group, Span(start, end)) for group, (lowest, highest) in self._ranges.items() if lowest <= value <= highest)

    def respelt(self, text: str) -> "Respelt":
        """Return the text with every misspelt word as it was meant, and letters that only look like others as those they look like."""
        folded = fold(text)
        pieces: list[str] = []
        starts: list[int] = []
        origins: list[int] = []
        end = length = 0

        def add(piece: str, origin: int) -> None:
            nonlocal length
            pieces.append(piece)
            starts.append(length)
            origins.append(origin)
            length += len(piece)

        for found in _WORD.finditer(folded.text):
            start, stop = folded.original_span(found.start(), found.end())
            meant = " ".join(self._speller.meant(found.group()))
            if meant == found.group() == text[start:stop].lower().replace("'", "").replace("’", ""):
                continue
            add(text[end:start], end)
            add(meant, start)
            end = stop
        add(text[end:], end)
        return Respelt("".join(pieces), tuple(starts), tuple(origins), len(text))

    def fulfils(self, text: str, pattern: FlagPattern) -> bool:
        """Return whether the words of a text, read as one clause, fulfil a pattern; what an exception would hide counts too."""
        reading = self.read(text)
        same_clause = [0] * len(reading.words)
        firsts = reading.spans.get(pattern.parts[0].group, ())
        return any(_complete(pattern.parts[1:], (first,), reading, same_clause) for first in firsts)

    def matches(self, reading: Reading, clause_of: Sequence[int]) -> list[Match]:
        """Return every pattern that the message fulfils, once for each place of its first part, without what an exception hides."""
        there = frozenset(reading.spans)
        found = [
            Match(pattern, spans, min(span.start for span in spans), max(span.end for span in spans))
            for group in reading.spans
            if group in self._first
            for pattern in self._first[group]
            if pattern.others <= there
            for first in reading.spans[group]
            if (spans := _complete(pattern.parts[1:], (first,), reading, clause_of))
        ]
        hiders: dict[str, list[Match]] = defaultdict(list)
        for match in found:
            if match.pattern.hides:
                hiders[match.pattern.flag_id].append(match)
        return [match for match in found if not match.pattern.hides and not any(_hides(hider, match) for hider in hiders[match.pattern.flag_id])]


@lru_cache(maxsize=100_000)
def _is_joined(word: str) -> bool:
    """True for two words that the content writes as one: "backpain"."""
    return word.isalpha() and word not in english_words() and bool(split_words(word))


def _with_spaces(words: Sequence[str], joined: Collection[str]) -> list[str]:
    """Return the words of a phrase as those of a message are read: "backpain" as two."""
    return [part for word in words for part in (split_words(word) if word in joined else (word,))]


def _reach(hiders: Iterable[Span], length: int) -> list[int]:
    """Return for every word how far the phrases reach that begin at it or before: what ends there or earlier lies inside one."""
    reach = [0] * length
    for hider in hiders:
        reach[hider.start] = max(reach[hider.start], hider.end)
    return list(accumulate(reach, max))


def _hides(hider: Match, match: Match) -> bool:
    return hider.start <= match.start and match.end <= hider.end


def _number_at(words: Sequence[Word], start: int) -> tuple[Optional[float], int]:
    """Return the number that begins at this word, and where it ends; None where none does."""
    text = words[start].text
    if text[0].isdecimal():
        return float(text.replace(",", ".")), start + 1
    following = words[start + 1].text if start + 1 < len(words) else ""
    if text in _TENS and following in _UNITS:
        return _TENS[text] + _UNITS[following], start + 2
    return _NUMBER_WORDS.get(text), start + 1


def fold_phrase(phrase: str) -> str:
    """Return a phrase of the content folded as messages are."""
    if phrase.isascii():  # nearly all are, and there are many
        return " ".join(phrase.lower().replace("'", "").replace("`", "").split())
    return fold(phrase).text


def _sentences(text: str, places: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    numbers, number = [], 0
    for start, _ in places:
        while number < len(ends) and start >= ends[number]:
            number += 1
        numbers.append(number)
    return tuple(numbers)


def _stretches(words: Sequence[Word], sentences: Sequence[int]) -> tuple[int, ...]:
    """Return the number of the stretch of every word: its sentence, or where that has many commas, what stands between two of them."""
    commas = Counter(sentence for word, sentence in zip(words, sentences) if word.text == ",")
    numbers, number = [], 0
    for index, word in enumerate(words):
        new_sentence = index > 0 and sentences[index] != sentences[index - 1]
        if new_sentence or (word.text == "," and commas[sentences[index]] >= COMMAS_OF_A_LIST):
            number += 1
        numbers.append(number)
    return tuple(numbers)


def _complete(parts: Sequence[Part], found: tuple[Span, ...], reading: Reading, clause_of: Sequence[int]) -> Optional[tuple[Span, ...]]:
    """Return spans for all parts, behind those found so far, or None."""
    if not parts:
        return found
    part, last = parts[0], found[-1]
    spans = reading.spans.get(part.group, ())
    first = 0 if part.gap is None else bisect_left(spans, (last.end,))
    for span in spans[first:]:
        if part.gap is None:
            fits = clause_of[span.start] == clause_of[last.start] and not any(span.start < other.end and other.start < span.end for other in found)
        elif span.start > last.end + part.gap:
            return None
        else:
            fits = reading.stretch_of[span.start] == reading.stretch_of[last.start]
        if fits:
            completed = _complete(parts[1:], found + (span,), reading, clause_of)
            if completed:
                return completed
    return None


def _place(span: Span) -> tuple[int, int]:
    return span.start, -span.end
