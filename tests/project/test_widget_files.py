"""What the files of the widget, and of the page around it, may weigh and may not do."""

from __future__ import annotations

import gzip
import re

import pytest

from sijbot.settings import ROOT

SCRIPTS = sorted((ROOT / "widget").iterdir())
FILES = [*SCRIPTS, *sorted((ROOT / "page").iterdir())]
MOST_BYTES = 15 * 1024
FORBIDDEN = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|DOMParser|createContextualFragment|setHTML|srcdoc|\.style\b|setAttribute\(\"(?:on|style)")
OWN_WORDS = re.compile(r"\bwords\.(\w+)")


def test_the_widget_is_small():
    sizes = {path.name: len(gzip.compress(path.read_bytes(), 9, mtime=0)) for path in SCRIPTS}

    assert {path.suffix for path in SCRIPTS} == {".js"}
    assert sum(sizes.values()) <= MOST_BYTES, sizes


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_makes_elements_of_no_text(path):
    assert FORBIDDEN.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_names_no_other_place(path):
    assert re.findall(r"(?<![\w\\])//(?!www\.w3\.org/)[\w-]+\.[\w.]+|https?://(?!www\.w3\.org/)[\w-]", path.read_text(encoding="utf-8")) == []


def test_every_word_that_is_shown_is_in_the_strings_and_every_string_is_shown():
    source = "\n".join(path.read_text(encoding="utf-8") for path in SCRIPTS if not path.name.startswith("strings."))
    strings = set(re.findall(r"^  (\w+):", (ROOT / "widget" / "strings.en.js").read_text(encoding="utf-8"), re.MULTILINE))

    assert set(OWN_WORDS.findall(source)) == strings


def test_the_static_emergency_line_is_the_same_in_page_and_script_and_names_numbers_of_the_regions(content):
    strings = (ROOT / "widget" / "strings.en.js").read_text(encoding="utf-8")
    signs, line = (re.search(rf'^  {key}: "(.+)",$', strings, re.MULTILINE).group(1) for key in ("signs", "line"))
    page = " ".join(re.sub(r"<[^>]+>", "", (ROOT / "page" / "index.html").read_text(encoding="utf-8")).split())

    assert f"{signs} {line}" in page
    for country, code in (("UK", "uk"), ("Australia", "au")):
        assert f"{country} {content.regions[code].emergency_number}" in line
    assert set(re.findall(r"\d+", line)) == {content.regions[code].emergency_number for code in ("uk", "au", "us", "eu")}


def test_each_module_is_fetched_beside_the_others(tmp_path):
    page = (ROOT / "page" / "index.html").read_text(encoding="utf-8")

    assert set(re.findall(r'rel="modulepreload" href="/([\w.-]+)"', page)) | {"si-joint-chat.js"} == {path.name for path in SCRIPTS}
