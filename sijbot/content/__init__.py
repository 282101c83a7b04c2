"""Reads `content/`, which clinicians own."""

from sijbot.content.load import ContentError, ContentStore, load
from sijbot.content.model import Content

__all__ = ["Content", "ContentError", "ContentStore", "load"]
