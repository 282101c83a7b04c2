"""The pattern language, over a vocabulary of the test's own."""

from typing import Callable

import pytest

from sijbot.content.model import Cue, Pattern
from sijbot.triage.context import clauses
from sijbot.triage.match import GAP, WIDE_GAP, Matcher, PatternError, compiled, parse_pattern

VOCABULARY = {
    "numb": Cue("", ("numb", "no feeling")),
    "leg": Cue("", ("leg", "legs")),
    "fever": Cue("", ("fever",)),
    "harmless": Cue("", ("hay fever", "leg day")),
}
CUES = {"clause_break": Cue("", ("but",))}


def others(count: int) -> str:
    """Return so many different words that stand in no group."""
    return "".join(f" {letter}x" for letter in "abcdefghijklmnopqrstuvwyz"[:count])


PATTERNS = ("wet myself", "{numb} {leg}", "{numb} ... {leg}", "{numb} & {leg}", "{leg} & {leg}", "{leg} cant move", "{leg}", "{fever}", "{numb} {leg} {fever}")


@pytest.fixture(scope="module")
def found() -> Callable[[str, str], list[str]]:
    """A function from one of PATTERNS and a message to the words between the first and last part of every match."""
    matcher = Matcher(VOCABULARY, CUES, [each for pattern in PATTERNS for each in compiled(pattern, "urgent", Pattern(pattern), VOCABULARY)])

    def matched_words(pattern: str, text: str) -> list[str]:
        assert pattern in PATTERNS
        reading = matcher.read(text)
        matches = matcher.matches(reading, clauses(reading).of_token)
        return [" ".join(reading.words[match.start : match.end]) for match in matches if match.pattern.flag_id == pattern]

    return matched_words


@pytest.mark.parametrize(
    "pattern, named",
    [
        pytest.param("{knee} {numb}", "knee", id="unknown group"),
        pytest.param("... {leg}", "...", id="nothing before the dots"),
        pytest.param("& {leg}", "&", id="nothing before the and"),
        pytest.param("{leg} ...", "end", id="nothing behind the dots"),
        pytest.param("{leg} &", "end", id="nothing behind the and"),
        pytest.param("{leg} ... & {numb}", "&", id="two connectors"),
        pytest.param("", "", id="empty"),
    ],
)
def test_a_faulty_pattern_is_refused_by_name(pattern, named):
    with pytest.raises(PatternError) as refusal:
        parse_pattern(pattern, VOCABULARY)

    assert f"'{pattern}'" in str(refusal.value)
    assert named in str(refusal.value)


def test_a_faulty_choice_of_a_pattern_is_refused_by_name():
    with pytest.raises(PatternError, match="wont"):
        list(compiled("flag", "urgent", Pattern("{leg} (wont|cant lift"), VOCABULARY))


def test_a_level_of_the_pattern_stands_before_the_level_of_the_flag():
    patterns = [each for pattern in (Pattern("{fever}"), Pattern("{leg}", level="emergency")) for each in compiled("flag", "soon", pattern, VOCABULARY)]
    matcher = Matcher(VOCABULARY, CUES, patterns)
    reading = matcher.read("fever, leg")

    levels = {match.pattern.level for match in matcher.matches(reading, clauses(reading).of_token)}

    assert levels == {"soon", "emergency"}


@pytest.mark.parametrize(
    "pattern, text",
    [
        pytest.param("wet myself", "i wet again myself", id="plain words need to stand side by side"),
        pytest.param("wet myself", "myself wet", id="in their order"),
        pytest.param("wet myself", "wet. myself", id="in one sentence"),
        pytest.param("{numb} {leg}", "numb" + others(GAP + 1) + " leg", id="more than two words between parts"),
        pytest.param("{numb} {leg}", "leg numb", id="parts in the other order"),
        pytest.param("{numb} {leg}", "numb! leg", id="parts in two sentences"),
        pytest.param("{numb} ... {leg}", "numb" + others(WIDE_GAP + 1) + " leg", id="more than seven words for dots"),
        pytest.param("{numb} & {leg}", "numb arm but leg fine", id="parts in two clauses"),
        pytest.param("{leg} & {leg}", "leg", id="one word for two parts"),
        pytest.param("{fever}", "hay fever", id="a harmless phrase hides its words"),
        pytest.param("{leg}", "legal", id="part of a word"),
        pytest.param("{leg}", "", id="empty"),
    ],
)
def test_a_pattern_is_not_found_where_its_parts_do_not_stand_as_written(found, pattern, text):
    assert found(pattern, text) == []


