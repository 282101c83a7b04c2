"""Rasa's SQL tracker store on our own database, without its two ways of failing badly, and with a turn that costs the same however long the conversation is."""

from __future__ import annotations

import contextlib
import itertools
import json
from typing import Any, Dict, Generator, List, Optional, Text

import sqlalchemy as sa
import sqlalchemy.orm
from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import SQLTrackerStore, TrackerStore
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import AllSlotsReset, BotUttered, Event, Restarted, SessionStarted, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker

LATEST_EVENTS = 24  # of a session are read, what we said left aside: some three turns; the policies look back at three actions
_EVENTS = SQLTrackerStore.SQLEvent.__table__
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
        with self.engine.connect() as connection:
            events = self._latest(connection, sender_id)
        if not events:
            return None
        tracker = DialogueStateTracker.from_dict(sender_id, events, self.domain.slots)
        setattr(tracker, _STORED, len(tracker.events))
        return tracker

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Store the events that are not stored yet, all or none."""
        await self.stream_events(tracker)
        rows = [_row(tracker.sender_id, event) for event in itertools.islice(tracker.events, getattr(tracker, _STORED, 0), None)]
        if rows:
            with self.engine.begin() as connection:
                connection.execute(_EVENTS.insert(), rows)
        setattr(tracker, _STORED, len(tracker.events))

    def _latest(self, connection: sa.engine.Connection, sender_id: Text) -> List[Dict]:
        event = _EVENTS.c
        begin = sa.select(sa.func.coalesce(sa.func.max(event.id), 0)).where(event.sender_id == sender_id, event.type_name == SessionStarted.type_name).scalar_subquery()
        newest = sa.select(event.id, event.data, begin).where(
            event.sender_id == sender_id, event.id >= begin, event.type_name != BotUttered.type_name,  # no policy or action reads what we said
        ).order_by(event.id.desc()).limit(LATEST_EVENTS)  # fmt: skip
        events = [(number, json.loads(data), began) for number, data, began in connection.execute(newest).all()[::-1]]
        if len(events) < LATEST_EVENTS:
            return [data for _, data, _ in events]
        first = next((place for place, (_, data, _) in enumerate(events) if data.get("name") == ACTION_LISTEN_NAME), 0)  # a tracker begins by listening
        number, _, began = events[first]
        return self._slots_before(connection, sender_id, began, number) + [data for _, data, _ in events[first:]]

    def _slots_before(self, connection: sa.engine.Connection, sender_id: Text, begin: int, end: int) -> List[Dict]:
        """Return the latest event of each slot before the event `end`, as long as it holds."""
        event = _EVENTS.c
        emptied = sa.select(sa.func.coalesce(sa.func.max(event.id), 0)).where(
            event.sender_id == sender_id, event.type_name.in_((AllSlotsReset.type_name, Restarted.type_name)), event.id < end,
        ).scalar_subquery()  # fmt: skip
        latest = sa.select(sa.func.max(event.id)).where(
            event.sender_id == sender_id, event.type_name == SlotSet.type_name, event.id > begin, event.id > emptied, event.id < end,
        ).group_by(event.action_name)  # fmt: skip
        slots = sa.select(event.data).where(event.id.in_(latest)).order_by(event.id)  # Rasa stores the name of a slot as it does that of an action
        return [json.loads(data) for (data,) in connection.execute(slots)]


def _row(sender_id: Text, event: Event) -> Dict[Text, Any]:
    """Return an event as Rasa stores it."""
    data = event.as_dict()
    return {
        "sender_id": sender_id, "type_name": event.type_name, "timestamp": data.get("timestamp"), "action_name": data.get("name"),
        "intent_name": data.get("parse_data", {}).get("intent", {}).get("name"), "data": json.dumps(data),
    }  # fmt: skip
