"""What the fault runs are made of: what people say, what a database holds, and the table."""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest

from evaluation.faults.checker import Violation
from evaluation.faults.client import emergency_pieces
from evaluation.faults.faults import FAULTS
from evaluation.faults.matrix import plans
from evaluation.faults.points import OF_A_TURN, POINTS
from evaluation.faults.report import Result, cells, is_good, not_there, report, seeds, table
from evaluation.faults.scripts import alarm, at_once, mixture
from evaluation.faults.stored import by_owner, effects, stored
from evaluation.faults.tiers import RASA, REPLICAS, SQLITE, TIERS

# What people say.


@pytest.mark.parametrize("make", [mixture, alarm, at_once])
def test_the_same_seed_says_the_same_and_another_one_has_another_canary(make):
    one, same, other = (make(random.Random(seed), "x") for seed in (1, 1, 2))

    assert one == same
    assert one.canary != other.canary


@pytest.mark.parametrize("make", [mixture, alarm, at_once])
def test_every_conversation_names_its_canary(make):
    for seed in range(30):
        script = make(random.Random(seed), "x")
        assert any(step.says and script.canary in step.says for step in script.steps)
        assert all("{" not in (step.says or step.presses) for step in script.steps)


def test_some_of_the_mixtures_come_into_danger_and_all_kinds_are_there():
    found = [mixture(random.Random(seed), "x") for seed in range(60)]
    said = {step.says or step.presses for script in found for step in script.steps}

    assert 0 < sum(any(step.is_urgent for step in script.steps) for script in found) < 60
    assert {"exercises", "my pain is 4 today", "Not now", "how many?"} <= said


def test_danger_is_known_in_what_is_said_at_once():
    steps = [step for seed in range(20) for step in at_once(random.Random(seed), "x").steps]

    assert {bool(re.search("lost control", step.says)) == step.is_urgent for step in steps} == {True}
    assert any(step.is_urgent for step in steps)


# What a database holds.

ROWS = {
    "inbox": [{"conversation_id": "a", "message_id": "m1", "replies": '[{"text": "hello"}]'}, {"conversation_id": "a", "message_id": "m2", "replies": None}],
    "conversation_event": [
        {"conversation_id": "a", "number": 2, "data": {"event": "user", "text": "second"}},
        {"conversation_id": "a", "number": 1, "data": '{"event": "user", "text": "first"}'},
        {"conversation_id": "a", "number": 3, "data": '{"event": "bot", "text": "x"}'},
    ],
    "diary_entry": [{"conversation_id": "a", "id": 5, "at": "now", "pain": 4, "worse": None, "source": "told"}, {"conversation_id": "b", "id": 6, "at": "now", "pain": 4, "worse": None, "source": "told"}],
    "hand_off": [{"conversation_id": "a", "id": 1, "reply_id": "r", "level": "emergency", "flags": '["f"]', "state": "queued"}],
    "outbox": [{"conversation_id": "a", "id": 17, "kind": "hand_off"}],
}


def test_rows_are_read_by_conversation():
    found = dict(by_owner(ROWS))

    assert set(found) == {"a", "b"} and len(found["a"]["diary_entry"]) == 1 and found["b"]["inbox"] == []


def test_rows_become_what_is_stored():
    found = stored(dict(by_owner(ROWS))["a"])

    assert found.inbox == [("m1", True), ("m2", False)]
    assert (found.user_texts, found.numbers) == (["first", "second"], [1, 2, 3])
    assert found.effects == Counter({("diary_entry", (4, None, "told")): 1, ("hand_off", ("r", "emergency", '["f"]')): 1, ("outbox", ("hand_off",)): 1})
    assert (found.shown_states, found.outbox) == ({"queued"}, {"17"})


def test_ids_and_times_are_no_part_of_an_effect():
    one, other = ({"diary_entry": [{"id": number, "conversation_id": str(number), "at": number, "pain": 4, "worse": None, "source": "told"}]} for number in (1, 2))

    assert effects(one) == effects(other)


def test_what_the_harness_wrote_is_no_effect_of_a_message():
    assert effects({"outbox": [{"id": "harness1", "kind": "hand_off"}, {"id": "x", "kind": "hand_off"}]}) == Counter({("outbox", ("hand_off",)): 1})


def test_rasas_own_table_has_no_numbers():
    found = stored({"events": [{"sender_id": "a", "id": 9, "data": '{"event": "user", "text": "x"}'}]})

    assert (found.user_texts, found.numbers, found.inbox) == (["x"], None, None)


