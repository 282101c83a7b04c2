"""What a sentence means does not change with how it is typed or what harmless words stand around it: every sentence that must fire is put in other forms.

At least 99 of 100 of all forms keep their level, and 97 of 100 of each; those that do not are printed when it fails.
"""

from __future__ import annotations

import random
from typing import Callable, Iterator

import pytest

from sijbot.content import Content
from sijbot.content.model import LEVELS
from sijbot.language.sign_reader import shared_sign_reader
from sijbot.language.spelling import english_words
from sijbot.triage import Assessment, Screen
from sijbot.triage.assessment import ALARM, ASK, INFORM, NONE

AT_LEAST, AT_LEAST_OF_EACH = 0.99, 0.97
STRENGTH = (NONE, INFORM, ASK, ALARM)
LETTERS_OF_LONG_WORDS = 5
LOOK_ALIKES = str.maketrans("aceiopsxy", "асеіорѕху")  # Cyrillic
HARMLESS = (
    "We had tea with the neighbours today.", "My sister lives in Leeds.", "The bus was late again.", "I work in an office.", "Thanks for having this chat.",
    "I found this page through the clinic.", "It is raining here.", "My name is Sam.", "I like swimming and reading.", "We moved house in spring.",
)  # fmt: skip
EMOJI = ("😢", "🙏", "😬", "🤷", "😩")

Form = Callable[[str, random.Random], str]


def words_at(text: str, fits: Callable[[str], bool]) -> list[tuple[int, int]]:
    """Return where the words of a text stand that fit."""
    places, start = [], None
    for index, character in enumerate(text + " "):
        if character.isalpha() and start is None:
            start = index
        elif not character.isalpha() and start is not None:
            if fits(text[start:index]):
                places.append((start, index))
            start = None
    return places


def misspelt(text: str, draw: random.Random) -> str:
    """Return the text with one slip in one longer word, such that no other English word comes of it; the text itself where there is none."""
    places = words_at(text, lambda word: len(word) >= LETTERS_OF_LONG_WORDS and word.isascii())
    draw.shuffle(places)
    for start, end in places:
        word = text[start:end]
        place = draw.randrange(1, len(word) - 2)
        slips = [word[:place] + word[place + 1] + word[place] + word[place + 2 :], word[:place] + word[place + 1 :], word[:place] + word[place] + word[place:]]
        draw.shuffle(slips)
        for slip in slips:
            if slip != word and slip.lower() not in english_words():
                return text[:start] + slip + text[end:]
    return text


def joined(text: str, draw: random.Random) -> str:
    """Return the text without one of the spaces between two words, such that no other English word comes of it."""
    gaps = [index for index in range(1, len(text) - 1) if text[index] == " " and text[index - 1].isalpha() and text[index + 1].isalpha()]
    draw.shuffle(gaps)
    for gap in gaps:
        left, right = text[:gap].split()[-1], text[gap + 1 :].split()[0]
        if left.isalpha() and right.isalpha() and (left + right).lower() not in english_words():
            return text[:gap] + text[gap + 1 :]
    return text


def ended(text: str) -> str:
    return text if text.rstrip().endswith((".", "!", "?")) else text + "."


FORMS: dict[str, Form] = {
    "upper case": lambda text, draw: text.upper(),
    "title case": lambda text, draw: text.title().replace("'T", "'t").replace("'S", "'s"),
    "a slip in a longer word": misspelt,
    "a space left out": joined,
    "no apostrophes": lambda text, draw: text.replace("'", "").replace("’", ""),
    "full width": lambda text, draw: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    "letters that look alike": lambda text, draw: text.translate(LOOK_ALIKES),
    "zero-width joiners": lambda text, draw: "\u200d".join(text),
    "a stretched last letter": lambda text, draw: text + text[-1] * 3 if text[-1].isalpha() else text,
    "emoji behind": lambda text, draw: f"{text} {draw.choice(EMOJI)}",
    "emoji between": lambda text, draw: f"{draw.choice(EMOJI)} {text}{draw.choice(EMOJI)}{draw.choice(EMOJI)}",
    "a harmless sentence before": lambda text, draw: f"{draw.choice(HARMLESS)} {text}",
    "a harmless sentence behind": lambda text, draw: f"{ended(text)} {draw.choice(HARMLESS)}",
    "harmless sentences on both sides": lambda text, draw: f"{draw.choice(HARMLESS)} {ended(text)} {draw.choice(HARMLESS)}",
    "not to worry but": lambda text, draw: f"not to worry but {text}",
}


def signs(content: Content) -> Iterator[tuple[str, str]]:
    """Yield (flag, sentence) for every sentence that must fire."""
    for flag_id, cases in content.cases.items():
        for case in cases:
            if case.expect == "fire":
                yield flag_id, case.text


@pytest.fixture(scope="module")
def whole(content: Content) -> Screen:
    return Screen(content, shared_sign_reader().read)


def rank(assessment: Assessment) -> tuple[int, int]:
    return STRENGTH.index(assessment.outcome), -LEVELS.index(assessment.level) if assessment.level else -len(LEVELS)


@pytest.fixture(scope="module")
def plain_ranks(screen: Screen, content: Content) -> dict[str, tuple[int, int]]:
    """The rank of every sentence as it stands, by its words."""
    return {text: rank(screen(text)) for _, text in signs(content)}


@pytest.fixture(scope="module")
def lowered(whole: Screen, content: Content, plain_ranks: dict) -> dict[str, tuple[list[str], int]]:
    """For every form: the texts that came out lower than their sentence does, and how many were changed by it."""
    result = {}
    for name, form in FORMS.items():
        draw = random.Random(name)
        formed = [(flag, text, form(text, draw)) for flag, text in signs(content)]
        changed = [one for one in formed if one[2] != one[1]]
        judge = whole.verdict if "sentence" in name else whole  # of a short message the third layer can only raise what its words say
        result[name] = [f"{flag}: {new}" for flag, text, new in changed if rank(judge(new)) < plain_ranks[text]], len(changed)
    return result


@pytest.mark.parametrize("name", FORMS)
def test_each_form_keeps_the_level(lowered: dict, name: str) -> None:
    texts, changed = lowered[name]

    assert changed > 500
    assert len(texts) <= (1 - AT_LEAST_OF_EACH) * changed, f"{len(texts)} of {changed}:\n" + "\n".join(texts)


def test_all_forms_together_keep_the_level(lowered: dict) -> None:
    texts = [text for texts, _ in lowered.values() for text in texts]

    assert len(texts) <= (1 - AT_LEAST) * sum(changed for _, changed in lowered.values()), "\n".join(texts)
