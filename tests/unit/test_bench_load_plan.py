"""Who comes when in a load measurement is fixed beforehand, by the seed alone."""

from __future__ import annotations

import dataclasses
import statistics
from collections import Counter
from ipaddress import ip_address, ip_network

import pytest

from sijbot.bench_load_plan import DANGER, DANGER_SHARE, FEWEST_MESSAGES, FORGET, KINDS, MOST_MESSAGES, THERE_FIRST_S, THINK_S, Texts, read_texts, schedule
from sijbot.settings import ROOT

TEXTS = Texts(
    questions=("one", "two", "three"), remarks=("fine",), pains=("about a 4",), diary_wishes=("how am I doing",), forgetting=("forget all of it",), dangers=("danger",), long_dangers=("danger " * 80,),
    scripts=(("start", "2", "2", "2", "2", "2"),), places=("Utopia",), codes=("ut", "unknown"),
)  # fmt: skip
USERS, SECONDS = 400, 500.0
PLAN = schedule(USERS, SECONDS, 7, TEXTS)
MESSAGES = [message for person in PLAN for message in person.messages]


def test_a_seed_gives_the_same_plan_again():
    assert schedule(USERS, SECONDS, 7, TEXTS) == PLAN


def test_another_seed_gives_another_plan():
    assert schedule(USERS, SECONDS, 8, TEXTS) != PLAN


def test_what_is_said_changes_no_moment():
    others = dataclasses.replace(TEXTS, questions=tuple(f"{number}" for number in range(50)), scripts=(("go",) * 14, ("no",) * 9))

    assert [[message.due_s for message in person.messages] for person in schedule(USERS, SECONDS, 7, others)] == [[message.due_s for message in person.messages] for person in PLAN]


def test_everybody_types_once_in_the_think_time_in_the_mean():
    assert len(MESSAGES) == pytest.approx(USERS * SECONDS / THINK_S, rel=0.05)


def test_the_load_is_the_same_from_the_beginning_to_the_end():
    parts = Counter(int(message.due_s * 5 / SECONDS) for message in MESSAGES)

    assert sorted(parts) == [0, 1, 2, 3, 4]
    assert max(parts.values()) < 1.15 * min(parts.values())


def test_messages_come_as_a_poisson_process():
    seconds = Counter(int(message.due_s) for message in MESSAGES)
    counts = [seconds[second] for second in range(int(SECONDS))]

    assert statistics.variance(counts) / statistics.mean(counts) == pytest.approx(1.0, abs=0.25)


def test_a_conversation_has_six_to_fourteen_messages():
    people = schedule(40, 4000.0, 7, TEXTS)

    lengths = [len(person.messages) for person in people if person.opens_s > 300 and person.messages[-1].due_s < 3700]  # neither there at first nor cut off

    assert len(lengths) > 300 and (min(lengths), max(lengths)) == (FEWEST_MESSAGES, MOST_MESSAGES)


def test_messages_of_a_person_stand_in_their_order_behind_the_opening():
    for person in PLAN:
        moments = [person.opens_s, *(message.due_s for message in person.messages)]
        assert moments == sorted(moments) and moments[-1] < SECONDS


def test_those_who_are_there_first_have_opened_the_page_before_and_not_at_one_moment():
    first = [person.opens_s for person in PLAN if person.opens_s < 0]

    assert min(first) >= -THERE_FIRST_S
    assert statistics.mean(first) == pytest.approx(-THERE_FIRST_S / 2, rel=0.2)
    assert sum(0 <= person.opens_s < 10 for person in PLAN) < len(first) / 5


def test_danger_texts_have_their_share():
    share = sum(message.step.kind == DANGER for message in MESSAGES) / len(MESSAGES)

    assert share == pytest.approx(DANGER_SHARE, abs=0.008)


def test_one_in_a_hundred_asks_to_be_forgotten():
    asking = [person for person in schedule(2000, SECONDS, 1, TEXTS) if any(message.step.kind == FORGET for message in person.messages)]

    assert 0.003 < len(asking) / len(schedule(2000, SECONDS, 1, TEXTS)) < 0.015


def test_all_flows_are_there():
    kinds = {message.step.kind for message in MESSAGES}

    assert kinds == set(KINDS) - {"button"}  # whether a button is there to be pressed shows in the measurement
    assert any(message.is_reloaded for message in MESSAGES) and any(message.step.is_named for message in MESSAGES)


def test_each_person_has_an_address_of_the_network_for_measurements():
    addresses = [person.address for person in PLAN]

    assert len(set(addresses)) == len(PLAN)
    assert all(ip_address(address) in ip_network("198.18.0.0/15") for address in addresses)


def test_the_texts_are_those_of_the_evaluation():
    texts = read_texts(ROOT)

    assert all(getattr(texts, field.name) for field in dataclasses.fields(texts))
    assert max(map(len, texts.dangers)) <= 400 < min(map(len, texts.long_dangers))
    assert all(isinstance(turn, str) for script in texts.scripts for turn in script)
