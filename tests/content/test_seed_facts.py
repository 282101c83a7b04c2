"""The article that this project began from says forty things. Each has its place in content/ and is asked for in data/nlu."""

from __future__ import annotations

import dataclasses
from collections import Counter

import pytest
import yaml

from sijbot.content import Content
from sijbot.settings import ROOT

FEWEST_EXAMPLES = 15

# number of the fact, id that tells it, a word of the fact which that text must use
SEED_FACTS = (
    (1, "anatomy", "triangular"), (2, "function", "upper body"), (3, "stability", "strongest ligaments"), (3, "prevalence", "15–30%"),
    (4, "back_in_place", "safest"), (5, "dislocation", "car crash"), (6, "dysfunction", "too much or too little"), (7, "hypermobility", "lax ligaments"),
    (8, "hypomobility", "tight muscles"), (9, "sacroiliitis", "inflamed"), (9, "symptoms", "buttock"), (10, "symptoms", "groin"),
    (11, "si_vs_sciatica", "past the knee"), (12, "aggravating", "stairs"), (13, "back_in_place", "relax"), (14, "stop_rules", "stop that exercise"),
    (15, "self_mobilisation", "low-force"), (16, "adductor_squeeze", "5 seconds"), (17, "band_abduction", "against the band"),
    (18, "torsion_claim", "self-correcting torsion"), (19, "piriformis", "close to the SI joint"), (20, "figure_4", "outer hip"),
    (21, "knee_opposite_shoulder", "opposite shoulder"), (22, "stretch_rules", "20–30 seconds"), (23, "pelvic_tilt_supine", "flatten"),
    (23, "pelvic_tilt_hands_knees", "arch"), (24, "joint_fluid", "low-impact"), (25, "pelvic_tilt_supine", "smoothly"), (26, "long_term", "strengthening"),
    (27, "stability", "absorb shock"), (28, "strengthening", "deep tummy"), (29, "glute_bridge", "buttocks"), (30, "clam_shell", "side of your hip"),
    (31, "bird_dog", "deep tummy"), (32, "strengthening", "belt"), (33, "self_care", "mild"), (34, "when_to_seek_help", "after a week"),
    (35, "when_to_seek_help", "tingling or weak"), (36, "when_to_seek_help", "lost control"), (37, "physiotherapist", "first contact"),
    (38, "physiatrist_ortho", "injection"), (38, "tests", "provocation"), (39, "injections", "steroid"), (40, "chiropractor_osteopath", "low-force"),
)  # fmt: skip
SEED_IDS = sorted({content_id for _, content_id, _ in SEED_FACTS})


@pytest.fixture(scope="module")
def examples() -> dict[str, set[str]]:
    """Every label of data/nlu with its distinct examples."""
    by_label: dict[str, set[str]] = {}
    for path in (ROOT / "data" / "nlu").glob("*.yml"):
        for intent in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            lines = {line.removeprefix("- ").strip() for line in intent["examples"].splitlines() if line.strip()}
            by_label.setdefault(intent["intent"], set()).update(lines)
    return by_label


def told(content: Content, content_id: str) -> str:
    """Return all that an answer or exercise says, in lower case."""
    record = content.answers.get(content_id) or content.exercises[content_id]
    return str(dataclasses.asdict(record)).replace("\\n", " ").casefold()


def test_no_seed_fact_is_left_out():
    numbers = Counter(number for number, _, _ in SEED_FACTS)

    assert sorted(numbers) == list(range(1, 41))


@pytest.mark.parametrize("number, content_id, word", SEED_FACTS, ids=lambda value: str(value))
def test_seed_fact_is_told(content, number, content_id, word):
    assert content_id in content.subject_of

    assert word.casefold() in told(content, content_id)


@pytest.mark.parametrize("content_id", SEED_IDS)
def test_seed_fact_can_be_asked_for(content, examples, content_id):
    label = f"{content.subject_of[content_id]}/{content_id}"

    assert len(examples[label]) >= FEWEST_EXAMPLES


def test_no_label_lacks_content(content, examples):
    labels = {label for label in examples if "/" in label and not label.startswith("out_of_scope/")}

    assert labels - {f"{subject}/{content_id}" for content_id, subject in content.subject_of.items()} == set()


def test_no_content_lacks_examples(content, examples):
    few = {
        content_id: len(examples.get(f"{subject}/{content_id}", ())) for content_id, subject in content.subject_of.items()
        if len(examples.get(f"{subject}/{content_id}", ())) < FEWEST_EXAMPLES
    }  # fmt: skip

    assert few == {}
