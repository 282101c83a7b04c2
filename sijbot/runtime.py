"""What one process shares: settings, content, the screen and the database. Built on first use, never at import."""

from __future__ import annotations

import gc
import logging
from dataclasses import dataclass, field
from threading import Thread
from typing import Mapping, Optional, Sequence

from sijbot import metrics
from sijbot.content import Content, ContentStore
from sijbot.coaching.reading import Answer, AnswerReader
from sijbot.content.model import Cue
from sijbot.facts import DetailFinder, SituationFinder, Situations, of_age
from sijbot.language.sign_reader import shared_sign_reader
from sijbot.records import schema
from sijbot.regions import CountryFinder
from sijbot.settings import Settings, from_environment
from sijbot.triage.assess import Screen
from sijbot.triage.match import PatternError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parts:
    """What is built from one state of the content."""

    content: Content
    screen: Screen
    situations: SituationFinder
    conditions: SituationFinder
    details: DetailFinder
    answers: AnswerReader
    countries: CountryFinder

    @classmethod
    def of(cls, content: Content) -> "Parts":
        """Return the parts, which takes seconds. Raises: sijbot.triage.match.PatternError."""
        conditions = {name: Cue("", condition.words) for name, condition in {**content.programme.situations_asked, **content.programme.conditions}.items() if condition.words}
        return cls(
            content, load_screen(content), SituationFinder(content.situations), SituationFinder(conditions), DetailFinder(content.details, content.programme.numbers.weeks_of_pregnancy), AnswerReader(content),
            CountryFinder(content.regions),
        )  # fmt: skip


@dataclass
class Runtime:
    """The parts that depend on content are rebuilt beside the turns when the content changes; until they are ready, and where a change is faulty, the last good ones serve."""

    settings: Settings
    store: ContentStore
    engine: object  # sqlalchemy.engine.Engine
    _parts: Parts = field(init=False)
    _looking: Optional[Thread] = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._use(self.store.current())

    @property
    def content(self) -> Content:
        return self._current_parts().content

    @property
    def screen(self) -> Screen:
        """The danger screen for the content."""
        return self._current_parts().screen

    def situations(self, text: str) -> Situations:
        """Return the situations that a message names."""
        return self._current_parts().situations(text)

    def details(self, text: str, before: Mapping[str, str], is_pregnant: bool) -> dict[str, str]:
        """Return what somebody told of their pain, after this message."""
        return self._current_parts().details(text, before, is_pregnant)

    def holding(self, text: str) -> tuple[str, ...]:
        """Return the situations and conditions of the coach's programme that an answer to its questions names, by their words or by an age."""
        parts = self._current_parts()
        found, numbers = parts.conditions(text), parts.content.programme.numbers
        return tuple(sorted({*found.named, *of_age(text, numbers.child_under, numbers.old_from)} - set(found.denied)))

    def answer(self, text: str, named: Sequence[str] = (), intent: Optional[str] = None) -> Answer:
        """Return a message as the coach reads it. named: what it says holds, intent: what it was understood to be."""
        return self._current_parts().answers(text, named, intent)

    def country(self, text: str) -> Optional[str]:
        """Return the region code of the country that somebody says to be in, or None."""
        return self._current_parts().countries(text)

    def _current_parts(self) -> Parts:
        if self.store.is_due() and not (self._looking and self._looking.is_alive()):
            self._looking = Thread(target=self._look, name="content", daemon=True)
            self._looking.start()
        return self._parts

    def _look(self) -> None:
        """Take content that has changed into use, or say in the log why not: nobody's turn may wait for it, or fail by it."""
        if not self.store.is_stale():
            return
        content = self.store.reload()
        if self.store.fault:
            logger.error("the changed content is not used: %s", self.store.fault)
            return
        try:
            self._use(content)
        except PatternError as error:
            logger.error("the changed content is not used: %s", error)

    def _use(self, content: Content) -> None:
        """Raises: sijbot.triage.match.PatternError, and then the parts stay as they are."""
        self._parts = Parts.of(content)
        metrics.content_in_use(content.version)


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


def build(settings: Settings, needs_database: bool = True) -> Runtime:
    """Return a runtime with content loaded and, unless it is not needed yet, the database at the newest schema.

    Raises: sijbot.content.ContentError, sijbot.triage.match.PatternError, sijbot.records.schema.OtherSchema, sqlalchemy errors.
    """
    runtime = Runtime(settings, ContentStore(settings.content), schema.make_engine(settings.records_url))
    if needs_database:
        schema.prepare(runtime.engine, settings.migrates)
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
