"""The sentence encoder: the committed files are the ones that PROVENANCE.md names, and each text is encoded once."""

import hashlib
import re

import numpy as np
import pytest

from sijbot.language.encoder import MEANINGS, TOPICS, SentenceEncoder

REMEMBERED = 512  # the docstring of SentenceEncoder.encode
ROW = re.compile(r"^\| (\S+) \| ([\d,]+) \| `([0-9a-f]{64})` \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder()


@pytest.mark.parametrize("folder, name", [(MEANINGS, "model.onnx"), (MEANINGS, "tokenizer.json"), (TOPICS, "model.onnx"), (TOPICS, "directions.npz")])
def test_a_committed_file_is_the_one_that_provenance_names(folder, name):
    rows = {file: (size, digest) for file, size, digest in ROW.findall((folder / "PROVENANCE.md").read_text(encoding="utf-8"))}
    content = (folder / name).read_bytes()

    assert rows[name] == (f"{len(content):,}", hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize("text", ["", " ", "\x00", "How should I sleep?", "😢", "word " * 3000], ids=["empty", "space", "nul", "sentence", "emoji", "long"])
def test_any_text_becomes_384_numbers_of_length_one(encoder, text):
    vector = encoder.encode(text)

    assert vector.shape == (384,)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_sentences_of_like_meaning_lie_closer_than_others(encoder):
    texts = ("How should I sleep?", "What is the best position in bed?", "Can a belt help?")
    for encode in (encoder.encode, SentenceEncoder(MEANINGS).encode):
        asked, same, other = map(encode, texts)
        assert asked @ same > asked @ other


def test_what_lies_behind_256_tokens_is_not_read(encoder):
    beginning = "hip " * 300

    assert np.array_equal(encoder.encode(beginning), encoder.encode(beginning + "belt"))


def test_the_same_text_is_encoded_once_and_another_is_not_taken_for_it(encoder):
    first = encoder.encode("my hip aches")

    assert encoder.encode("".join(["my hip", " aches"])) is first
    assert encoder.encode("my hip ached") is not first


def test_only_the_last_512_texts_are_remembered():
    encoder = SentenceEncoder()
    vectors = [encoder.encode(str(number)) for number in range(REMEMBERED)]

    kept_by_use = encoder.encode("0")
    encoder.encode("one more")

    assert kept_by_use is vectors[0]
    assert encoder.encode("0") is vectors[0]
    assert encoder.encode("1") is not vectors[1]
    assert np.array_equal(encoder.encode("1"), vectors[1])
