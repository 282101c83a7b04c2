"""Write data/responses/titles.yml: one title per content id, from content/. Usage: python -m scripts.titles"""

from __future__ import annotations

from pathlib import Path

import yaml

from sijbot.content import Content, load

ROOT = Path(__file__).resolve().parent.parent
TITLES = ROOT / "data" / "responses" / "titles.yml"
HEADER = "# Made by `make titles` from content/: Rasa wants one response per retrieval intent. Never shown.\n"


def titles(content: Content) -> str:
    """Return the file's text."""
    responses = {f"utter_{content.subject_of[key]}/{key}": [{"text": content.title_of(key)}] for key in sorted(content.subject_of)}
    return HEADER + yaml.safe_dump({"version": "3.1", "responses": responses}, allow_unicode=True, width=1000)


if __name__ == "__main__":
    TITLES.write_text(titles(load(ROOT / "content")), encoding="utf-8")
