"""The one reply model that every channel renders."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Mapping, Optional

TEXT, CARE_CARD, STEPS, CHOICES, FAULT = "text", "care_card", "steps", "choices", "fault"


@dataclass(frozen=True)
class Button:
    """A choice: what it says, and what pressing it asks for (`topic:<id>`, `more:<id>`)."""

    title: str
    payload: str


@dataclass(frozen=True)
class Citation:
    """A source as it is shown."""

    title: str
    url: Optional[str] = None


@dataclass(frozen=True)
class Picture:
    """A drawing of `pictures/`: its name there, and what it shows, for somebody who cannot see it."""

    name: str
    shows: str


@dataclass(frozen=True)
class Reply:
    """One message to the person. `id` is the same for the same hand-off, so that a second copy can be dropped."""

    text: str
    kind: str = TEXT
    title: Optional[str] = None
    level: Optional[str] = None
    buttons: tuple[Button, ...] = ()
    sources: tuple[Citation, ...] = field(default=())
    id: Optional[str] = None
    picture: Optional[Picture] = None

    def to_dict(self) -> dict:
        """Return JSON-ready data; `from_dict` reads it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping) -> "Reply":
        buttons = tuple(Button(**button) for button in data["buttons"])
        sources = tuple(Citation(**source) for source in data["sources"])
        picture = Picture(**data["picture"]) if data.get("picture") else None
        return cls(**{**data, "buttons": buttons, "sources": sources, "picture": picture})
