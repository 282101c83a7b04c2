"""Telephone numbers and local words for the country of a conversation."""

from __future__ import annotations

from dataclasses import asdict
from typing import Optional

from sijbot.content.model import Content, Region


def region_of(content: Content, code: Optional[str]) -> Region:
    """Return the region of a country code, or the fallback where it is not known."""
    return content.regions.get((code or "").lower(), content.regions["unknown"])


def words_of(content: Content, code: Optional[str]) -> dict[str, str]:
    """Return the region's texts by the names under which they stand in braces in other texts."""
    return {key: value for key, value in asdict(region_of(content, code)).items() if isinstance(value, str)}


def worded(content: Content, key: str, code: Optional[str], **places: str) -> str:
    """Return a text of `wording.yml` with the region's words, and `places`, filled in."""
    return content.wording[key].format(**{**words_of(content, code), **places})
