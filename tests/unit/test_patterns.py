"""Patterns that cannot be compiled, or that nobody's words could ever fulfil, are refused by file and pattern."""

from __future__ import annotations

import dataclasses

import pytest

from sijbot.content.model import Cue, Pattern
from sijbot.triage.match import PatternError
from sijbot.triage.patterns import compile_patterns

FLAG = "foot_drop"


def with_patterns(content, *patterns: str, unless: tuple[str, ...] = ()):
    """Return the content with one flag left, which has these patterns."""
    flag = dataclasses.replace(content.red_flags[FLAG], patterns=tuple(map(Pattern, patterns)), unless=unless)
    vocabulary = {"foot": Cue("", ("my foot", "the foot")), "nothing_said": Cue("", ()), "harmless": Cue("", ("foot massage",))}
    return dataclasses.replace(content, red_flags={FLAG: flag}, facts={}, combinations={}, vocabulary=vocabulary, forms={"foot": Cue("", ("hoof",))})


@pytest.mark.parametrize("pattern", ["{foot} drops", "{foot} ... & drops", "#3-5 times", "{foot} + drops", "(drops|hangs) {foot}", "drop-foot", "footdrop"])
def test_a_pattern_that_can_match_is_compiled_or_named(content, pattern):
    if "... &" in pattern:
        with pytest.raises(PatternError, match="needs something on both sides"):
            compile_patterns(with_patterns(content, pattern))
    else:
        assert compile_patterns(with_patterns(content, pattern))[0]


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("my hoof drops", id="a word that is read as another form"),
        pytest.param("{nothing_said} drops", id="a group without phrases"),
        pytest.param("foot massage", id="hidden as harmless"),
        pytest.param("{foot} ? {foot}", id="over the end of a sentence"),
    ],
)
def test_a_pattern_that_can_never_match_is_refused_by_file_and_pattern(content, pattern):
    with pytest.raises(PatternError) as error:
        compile_patterns(with_patterns(content, "{foot} drops", pattern))

    assert f"content/red_flags/{FLAG}.yml: patterns: '{pattern}' can never match" == str(error.value)


def test_an_exception_that_can_never_match_is_refused(content):
    with pytest.raises(PatternError, match=f"{FLAG}.yml: unless: 'foot massage' can never match"):
        compile_patterns(with_patterns(content, "{foot} drops", unless=("foot massage",)))


def test_every_fault_is_named_at_once(content):
    with pytest.raises(PatternError) as error:
        compile_patterns(with_patterns(content, "{no_such_group} drops", "#9-2 drops"))

    assert len(str(error.value).splitlines()) == 2
