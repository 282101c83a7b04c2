"""Rasa's SQL tracker store on our own database, without its two ways of failing badly."""

from __future__ import annotations

import contextlib
from typing import Any, Generator, Optional

import sqlalchemy as sa
import sqlalchemy.orm
from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import SQLTrackerStore, TrackerStore
from rasa.shared.core.domain import Domain


class ConversationStore(SQLTrackerStore):
    """Keeps Rasa's schema and queries; takes our engine, and raises on a fault instead of ending the process."""

    def __init__(self, engine: sa.engine.Engine, domain: Optional[Domain] = None, event_broker: Optional[EventBroker] = None, **kwargs: Any) -> None:
        self.Base.metadata.create_all(engine)
        self.use(engine)
        TrackerStore.__init__(self, domain, event_broker, **kwargs)

    def use(self, engine: sa.engine.Engine) -> None:
        """Read and write by this engine from now on."""
        self.engine = engine
        self.sessionmaker = sqlalchemy.orm.sessionmaker(bind=engine)

    @contextlib.contextmanager
    def session_scope(self) -> Generator[sa.orm.Session, None, None]:
        """Give a session. Rasa's own turns every ValueError into the end of the process."""
        session = self.sessionmaker()
        try:
            yield session
        finally:
            session.close()
