"""One line of content that stands for many phrases."""

import pytest

from sijbot.content.phrases import MOST_PHRASES, PhraseError, expand


@pytest.mark.parametrize(
    "line, phrases",
    [
        pytest.param("numb leg", ("numb leg",), id="plain"),
        pytest.param("(my|his) leg", ("my leg", "his leg"), id="choice"),
        pytest.param("leg (is|) numb", ("leg is numb", "leg numb"), id="may be left out"),
        pytest.param("(left|right|) leg(s|)", ("left legs", "left leg", "right legs", "right leg", "legs", "leg"), id="within a word, and two choices"),
        pytest.param("(no (feeling|sensation)|numb) below", ("no feeling below", "no sensation below", "numb below"), id="choice in a choice"),
        pytest.param("(a|a) b", ("a b",), id="each once"),
    ],
)
def test_a_line_stands_for_its_phrases(line, phrases):
    assert expand(line) == phrases


@pytest.mark.parametrize(
    "line, reason",
    [
        pytest.param("(my leg", "no ')'", id="not closed"),
        pytest.param("my) leg", "outside", id="not opened"),
        pytest.param("my|his leg", "outside", id="choice without brackets"),
        pytest.param("(a|)", "nothing", id="may be empty"),
        pytest.param("(a|b|c|d|e|f|g|h) (a|b|c|d|e|f|g|h) (a|b|c|d|e|f|g|h)", str(MOST_PHRASES), id="too many"),
    ],
)
def test_a_faulty_line_is_refused_by_name(line, reason):
    with pytest.raises(PhraseError, match=reason.replace(")", r"\)")) as refusal:
        expand(line)

    assert line in str(refusal.value)
