"""All patterns of the content, compiled; one error names every pattern that cannot be, and every one that no message could ever fulfil."""

from __future__ import annotations

from typing import Iterator, Mapping, Sequence

from sijbot.content.model import Content, Cue, Pattern
from sijbot.content.phrases import expand
from sijbot.triage.match import FlagPattern, Matcher, PatternError, compiled

_TRIES = 4  # with other phrases of the same groups, before a pattern is said never to match


def compile_patterns(content: Content) -> tuple[list[FlagPattern], Matcher]:
    """Return the patterns of all flags and facts, and the matcher that finds them.

    Raises: PatternError naming file, pattern and reason of each fault, a line each.
    """
    patterns: list[FlagPattern] = []
    faults: list[str] = []
    for key, matched in (*content.red_flags.items(), *content.facts.items()):
        level = getattr(matched, "level", "")
        for pattern, hides in (*((pattern, False) for pattern in matched.patterns), *((Pattern(exception), True) for exception in matched.unless)):
            try:
                patterns.extend(compiled(key, level, pattern, content.vocabulary, hides))
            except PatternError as error:
                faults.append(f"{_place(content, key, hides)}: {error}")
    if faults:
        raise PatternError("\n".join(faults))
    matcher = Matcher(content.vocabulary, content.context, patterns, content.forms)
    never = [pattern for pattern in patterns if not _can_match(pattern, matcher, content.vocabulary)]
    if never:
        raise PatternError("\n".join(f"{_place(content, pattern.flag_id, pattern.hides)}: '{pattern}' can never match" for pattern in never))
    return patterns, matcher


def _place(content: Content, key: str, hides: bool) -> str:
    folder = "red_flags" if key in content.red_flags else "red_flags/_facts"
    name = f"{key}.yml" if key in content.red_flags else key
    return f"content/{folder}/{name}: {'unless' if hides else 'patterns'}"


def _can_match(pattern: FlagPattern, matcher: Matcher, vocabulary: Mapping[str, Cue]) -> bool:
    """Return whether the pattern is found in at least one of the plainest texts that should fulfil it."""
    return any(matcher.fulfils(text, pattern) for text in _plainest_texts(pattern, vocabulary))


def _plainest_texts(pattern: FlagPattern, vocabulary: Mapping[str, Cue]) -> Iterator[str]:
    for number in range(_TRIES):
        text = " ".join(_phrase(_phrases(part.group, vocabulary), number) for part in pattern.parts)
        yield text.replace(" - ", "-")  # a dash with spaces around it ends a sentence, a hyphen does not


def _phrases(group: str, vocabulary: Mapping[str, Cue]) -> Sequence[str]:
    if group.startswith("#"):
        return (group[1:].split("-")[0],)
    return expand(group[1:]) if group.startswith("=") else vocabulary[group].words


def _phrase(phrases: Sequence[str], number: int) -> str:
    return phrases[number * max(1, len(phrases) // _TRIES) % len(phrases)] if phrases else ""
