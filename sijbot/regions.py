"""Telephone numbers and local words for the country of a conversation."""

from __future__ import annotations

import re
from typing import Mapping, Optional

from sijbot.content.model import Content, Region
from sijbot.language.normalise import fold

UNKNOWN = "unknown"  # that of somebody who did not say where they are

# "I'm in Spain on holiday", "currently staying in Lagos"; not "I'm from India", not "my sister in Canada".
_HERE = r"\b(?:(?:im|i am|were|we are|ive been|i live|we live|currently|now|stuck|living|staying|travelling|traveling|based|holiday|vacation|here)(?: (?:all|both|just|still|here|currently|now|living|staying|based|on holiday|on vacation|away|over|out))*) in (?:the )?"


def region_of(content: Content, code: Optional[str]) -> Region:
    """Return the region of a country code, or the fallback where it is not known."""
    return content.regions.get((code or "").lower(), content.regions[UNKNOWN])


class CountryFinder:
    """Finds the country that somebody says to be in. Built once from the names in `regions/`."""

    def __init__(self, regions: Mapping[str, Region]) -> None:
        self._codes = {fold(name).text: code for code, region in regions.items() if region.names for name in (*region.names, region.title)}
        names = "|".join(re.escape(name) for name in sorted(self._codes, key=len, reverse=True))
        self._here = re.compile(f"{_HERE}({names})\\b")

    def __call__(self, text: str) -> Optional[str]:
        """Return the region code of the place named last, or None where nobody says where they are."""
        found = self._here.findall(fold(text).text)
        return self._codes[found[-1]] if found else None


def words_of(content: Content, code: Optional[str]) -> dict[str, str]:
    """Return the region's texts by the names under which they stand in braces in other texts."""
    return {key: value for key, value in vars(region_of(content, code)).items() if isinstance(value, str)}


def worded(content: Content, key: str, code: Optional[str], **places: str) -> str:
    """Return a text of `wording.yml` with the region's words, and `places`, filled in."""
    return content.wording[key].format(**{**words_of(content, code), **places})
