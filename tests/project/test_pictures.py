"""Every exercise has its drawings, made from the poses and the words as they are."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest
from PIL import Image

from scripts.draw_pictures import PICTURES, SOURCE, check_lengths, drawings, sha256
from sijbot.content import load
from sijbot.settings import ROOT

EXERCISES = load(ROOT / "content").exercises
DRAWINGS = drawings()
MOST_BYTES = 8192
NAMESPACE = {"svg": "http://www.w3.org/2000/svg"}


def test_every_exercise_is_drawn_and_nothing_else():
    assert set(DRAWINGS) == set(EXERCISES)
    assert {path.stem for path in PICTURES.glob("*.svg")} == {path.stem for path in PICTURES.glob("*.png")} == set(EXERCISES)


@pytest.mark.parametrize("exercise_id", sorted(EXERCISES))
def test_drawing_is_that_of_the_poses(exercise_id):
    text = (PICTURES / f"{exercise_id}.svg").read_text(encoding="utf-8")

    assert text == DRAWINGS[exercise_id], "uv run scripts/draw_pictures.py draws it anew"
    assert len(text.encode()) <= MOST_BYTES


@pytest.mark.parametrize("exercise_id", sorted(EXERCISES))
def test_drawing_says_what_it_shows_and_holds_nothing_that_runs_or_loads(exercise_id):
    root = ElementTree.fromstring(DRAWINGS[exercise_id])

    assert root.find("svg:title", NAMESPACE).text == EXERCISES[exercise_id].title
    assert root.find("svg:desc", NAMESPACE).text == EXERCISES[exercise_id].picture
    assert {element.tag.partition("}")[2] for element in root.iter()} <= {"svg", "title", "desc", "rect", "path", "circle", "g"}
    assert not [name for element in root.iter() for name in element.attrib if name.startswith("on") or "href" in name]


@pytest.mark.parametrize("exercise_id", sorted(EXERCISES))
def test_png_is_made_from_the_drawing_as_it_is(exercise_id):
    with Image.open(PICTURES / f"{exercise_id}.png") as image:
        assert image.size == (640, 300)
        assert image.text[SOURCE] == sha256(DRAWINGS[exercise_id])


def test_a_limb_that_is_too_long_is_refused():
    leg, arm = {"hip": [0, 0], "knee": [62, 0], "ankle": [122, 0], "toe": [142, 0]}, {"shoulder": [0, 85], "elbow": [42, 85], "hand": [82, 85]}
    pose = {"head": [0, 112], "neck": [0, 85], "near_leg": leg, "far_leg": leg, "near_arm": arm, "far_arm": arm}
    check_lengths("as it should be", pose)

    with pytest.raises(SystemExit, match="near_leg hip-knee is 80 long"):
        check_lengths("too long", {**pose, "near_leg": {**leg, "knee": [80, 0]}})
