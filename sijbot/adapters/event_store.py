"""Rasa's tracker store: a turn is written whole or not at all, never twice, and costs the same however long the conversation is."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Text

from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, AllSlotsReset, Restarted, SessionStarted, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker

from sijbot import metrics
from sijbot import runtime as process_runtime
from sijbot.adapters.database import Database
from sijbot.records import turns
from sijbot.records.turn_statements import BOT_EVENT
from sijbot.records.turns import Head

LATEST_EVENTS = 24  # that a turn reads, what we said left aside: some three turns; the policies look back at three actions
CONVERSATION_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_READ = "read_from_store"  # attribute of a tracker


class UnusableId(Exception):
    """What somebody calls a conversation is no id of ours."""


@dataclass(frozen=True)
class _Read:
    """Where a tracker's conversation stood when it was read, its events (number, data) from there, and how many events the tracker had then."""

    head: Head
    events: Sequence[tuple[int, Mapping[str, Any]]] = ()
    count: int = 0


class EventStore(TrackerStore):
    """Raises on a fault: Rasa's own stores answer with an empty history, or end the process.

    A tracker holds the latest turns of the session and the slots as they are; every event stays in the database.
    """

    def __init__(self, domain: Optional[Domain] = None, event_broker: Optional[EventBroker] = None, database: Optional[Database] = None, **kwargs: Any) -> None:
        self._database = database or Database(lambda: process_runtime.current().engine)
        kwargs.pop("host", None)  # of endpoints.yml; where the database is, the settings say
        super().__init__(domain, event_broker, **kwargs)

    async def retrieve(self, sender_id: Text) -> Optional[DialogueStateTracker]:
        """Return the latest turns of the session with the slots as they are, or None for an unknown conversation.

        Raises: UnusableId, sijbot.records.turns.Gone, database errors.
        """
        if not CONVERSATION_ID.fullmatch(sender_id):
            raise UnusableId(f"a conversation id of {len(sender_id)} characters")
        with metrics.stage(metrics.LOAD):
            stored = await self._database.run(turns.load, sender_id)
        if not stored.head.number:
            return None
        slots = [{"event": SlotSet.type_name, "name": name, "value": value, "timestamp": 0} for name, value in stored.head.slots.items()]
        tracker = DialogueStateTracker.from_dict(sender_id, slots + [data for _, data in stored.events], self.domain.slots)
        setattr(tracker, _READ, _Read(stored.head, stored.events, len(tracker.events)))
        return tracker

    async def create_tracker(self, sender_id: Text, append_action_listen: bool = True) -> DialogueStateTracker:
        """Return a new tracker. Nothing is written before its first turn is."""
        tracker = self.init_tracker(sender_id)
        if append_action_listen:
            tracker.update(ActionExecuted(ACTION_LISTEN_NAME))
        return tracker

    async def retrieve_full_tracker(self, conversation_id: Text) -> Optional[DialogueStateTracker]:
        """Return the whole conversation, or None for an unknown one."""
        events = await self._database.run(turns.all_events, conversation_id)
        return DialogueStateTracker.from_dict(conversation_id, events, self.domain.slots) if events else None

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Write down what is new, and with it everything that the open turn has to write.

        Raises: what sijbot.records.turns.commit raises, database errors.
        """
        read = getattr(tracker, _READ, _Read(Head()))
        new = [event.as_dict() for event in list(tracker.events)[read.count :]]
        numbered = list(enumerate(new, read.head.number + 1))
        kept = [*read.events, *((number, event) for number, event in numbered if event["event"] != BOT_EVENT)]
        ended, latest = _shortened(Head(read.head.number + len(new), read.head.since, read.head.slots), kept)
        await self._committed(tracker.sender_id, read.head, ended, new)
        setattr(tracker, _READ, _Read(ended, latest, len(tracker.events)))

    async def _committed(self, sender_id: Text, begun: Head, ended: Head, new: List[Dict[Text, Any]]) -> None:
        """Commit, and do not leave before it is certain whether that was done."""
        with metrics.stage(metrics.COMMIT):
            await asyncio.shield(self._database.run(turns.commit, sender_id, begun, ended, new, turns.current()))

    async def keys(self) -> Iterable[Text]:
        """Return nothing: nobody may list conversations."""
        return ()


def _shortened(head: Head, events: Sequence[tuple[int, Mapping[str, Any]]]) -> tuple[Head, Sequence[tuple[int, Mapping[str, Any]]]]:
    """Return where the next turn begins to read, and what it will read: the latest turns of the latest session."""
    began = max((place for place, (_, event) in enumerate(events) if event["event"] == SessionStarted.type_name), default=None)
    if began:
        return _shortened(Head(head.number, events[began][0], {}), events[began:])
    if len(events) <= LATEST_EVENTS:
        return head, events
    first = next((place for place in range(len(events) - LATEST_EVENTS, len(events)) if events[place][1].get("name") == ACTION_LISTEN_NAME), 0)  # a tracker begins by listening
    slots = dict(head.slots)
    for _, event in events[:first]:
        if event["event"] in (AllSlotsReset.type_name, Restarted.type_name):
            slots = {}
        elif event["event"] == SlotSet.type_name:
            slots[event["name"]] = event["value"]
    return Head(head.number, events[first][0], slots), events[first:]
