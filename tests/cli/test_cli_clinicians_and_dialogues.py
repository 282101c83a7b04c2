"""`sijbot content …` for those who write it, and `sijbot converse`."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from test_cli_faults import check_fault, sijbot


def test_check_finds_no_fault_in_what_is_kept_here(content):
    code, printed = sijbot("content", "check")

    assert code == 0, printed
    assert f"{len(content.answers)} answers, {len(content.exercises)} exercises, {len(content.red_flags)} red flags" in printed


@pytest.mark.parametrize("content_id", ["back_in_place", "foot_drop"])
def test_preview_shows_what_a_person_will_read(content, content_id):
    code, printed = sijbot("content", "preview", content_id, "--region", "uk")

    assert code == 0, printed
    if content_id in content.answers:
        answer = content.answers[content_id]
        expected = [answer.title, answer.short, answer.more, *(content.sources[key].title for key in answer.sources)]
    else:
        expected = [content.red_flags[content_id].finding, content.regions["uk"].urgent_line]
    assert [text for text in expected if text not in printed] == []


def test_preview_of_an_unknown_id_names_it():
    check_fault(sijbot("content", "preview", "no_such_id"), "'no_such_id'")


def test_due_lists_what_is_due_by_then_and_nothing_else(content):
    dates = {content_id: answer.review_by for content_id, answer in content.answers.items()}
    days = (max(dates.values()) - date.today()).days + 1
    assert days > 0, "every answer is overdue"

    code, printed = sijbot("content", "due", "--days", days)

    listed = dict(reversed(line.split()[:2]) for line in printed.splitlines())
    assert code == 0
    assert set(content.answers) <= set(listed)
    assert all(listed[content_id] == str(review_by) for content_id, review_by in dates.items())
    assert max(map(date.fromisoformat, listed.values())) <= date.today() + timedelta(days=days)


def case_file(folder, steps: str, name: str = "a case"):
    path = folder / "cases.yml"
    path.write_text(f"test_cases:\n- test_case: {name}\n  region: uk\n  steps:\n{steps}", encoding="utf-8")
    return path


@pytest.mark.slow
def test_converse_tells_a_dialogue_that_goes_as_said_from_one_that_does_not(trained, tmp_path):
    good = case_file(tmp_path, '  - user: where is the SI joint?\n    answer: anatomy\n    outcome: "none"\n', "goes as said").rename(tmp_path / "good.yml")
    bad = case_file(tmp_path, "  - user: where is the SI joint?\n    answer: sleeping\n    contains: Quokkabracket\n", "goes otherwise")

    code, printed = sijbot("converse", good, bad)

    assert code == 1 and "Traceback" not in printed
    assert "✓ goes as said" in printed and "✗ goes otherwise" in printed
    assert "user: where is the SI joint?" in printed
    assert "answer: expected 'sleeping', got 'anatomy'" in printed
    assert "contains: 'Quokkabracket' is missing" in printed
    assert re.search(r"\b1 passed, 1 failed", printed)


@pytest.mark.slow
def test_converse_ends_well_where_every_dialogue_goes_as_said(trained, tmp_path):
    code, printed = sijbot("converse", case_file(tmp_path, "  - user: I've lost control of my bladder\n    first_message_contains: '999'\n"))

    assert code == 0, printed
    assert "1 passed, 0 failed" in printed


@pytest.mark.slow
def test_converse_refuses_a_faulty_file_with_one_message(trained, tmp_path):
    path = case_file(tmp_path, "  - user: hello\n")

    check_fault(sijbot("converse", path), path, "a case", "step 1", "assertion")


FAULTY = {
    "an unknown key": ("  - user: hello\n    containz: x\n", "unknown key 'containz'"),
    "no assertion": ("  - user: hello\n", "needs at least one assertion"),
    "nothing done": ("  - contains: x\n", "needs exactly one of"),
    "an unknown fault": ("  - fail: everything\n", "'everything'"),
    "an outbox that does something else": ("  - outbox: lost\n", "'lost'"),
    "settings that no case may change": ("  - user: hello\n    contains: x\n  settings: {port: 80}\n", "hand_off_webhook"),
    "a wait in words": ("  - wait: a while\n", "'a while'"),
    "an assertion of no turn": ("  - wait: 2d\n    contains: x\n", "'contains'"),
    "no steps": ("", "needs 'test_case' and 'steps'"),
    "a step that is a text": ("  - hello\n", "step 1"),
}  # fmt: skip


@pytest.mark.parametrize("steps, named", FAULTY.values(), ids=FAULTY.keys())
def test_a_faulty_case_is_refused_with_file_case_and_reason(tmp_path, steps, named):
    from sijbot.adapters.dialogue import DialogueError, read_cases

    path = case_file(tmp_path, steps)

    with pytest.raises(DialogueError) as fault:
        read_cases(path)
    assert str(fault.value).startswith(f"{path}: a case")
    assert named in str(fault.value)
