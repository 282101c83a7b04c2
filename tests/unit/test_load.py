"""From the folder of content to `Content`: every fault in one error, and reading again when a file changes."""

import re
import shutil
from pathlib import Path

import pytest

from sijbot.content import ContentError, ContentStore, load
from sijbot.settings import ROOT

ANSWERS = "content/answers"


def copied(parent: Path) -> Path:
    """Return a copy of the content with one flag alone, so that it loads fast."""
    root = parent / "content"
    shutil.copytree(ROOT / "content", root)
    for path in (root / "red_flags").glob("[a-z]*.yml"):
        if not path.name.startswith("ces_saddle_numbness"):
            path.unlink()
    for folder in ("_facts", "_combinations"):  # they name the other flags
        shutil.rmtree(root / "red_flags" / folder)
    programme = root / "programme.yml"
    programme.write_text(re.sub(r"raises: \[.*\]", "raises: [ces_saddle_numbness]", programme.read_text(encoding="utf-8")), encoding="utf-8")
    return root


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def short_of(words: int) -> str:
    return "short: " + " ".join(["word"] * words) + "\nmore: |"


def replace_short(path: Path, words: int) -> None:
    before, _, rest = path.read_text(encoding="utf-8").partition("short: |")
    path.write_text(before + short_of(words) + rest.partition("more: |")[2], encoding="utf-8")


@pytest.fixture(scope="module")
def faults(tmp_path_factory) -> list[str]:
    """The one error for a folder with many faults, as lines."""
    root = copied(tmp_path_factory.mktemp("faulty"))
    answers, flags = root / "answers", root / "red_flags"
    (answers / "joint/anatomy.yml").write_text("title: [not closed\n")
    (answers / "joint/function.yml").open("a").write("title: Twice\n")
    (answers / "joint/causes.yml").write_bytes(b"title: caf\xe9\n")
    shutil.copy(answers / "joint/stability.yml", answers / "myth/stability.yml")
    shutil.copy(root / "exercises/clam_shell.yml", root / "exercises/walking.yml")
    edit(answers / "daily_life/belts.yml", "sources:\n", "sources:\n  - no_such_source\n")
    (answers / "daily_life/stairs.yml").open("a").write("colour: blue\n")
    edit(answers / "daily_life/sitting.yml", "short: |", "push_back: |")
    edit(answers / "daily_life/standing_up.yml", "title: ", "title: 5 #")
    edit(answers / "daily_life/prevention.yml", "review_by: 2027-05-22", "review_by: in spring")
    edit(answers / "daily_life/long_term.yml", "review_by: 2027-05-22", "review_by: 2026-11-22")
    replace_short(answers / "daily_life/sleeping.yml", 61)
    replace_short(answers / "daily_life/walking.yml", 60)
    edit(answers / "symptom/aggravating.yml", "related:\n", "related:\n  - no_such_id\n")
    edit(answers / "symptom/easing.yml", "related:\n", "related:\n  - easing\n")
    edit(root / "exercises/clam_shell.yml", "phase: stabilise", "phase: party")
    edit(root / "exercises/bird_dog.yml", "when: ", "when: bored #")
    edit(flags / "ces_saddle_numbness.yml", "level: emergency", "level: dire")
    edit(flags / "ces_saddle_numbness.cases.yml", "expect: fire", "expect: perhaps")
    (flags / "no_such_flag.cases.yml").write_text("- text: a\n  expect: none\n")
    edit(root / "wording.yml", "rephrase:", "rephrased:")
    (root / "regions/unknown.yml").unlink()
    with pytest.raises(ContentError) as error:
        load(root)
    return str(error.value).splitlines()


@pytest.mark.parametrize(
    "file_and_field, reason",
    [
        pytest.param(f"{ANSWERS}/joint/anatomy.yml: line", "", id="broken YAML"),
        pytest.param(f"{ANSWERS}/joint/function.yml: line", "'title' stands twice", id="duplicate key"),
        pytest.param(f"{ANSWERS}/joint/causes.yml: file", "UTF-8", id="not UTF-8"),
        pytest.param(f"{ANSWERS}/myth/stability.yml: id", f"{ANSWERS}/joint/stability.yml", id="duplicate id"),
        pytest.param("content/exercises/walking.yml: id", f"{ANSWERS}/daily_life/walking.yml", id="exercise with the id of an answer"),
        pytest.param(f"{ANSWERS}/daily_life/belts.yml: sources", "no_such_source", id="unknown source key"),
        pytest.param(f"{ANSWERS}/daily_life/stairs.yml: colour", "unknown key", id="unknown key"),
        pytest.param(f"{ANSWERS}/daily_life/sitting.yml: short", "missing", id="missing field"),
        pytest.param(f"{ANSWERS}/daily_life/standing_up.yml: title", "must be text", id="number for text"),
        pytest.param(f"{ANSWERS}/daily_life/prevention.yml: review_by", "date", id="text for a date"),
        pytest.param(f"{ANSWERS}/daily_life/long_term.yml: review_by", "later", id="review on the day of the last one"),
        pytest.param(f"{ANSWERS}/daily_life/sleeping.yml: short", "61 words", id="too long short"),
        pytest.param(f"{ANSWERS}/symptom/aggravating.yml: related", "no_such_id", id="unknown related"),
        pytest.param(f"{ANSWERS}/symptom/easing.yml: related", "itself", id="related to itself"),
        pytest.param("content/exercises/clam_shell.yml: phase", "party", id="unknown phase"),
        pytest.param("content/exercises/bird_dog.yml: when", "bored", id="unknown situation"),
        pytest.param("content/red_flags/ces_saddle_numbness.yml: level", "dire", id="unknown level"),
        pytest.param("content/red_flags/ces_saddle_numbness.cases.yml: case", "perhaps", id="unknown expectation"),
        pytest.param("content/red_flags/no_such_flag.cases.yml: id", "no flag", id="cases without flag"),
        pytest.param("content/wording.yml: rephrase:", "missing", id="missing wording"),
        pytest.param("content/wording.yml: rephrased", "unknown key", id="unknown wording"),
        pytest.param("content/regions/unknown.yml: file", "missing", id="no fallback region"),
    ],
)
def test_one_error_names_every_fault_by_file_field_and_reason(faults, file_and_field, reason):
    assert [fault for fault in faults if fault.startswith(file_and_field) and reason in fault]


