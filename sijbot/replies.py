"""The one reply model that every channel renders."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Optional

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
class Timer:
    """What a page needs to count an exercise: so many of a unit in a round; hold and rest of each in seconds."""

    count: int
    unit: str
    round: int
    rounds: int
    hold_s: Optional[int] = None
    rest_s: Optional[int] = None
    each_side: bool = False


@dataclass(frozen=True)
class Document:
    """A file that the channel offers: `name` says which, `shows` what a picture of it shows."""

    name: str
    title: str
    shows: Optional[str] = None
    url: Optional[str] = None  # set by the channel


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
    timer: Optional[Timer] = None
    documents: tuple[Document, ...] = ()
    menu: Optional[str] = None  # the buttons in one line of words, for a channel that has none
    keeps: bool = False  # the person agreed to keeping: the channel lets the conversation last longer
    erases: bool = False  # the channel erases the conversation behind this reply, and begins a new one

    @property
    def plain(self) -> str:
        """The text as a channel without buttons shows it."""
        return "\n\n".join(filter(None, (self.text, self.menu)))

    def to_dict(self) -> dict:
        """Return JSON-ready data; `from_dict` reads it."""
        return _plain(self)

    @classmethod
    def from_dict(cls, data: Mapping) -> "Reply":
        buttons = tuple(Button(**button) for button in data["buttons"])
        sources = tuple(Citation(**source) for source in data["sources"])
        picture = Picture(**data["picture"]) if data.get("picture") else None
        timer = Timer(**data["timer"]) if data.get("timer") else None
        documents = tuple(Document(**document) for document in data.get("documents", ()))
        return cls(**{**data, "buttons": buttons, "sources": sources, "picture": picture, "timer": timer, "documents": documents})


def _plain(value: Any) -> Any:
    """Return a reply, or what it holds, as JSON-ready data: `dataclasses.asdict` copies each text and number too, which takes ten times as long."""
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    return {name: _plain(part) for name, part in vars(value).items()} if hasattr(value, "__dict__") else value
