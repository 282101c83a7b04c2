"""What a person reads: short sentences, no diagnosis, no dose of a medicine, no promise, and the corrections of the seed article."""

from __future__ import annotations

import dataclasses
import re
from typing import Iterator

import pyphen
import pytest

from sijbot.content import Content, load
from sijbot.settings import ROOT

CONTENT = load(ROOT / "content")
MEAN_WORDS, MOST_WORDS = 20, 30
GRADE_AT_TWELVE = 7
SYLLABLES = pyphen.Pyphen(lang="en_GB")
NOT_READ = ("patterns", "level", "hand_off", "sources", "related", "when", "phase", "emergency_number")

DOSE = re.compile(r"\d[\d,.]*\s?(?:mg|mcg|µg|milligrams?|micrograms?|tablets?|pills?|capsules?)\b", re.I)
# "If you have", "do you have", "what you have" ask; "you have been", "you have ever had" tell of the past.
DIAGNOSIS = re.compile(
    r"(?<!if )(?<!do )(?<!unless )(?<!when )(?<!whether )(?<!what )\byou(?:'ve got| (?:clearly |probably |certainly |definitely )?have)\b(?! been| ever had)"
    r"|\byou(?: are|'re) suffering from\b|\byour diagnosis is\b",
    re.I,
)
PROMISE = re.compile(
    r"\byou(?: are|'re| will be|'ll be) (?:perfectly |quite )?fine\b|\bsafe for you\b|\bnothing to worry about\b|\bnothing is wrong with you\b|\bguaranteed\b", re.I
)


def values(item) -> Iterator[str]:
    """Yield the texts of a record that a person gets to read."""
    if isinstance(item, str):
        yield item
    elif isinstance(item, tuple):
        for value in item:
            yield from values(value)
    elif dataclasses.is_dataclass(item):
        for field in dataclasses.fields(item):
            if field.name not in NOT_READ:
                yield from values(getattr(item, field.name))


def read_texts(content: Content) -> list[tuple[str, str]]:
    """Return (id, text) of everything that is shown."""
    groups = (content.answers, content.exercises, content.red_flags, content.hand_offs, content.regions, content.wording)
    told = [*content.programme.phases.values(), *content.programme.held_back]
    return [(content_id, text) for group in groups for content_id, record in group.items() for text in values(record)] + [("programme", text) for record in told for text in values(record)]


def sentence_lengths(text: str) -> list[int]:
    """Return the number of words of each sentence. After a colon a comma parts the items of a list, which are read one by one."""
    lengths: list[int] = []
    for sentence in re.split(r"(?<=[.!?])\s+", text.strip()):
        head, colon, items = sentence.partition(": ")
        parts = [head, *items.split(", ")] if colon else [head]
        lengths += [len(part.split()) for part in parts]
    return lengths


def found(pattern: re.Pattern, content: Content) -> list[tuple[str, str]]:
    return [(content_id, match.group()) for content_id, text in read_texts(content) for match in [pattern.search(text.replace("’", "'"))] if match]


@pytest.mark.parametrize(
    "pattern, sentence",
    [
        (DOSE, "Take 400 mg of it."), (DOSE, "Take 2 tablets."), (DIAGNOSIS, "You have sacroiliitis."), (DIAGNOSIS, "This means that you've got arthritis."),
        (DIAGNOSIS, "You are suffering from it."), (PROMISE, "You are fine."), (PROMISE, "It is safe for you."), (PROMISE, "That is nothing to worry about."),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_the_check_finds_what_must_not_be_said(pattern, sentence):
    assert pattern.search(sentence)


@pytest.mark.parametrize("sentence", ["If you have pain, stop.", "Do you have any numbness?", "I cannot tell what you have.", "Good that you have been seen."])
def test_the_check_lets_questions_and_conditions_pass(sentence):
    assert not DIAGNOSIS.search(sentence)


def test_no_dose_of_a_medicine_is_given():
    assert found(DOSE, CONTENT) == []


def test_nobody_is_given_a_diagnosis():
    assert found(DIAGNOSIS, CONTENT) == []


def test_nobody_is_promised_that_all_is_well():
    assert found(PROMISE, CONTENT) == []


@pytest.mark.parametrize("content_id", sorted(CONTENT.answers))
def test_short_answer_has_short_sentences(content_id):
    lengths = sentence_lengths(CONTENT.answers[content_id].short)

    assert max(lengths) <= MOST_WORDS and sum(lengths) / len(lengths) <= MEAN_WORDS


@pytest.mark.parametrize(
    "exercise_id, amount", [("adductor_squeeze", "for 5 seconds"), ("figure_4", "for 20–30 seconds"), ("knee_opposite_shoulder", "for 20–30 seconds")]
)
def test_holding_time_of_the_seed_article_is_kept(exercise_id, amount):
    assert any(amount in step for step in CONTENT.exercises[exercise_id].steps)


@pytest.mark.parametrize(
    "text, denial",
    [
        (CONTENT.answers["torsion_claim"].short, "not thought to shift the bones"),
        (CONTENT.answers["torsion_claim"].push_back, "no change in position"),
        (CONTENT.answers["back_in_place"].short, "nothing to put back"),
        (CONTENT.answers["back_in_place"].more, "do not re-align bones"),
        (CONTENT.answers["back_in_place"].push_back, "no change in place"),
        (CONTENT.answers["self_mobilisation"].short, "does not shift the joint back"),
        (CONTENT.answers["chiropractor_osteopath"].short, "does not put a bone back in place"),
        (CONTENT.exercises["adductor_squeeze"].purpose, "not thought to shift the bones"),
        (CONTENT.exercises["band_abduction"].purpose, "not thought to shift the bones"),
        (CONTENT.exercises["knee_opposite_shoulder"].purpose, "does not re-align the joint"),
        (CONTENT.answers["joint_fluid"].short, "no good proof"),
        (CONTENT.answers["sacroiliitis"].short, "not the same as SI joint dysfunction"),
        (CONTENT.answers["dysfunction"].short, "hard to measure"),
        (CONTENT.answers["piriformis"].more, "not quite right"),
    ],
    ids=lambda value: value if len(value) < 40 else "",
)
def test_claim_of_the_seed_article_is_corrected(text, denial):
    assert denial in " ".join(text.split())


def school_grade(text: str) -> float:
    """Return the Flesch-Kincaid grade of a text: about the years of school that reading it takes. An item of a list counts as a sentence."""
    sentences = [sentence for sentence in re.split(r"(?<=[.!?:])\s+|\n+", text) if re.search(r"\w", sentence)]
    words = re.findall(r"[A-Za-z][A-Za-z'’-]*", text)
    return 0.39 * len(words) / len(sentences) + 11.8 * sum(len(SYLLABLES.positions(word)) + 1 for word in words) / len(words) - 15.59


def test_the_grade_tells_hard_texts_from_easy_ones():
    assert school_grade("The cat sat on the mat. It was warm.") < 2
    assert school_grade("Intra-articular corticosteroid administration necessitates multidisciplinary consideration of contraindications.") > 15


@pytest.mark.parametrize("content_id", sorted(CONTENT.answers))
def test_an_answer_can_be_read_at_twelve(content_id):
    answer = CONTENT.answers[content_id]

    assert school_grade(answer.short) <= GRADE_AT_TWELVE and school_grade(answer.more) <= GRADE_AT_TWELVE