def test_every_fault_has_file_field_and_reason(faults):
    assert [fault for fault in faults if not all(part.strip() for part in fault.split(": ", 2)) or fault.count(": ") < 2] == []


def test_a_short_text_of_sixty_words_is_no_fault(faults):
    assert [fault for fault in faults if fault.startswith(f"{ANSWERS}/daily_life/walking.yml: short")] == []


def test_a_folder_that_is_not_there_is_one_fault(tmp_path):
    with pytest.raises(ContentError, match="folder: is missing"):
        load(tmp_path / "content")


@pytest.mark.parametrize(
    "name, old, new",
    [
        ("answers/joint/anatomy.yml", "review_by: 2027-05-22", "review_by: 2027-02-30"),
        ("answers/joint/anatomy.yml", "review_by: 2027-05-22", "review_by: 2027-05-22 10:00:00"),
        ("wording.yml", "more_hint: More about this", "more_hint: {{doctor}}"),
        ("hand_off/emergency.yml", "{emergency_line}", "{emergancy_line}"),
        ("red_flags/ces_saddle_numbness.yml", "{numb_more} {private}", "{numb_moer} {private}"),
        ("hand_off/ambulance.yml", "instead_of: [emergency]", "instead_of: [emergancy]"),
        ("hand_off/crisis.yml", 'beside: "{crisis_line}"\n', ""),
        ("exercises/clam_shell.yml", "stop_if:\n", "stop_when:\n"),
        ("exercises/clam_shell.yml", "postures: [side]", "postures: [floating]"),
        ("exercises/clam_shell.yml", "  least: 8", "  least: 80"),
        ("programme.yml", "exercises: [double_knee_hug, childs_pose, ", "exercises: [no_such_exercise, childs_pose, "),
        ("programme.yml", "  - when: osteoporosis", "  - when: weak_bones"),
        ("programme.yml", "    raises: [ces_saddle_numbness]", "    raises: [no_such_flag]"),
        ("programme.yml", "    opens: [pregnant, ", "    opens: [with_child, "),
        ("programme.yml", "    next: return", "    next: mobilise"),
        ("programme.yml", "exercises: [diaphragmatic_breathing, pelvic_tilt_supine, adductor", "exercises: [diaphragmatic_breathing, glute_bridge, adductor"),
        ("programme.yml", "    phases: [stabilise, return]", "    phases: [stabilise, return]\n    exercises: [bird_dog]"),
        ("programme.yml", "  missed_days: 7", "  missed_days: seven"),
    ],
    ids=["a day that is not", "a date with a time", "unquoted double braces", "a misspelt place in a text", "a misspelt group in a pattern", "a text that is not there", "no line of its own",
        "an exercise without a stop rule", "a posture that is none", "an amount that goes down", "a rule about no exercise", "a rule for nobody", "a question about no flag", "a question about nothing that may hold", "a phase that nothing leads to",
        "an exercise before its phase", "a rule about two things", "a number in words"],
)
def test_a_slip_of_the_pen_is_a_fault_of_its_file(tmp_path, name, old, new):
    root = copied(tmp_path)
    edit(root / name, old, new)

    with pytest.raises(ContentError, match=f"content/{name}: "):
        load(root)


def store_that_always_looks(root: Path) -> ContentStore:
    store = ContentStore(root)
    store.CHECK_EVERY_S = -1.0
    return store


def test_a_changed_wording_is_picked_up_and_a_fault_keeps_the_last_good_one(tmp_path):
    root = copied(tmp_path)
    store = store_that_always_looks(root)
    first = store.current()

    edit(root / "wording.yml", first.wording["more_hint"], "Tell me all")
    changed = store.current()
    edit(root / "wording.yml", "more_hint: Tell me all", "more_hint: 5")
    kept = store.current()

    assert changed.wording["more_hint"] == "Tell me all"
    assert changed.version != first.version
    assert kept is changed
    assert [fault.partition(": must")[0] for fault in store.fault.faults] == ["content/wording.yml: more_hint"]


def test_a_mended_fault_is_forgotten_and_an_unchanged_folder_is_not_read_again(tmp_path):
    root = copied(tmp_path)
    store = store_that_always_looks(root)
    (root / "answers/joint/new.yml").write_text("title: [")
    store.current()

    (root / "answers/joint/new.yml").unlink()
    mended = store.current()

    assert store.fault is None
    assert store.current() is mended


def test_a_folder_that_is_faulty_at_the_start_is_refused(tmp_path):
    root = copied(tmp_path)
    (root / "subjects.yml").unlink()

    with pytest.raises(ContentError, match="content/subjects.yml: file: is missing"):
        ContentStore(root)
