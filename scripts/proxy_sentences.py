"""Writes what the proxy says where no replica can: the sentences of the content, as the channel would send them.

python -m scripts.proxy_sentences
"""

from __future__ import annotations

import json
from pathlib import Path

from sijbot.content import Content, load
from sijbot.regions import worded
from sijbot.replies import FAULT, Reply
from sijbot.settings import ROOT

FOLDER = ROOT / "deploy" / "sentences"
SAID = ("fault", "too_many", "too_long")  # keys of content/wording.yml


def written(content: Content) -> dict[Path, str]:
    """Return the text of each file by its path."""
    return {FOLDER / key: json.dumps({"replies": [Reply(worded(content, key, "unknown"), kind=FAULT).to_dict()]}, ensure_ascii=False) + "\n" for key in SAID}


if __name__ == "__main__":
    for path, text in written(load(ROOT / "content")).items():
        path.write_text(text, encoding="utf-8")
