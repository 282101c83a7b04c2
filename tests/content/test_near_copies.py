"""No held-out message stands, nearly the same, among what the screen is built from."""

from evaluation.near_copies import built_from, held_out_texts, near_copies
from sijbot.language.encoder import MEANINGS, SentenceEncoder

ENCODE = SentenceEncoder(MEANINGS).encode
HELD_OUT = "Since the lifting at work on Tuesday I strain and strain and get only a trickle"


def test_no_held_out_message_stands_nearly_the_same_elsewhere():
    texts, others = held_out_texts(), list(built_from())

    assert len(texts) >= 2000 and len(others) > 5000
    assert near_copies(texts, others, ENCODE) == []


def test_a_copy_with_a_word_changed_is_found_by_its_trigrams():
    others = [("a.yml", HELD_OUT.replace("Tuesday", "Monday")), ("b.yml", "My cat sleeps on the sofa")]

    found = near_copies([HELD_OUT], others, ENCODE)

    assert {copy.place for copy in found} == {"a.yml"} and "trigrams" in {copy.measure for copy in found}


def test_a_copy_in_another_order_is_found_by_its_meaning():
    others = [("a.yml", "my left leg has been tingling since this morning")]

    found = near_copies(["since this morning my left leg has been tingling"], others, ENCODE)

    assert [copy.measure for copy in found] == ["cosine"]


def test_an_unlike_message_is_no_copy():
    assert near_copies([HELD_OUT], [("a.yml", "I can't pee")], ENCODE) == []
