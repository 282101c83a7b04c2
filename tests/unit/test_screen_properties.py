"""What must hold for any text: the screen never raises, and how a sign is typed or wrapped never lowers it."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sijbot.content.model import LEVELS
from sijbot.triage.assess import ALARM, ASK, INFORM, NONE, OVERLAP_CHARACTERS, WINDOW_CHARACTERS

SEEDED = settings(derandomize=True, deadline=None, max_examples=150, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
PIECES = ["no", "not", "I", "numb", "legs", "can't", "pee", "what if", "is it normal to", "?", ".", ",", "but", "\n", "\ud800", "\u200d", "😢", "years ago", "my dog"]
ANY_TEXT = st.one_of(st.text(st.characters(exclude_categories=())), st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join))
STRENGTH = (NONE, INFORM, ASK, ALARM)

TYPED = {
    "upper case": str.upper,
    "curly apostrophes": lambda text: text.replace("'", "’"),
    "no apostrophes": lambda text: text.replace("'", ""),
    "tabs": lambda text: text.replace(" ", "\t"),
    "zero-width characters": "\u200b".join,
    "full width": lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    "double spaces": lambda text: text.replace(" ", "  "),
}
LEADING = ["I think maybe ", "probably nothing but ", "not sure if it matters but ", "silly question, ", "sorry to bother you, ", "hi, ", "😢 "]
TRAILING = [", thank you", " please", ". Thanks for your help!", " lol", " xx", "!!!", " 😢", "\n"]
OPENED_BY = ("i ", "i'm ", "i've ", "my ", "it ", "it's ")  # R3: after a comma, these begin a clause of their own


@pytest.fixture(scope="module")
def signs(content) -> st.SearchStrategy[str]:
    """Draws from every sentence that must raise its flag."""
    return st.sampled_from([case.text for cases in content.cases.values() for case in cases if case.expect == "fire"])


def rank(assessment) -> tuple[int, int]:
    return STRENGTH.index(assessment.outcome), -LEVELS.index(assessment.level) if assessment.level else -len(LEVELS)


@SEEDED
@given(ANY_TEXT)
def test_no_text_makes_the_screen_raise_and_findings_lie_inside_it(screen, text):
    assessment = screen(text)

    assert all(0 <= finding.start < finding.end <= len(text) for finding in assessment.findings)
    assert not set(assessment.flags) & set(assessment.denied)
    assert assessment.outcome == (assessment.findings[0].outcome if assessment.findings else NONE)


@SEEDED
@given(st.data())
def test_text_before_and_behind_in_any_length_hides_no_alarm(screen, signs, data):
    text = data.draw(signs)
    before = "We had tea. " * data.draw(st.integers(0, (WINDOW_CHARACTERS + OVERLAP_CHARACTERS) // 12))

    assert rank(screen(f"{before}{text}. We had tea.")) >= rank(screen(text))


@pytest.mark.parametrize("name", TYPED)
@SEEDED
@given(st.data())
def test_how_a_sign_is_typed_never_lowers_it(screen, signs, name, data):
    text = data.draw(signs)

    assert rank(screen(TYPED[name](text))) >= rank(screen(text))


@SEEDED
@given(st.data())
def test_hedges_before_and_politeness_behind_never_lower_a_sign(screen, signs, data):
    text = data.draw(signs)
    wrapped = data.draw(st.sampled_from(["", *LEADING])) + text + data.draw(st.sampled_from(["", *TRAILING]))

    assert rank(screen(wrapped)) >= rank(screen(text))


@SEEDED
@given(st.data())
def test_invisible_characters_anywhere_never_change_what_is_found(screen, signs, data):
    text = data.draw(signs)
    place = data.draw(st.integers(0, len(text)))
    invisible = data.draw(st.sampled_from("\u200b\u200c\u200d\u2060\ufeff\u00ad\ud800"))

    assert set(screen(text[:place] + invisible + text[place:]).flags) == set(screen(text).flags)


def lowered_by_no_fever(screen, content, wanted) -> list[str]:
    texts = [case.text for case in content.cases["ces_saddle_numbness"] if case.expect == "fire" and wanted(case.text.lower())]
    assert texts
    return [text for text in texts if rank(screen(f"no fever, {text}")) < rank(screen(text))]


def test_no_fever_never_lowers_a_saddle_numbness_said_with_its_own_subject(screen, content):
    assert lowered_by_no_fever(screen, content, lambda text: text.startswith(OPENED_BY)) == []


def test_no_fever_lowers_no_saddle_numbness_but_bare_nouns(screen, content):
    # R4: a bare noun behind a denied one is one more item of the list.
    assert set(lowered_by_no_fever(screen, content, lambda text: True)) <= {"saddle numbness", "sadle anasthesia", "nae feeling in ma fanny"}
