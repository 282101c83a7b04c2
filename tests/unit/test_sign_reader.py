"""The reader of meaning: the committed graph is the one of its note, and it reads anything."""

from __future__ import annotations

import hashlib

import pytest

from sijbot.language.sign_reader import FOLDER, SignReader, shared_sign_reader

SIGN = "since this morning I cannot feel anything between my legs when I wipe"
HARMLESS = "Which cushion do you like for a long car ride? My sister has one with a hole in it. "


@pytest.fixture(scope="module")
def reader() -> SignReader:
    return shared_sign_reader()


def test_the_graph_is_the_one_that_the_note_names():
    digest = hashlib.sha256((FOLDER / "model.onnx").read_bytes()).hexdigest()

    assert digest in (FOLDER / "PROVENANCE.md").read_text(encoding="utf-8")


def test_it_knows_every_flag_of_the_content(reader, content):
    assert set(reader.read("hello").flags) == set(content.red_flags)


def test_a_sign_scores_higher_than_harmless_talk_at_every_level(reader):
    sign, harmless = reader.read(SIGN).levels, reader.read(HARMLESS).levels

    assert all(sign[level] > 0 > harmless[level] for level in sign)


def test_a_sign_far_into_a_long_message_is_read_and_its_place_is_told(reader):
    text = HARMLESS * 60 + SIGN

    scores = reader.read(text)
    start, end = scores.places["ces_saddle_numbness"]

    assert scores.levels["emergency"] > 0
    assert len(HARMLESS) * 60 <= start < end <= len(text)


@pytest.mark.parametrize("text", ["", " ", "😢" * 2000, "\ud800", "no " * 10_000, "((((" * 2000, "\0", "a" * 32_000])
def test_odd_text_is_read(reader, text):
    scores = reader.read(text)

    assert all(0 <= start <= end <= len(text) for start, end in scores.places.values())


def test_the_same_text_gives_the_same_scores_and_is_read_once(reader):
    first = reader.read(SIGN)

    assert reader.read(SIGN) is first
    assert SignReader().read(SIGN) == first
