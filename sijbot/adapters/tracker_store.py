"""Rasa's SQL tracker store on our own database, without its two ways of failing badly, and with a turn that costs the same however long the conversation is."""

from __future__ import annotations

import contextlib
import itertools
import json
from typing import Any, Dict, Generator, Iterator, List, Optional, Text

import sqlalchemy as sa
import sqlalchemy.orm
from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import SQLTrackerStore, TrackerStore
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import AllSlotsReset, BotUttered, Restarted, SessionStarted, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker

LATEST_EVENTS = 24  # of a session are read, what we said left aside: some three turns; the policies look back at three actions
_STORED = "events_stored"  # attribute of a tracker: how many of its events stand in the database


class ConversationStore(SQLTrackerStore):
    """Keeps Rasa's schema; takes our engine, and raises on a fault instead of ending the process.

    A tracker holds the latest turns of the session and the slots as they are; every event stays in the database.
    """

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

    async def retrieve(self, sender_id: Text) -> Optional[DialogueStateTracker]:
        """Return the latest turns of the session with the slots as they are, or None for an unknown conversation."""
        with self.session_scope() as session:
            events = self._latest(session, sender_id)
        if not events:
            return None
        tracker = DialogueStateTracker.from_dict(sender_id, events, self.domain.slots)
        setattr(tracker, _STORED, len(tracker.events))
        return tracker

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Store the events that are not stored yet."""
        await super().save(tracker)
        setattr(tracker, _STORED, len(tracker.events))

    def _additional_events(self, session: sa.orm.Session, tracker: DialogueStateTracker) -> Iterator:
        return itertools.islice(tracker.events, getattr(tracker, _STORED, 0), None)

    def _latest(self, session: sa.orm.Session, sender_id: Text) -> List[Dict]:
        event = self.SQLEvent
        own = session.query(event.id, event.data).filter(event.sender_id == sender_id, event.type_name != BotUttered.type_name)  # no policy or action reads what we said
        begin = session.query(sa.func.max(event.id)).filter(event.sender_id == sender_id, event.type_name == SessionStarted.type_name).scalar() or 0
        newest = own.filter(event.id >= begin).order_by(event.id.desc()).limit(LATEST_EVENTS).all()[::-1]
        if len(newest) < LATEST_EVENTS:
            return [json.loads(data) for _, data in newest]
        events = [(number, json.loads(data)) for number, data in newest]
        first = next((place for place, (_, data) in enumerate(events) if data.get("name") == ACTION_LISTEN_NAME), 0)  # a tracker begins by listening
        return self._slots_before(session, sender_id, begin, events[first][0]) + [data for _, data in events[first:]]

    def _slots_before(self, session: sa.orm.Session, sender_id: Text, begin: int, end: int) -> List[Dict]:
        """Return the latest event of each slot before the event `end`, as long as it holds."""
        event = self.SQLEvent
        emptied = session.query(sa.func.max(event.id)).filter(
            event.sender_id == sender_id, event.type_name.in_((AllSlotsReset.type_name, Restarted.type_name)), event.id < end,
        ).scalar()  # fmt: skip
        latest = session.query(sa.func.max(event.id)).filter(
            event.sender_id == sender_id, event.type_name == SlotSet.type_name, event.id > max(begin, emptied or 0), event.id < end,
        ).group_by(event.action_name)  # fmt: skip
        numbers = [number for (number,) in latest]  # Rasa stores the name of a slot as it does that of an action
        return [json.loads(data) for (data,) in session.query(event.data).filter(event.id.in_(numbers)).order_by(event.id)]