@pytest.mark.parametrize(
    "pattern, text, words",
    [
        ("wet myself", "I wet myself", "wet myself"),
        ("{numb} {leg}", "numb leg", "numb leg"),
        ("{numb} {leg}", "no feeling in my legs", "no feeling in my legs"),
        ("{numb} {leg}", "numb" + others(GAP) + " leg", "numb" + others(GAP) + " leg"),
        ("{numb} ... {leg}", "numb" + others(WIDE_GAP) + " leg", "numb" + others(WIDE_GAP) + " leg"),
        ("{numb} & {leg}", "my legs went numb", "legs went numb"),
        ("{numb} & {leg}", "numb" + others(20) + " leg", "numb" + others(20) + " leg"),
        ("{leg} cant move", "LEG can’t move", "leg cant move"),
        ("{fever}", "hay fever and a fever", "fever"),
    ],
)
def test_a_pattern_is_found_where_its_parts_stand_as_written(found, pattern, text, words):
    assert found(pattern, text) == [words]


def test_every_place_of_the_first_part_is_a_match_of_its_own(found):
    assert found("{leg}", "left leg, right leg") == ["leg", "leg"]


def test_a_search_that_runs_into_a_dead_end_tries_the_next_place(found):
    assert found("{numb} {leg} {fever}", "numb leg leg x x fever") == ["numb leg leg x x fever"]


@pytest.mark.parametrize(
    "pattern, text, holds",
    [
        pytest.param("{numb} + {leg}", "numb leg", True, id="side by side"),
        pytest.param("{numb} + {leg}", "numb left leg", False, id="a word between"),
        pytest.param("im + #65-120", "i'm 70", True, id="in the range"),
        pytest.param("im + #65-120", "i'm 64", False, id="below the range"),
        pytest.param("im + #65-120", "im seventy two", True, id="in words"),
        pytest.param("fever ... #38-43", "fever of 38.5", True, id="with a decimal point"),
        pytest.param("fever ... #38-43", "fever of 38,5", True, id="with a decimal comma"),
        pytest.param("fever ... #37.8-41.9", "fever of 37.7", False, id="just below a range with a decimal point"),
        pytest.param("#0-15 yo", "14yo", True, id="number and letters written as one"),
        pytest.param("{leg} (wont|will not) move", "my legs will not move", True, id="a choice"),
    ],
)
def test_numbers_neighbours_and_choices(pattern, text, holds):
    matcher = Matcher(VOCABULARY, CUES, list(compiled("flag", "urgent", Pattern(pattern), VOCABULARY)))
    reading = matcher.read(text)

    assert bool(matcher.matches(reading, clauses(reading).of_token)) is holds


def test_an_exception_hides_what_lies_inside_its_words_and_nothing_else():
    sign, exception = Pattern("{numb} {leg}"), Pattern("{numb} {leg} ... wakes up")
    patterns = [*compiled("flag", "urgent", sign, VOCABULARY), *compiled("flag", "urgent", exception, VOCABULARY, hides=True)]
    matcher = Matcher(VOCABULARY, CUES, patterns)

    def matched(text: str) -> int:
        reading = matcher.read(text)
        return len(matcher.matches(reading, clauses(reading).of_token))

    assert matched("numb leg that wakes up at once") == 0
    assert matched("numb leg that stays") == 1
    assert matched("numb leg that wakes up at once. now a numb leg again") == 1


def test_an_empty_range_is_refused_by_name():
    with pytest.raises(PatternError, match="#9-3"):
        parse_pattern("im #9-3", VOCABULARY)