def test_a_hand_off_is_known_by_the_pieces_of_its_text():
    assert emergency_pieces(["{line} Do not drive yourself, and ask someone. You said {finding}.\nshort"]) == ["Do not drive yourself, and ask someone. You said"]


# Faults and plans.


def test_there_is_a_kill_at_each_point_of_a_turn_and_of_a_delivery():
    assert {f"kill_{point}" for point in (*OF_A_TURN, "before_delivery", "after_delivery")} <= set(FAULTS)
    assert len(OF_A_TURN) == 12


def test_every_fault_names_points_and_tiers_that_there_are():
    assert all(set(fault.points) <= set(POINTS) and fault.tiers and set(fault.tiers) <= set(TIERS) for fault in FAULTS.values())


def test_a_plan_takes_all_faults_before_it_takes_one_again():
    (plan,) = plans([SQLITE], ["none", "restart", "same_id_both"], 2, 17, None, 2, False)

    assert list(plan.jobs()) == [("none", 17), ("restart", 17), ("none", 18), ("restart", 18)]


def test_a_sample_shares_its_time_among_the_tiers_and_mixes_the_faults():
    found = plans(TIERS, list(FAULTS), 5, 1, 240, 2, False)

    assert {plan.for_s for plan in found} == {120}
    first = [fault for fault, _ in list(found[0].jobs())[: len(found[0].faults)]]
    assert sorted(first) == sorted(found[0].faults) and first != list(found[0].faults)


def test_a_tier_on_which_none_of_the_faults_can_be_made_has_no_plan():
    assert [plan.tier for plan in plans(TIERS, ["same_id_both"], 1, 1, None, 2, False)] == [REPLICAS]


# The table.

LOST, LATE = Violation("I3", "lost", "x"), Violation("I1", "late", "x", is_slow=True)
RESULTS = [
    Result(SQLITE, "restart", 1, (LOST, LOST, Violation("I1", "late", "x")), True), Result(SQLITE, "restart", 2, (LATE,), True), Result(SQLITE, "restart", 3, (), False),
    Result(RASA, "restart", 1, (), True), Result(SQLITE, "none", 1, (), True), Result(RASA, "none", 1, why_not="no such place"),
]  # fmt: skip
NAMES = {"none": "nothing", "restart": "anew"}


def test_a_cell_counts_runs_and_not_violations():
    cell = cells(RESULTS)["restart", SQLITE]

    assert (cell.runs, cell.not_met, cell.violated, cell.slow) == (3, 1, Counter(I1=1, I3=1), Counter(I1=1))


def test_the_table_shows_every_cell():
    lines = list(table(RESULTS, NAMES, (SQLITE, RASA)))

    assert lines[2:] == ["| `none` | 1: – | not there |", "| `restart` | 3: **I1 1**, **I3 1**; 1 not met; 1 slow | 1: – |", "| all | 4: **I1 1**, **I3 1** | 1: – |"]


def test_seeds_lead_back_to_each_violation():
    assert list(seeds(RESULTS)) == ["- `restart` on sqlite: I1 late (seed 1); I1 late (the machine was busy) (seed 2); I3 lost (seed 1)"]


def test_what_could_not_be_made_has_its_reason():
    assert list(not_there(RESULTS)) == ["- `none` on stock: no such place"]


def test_the_report_holds_all_of_it():
    text = report(RESULTS, NAMES, (SQLITE, RASA), "2026-12-01", "on this machine")

    assert all(part in text for part in (*table(RESULTS, NAMES, (SQLITE, RASA)), *seeds(RESULTS), *not_there(RESULTS), "5 runs, on this machine", "- `restart`: anew"))


@pytest.mark.parametrize("result, expected", [
    (Result(SQLITE, "none", 1, (), True), True), (Result(SQLITE, "none", 1, (), False), False), (Result(SQLITE, "none", 1, (LOST,), True), False),
    (Result(SQLITE, "none", 1, (LATE,), True), True), (Result(SQLITE, "none", 1, why_not="no"), False),
])  # fmt: skip
def test_good_is_only_what_was_met_and_violated_nothing(result, expected):
    assert is_good([result]) is expected


def test_a_result_goes_through_a_line_of_text():
    import json

    assert [Result.from_dict(json.loads(json.dumps(each.to_dict()))) for each in RESULTS] == RESULTS
