"""What one process shares: settings, content, the screen and the database. Built on first use, never at import."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from typing import Optional

from sijbot.content import Content, ContentStore
from sijbot.facts import SituationFinder
from sijbot.language.sign_reader import shared_sign_reader
from sijbot.records import schema
from sijbot.regions import CountryFinder
from sijbot.settings import Settings, from_environment
from sijbot.triage.assess import Screen


@dataclass
class Runtime:
    """The parts that depend on content are rebuilt when the content changes."""

    settings: Settings
    store: ContentStore
    engine: object  # sqlalchemy.engine.Engine
    _screen: Optional[Screen] = field(default=None, init=False)
    _situations: Optional[SituationFinder] = field(default=None, init=False)
    _countries: Optional[CountryFinder] = field(default=None, init=False)

    @property
    def content(self) -> Content:
        return self.store.current()

    @property
    def screen(self) -> Screen:
        """The danger screen for the current content; the last good one where a change cannot be compiled."""
        content = self.content
        if self._screen is None or self._screen.content.version != content.version:
            self._screen = load_screen(content)
            self._situations = SituationFinder(content.situations)
            self._countries = CountryFinder(content.regions)
        return self._screen

    def situations(self, text: str) -> tuple[str, ...]:
        """Return the situations that a message names."""
        self.screen
        return self._situations(text)

    def country(self, text: str) -> Optional[str]:
        """Return the region code of the country that somebody says to be in, or None."""
        self.screen
        return self._countries(text)


def load_screen(content: Content) -> Screen:
    """Return the screen with all three layers."""
    screen = Screen(content, shared_sign_reader().read)
    settle_memory()
    return screen


def settle_memory() -> None:
    """Keep what is loaded out of later garbage collections: going through all of it takes 150 ms, and would do so in the middle of somebody's turn."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def build(settings: Settings) -> Runtime:
    """Return a runtime with content loaded and the database at the newest schema.

    Raises: sijbot.content.ContentError, sijbot.triage.match.PatternError, sqlalchemy errors.
    """
    store = ContentStore(settings.content)
    engine = schema.make_engine(settings.records_url)
    schema.migrate(engine)
    runtime = Runtime(settings, store, engine)
    runtime.screen
    return runtime


_current: Optional[Runtime] = None


def current() -> Runtime:
    """Return the process's runtime, built from the environment where nobody has set one (`rasa train`, `rasa run actions`)."""
    global _current
    if _current is None:
        _current = build(from_environment())
    return _current


def use(runtime: Optional[Runtime]) -> None:
    """Make `runtime` the process's own; None forgets it."""
    global _current
    _current = runtime
