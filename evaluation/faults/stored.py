"""Reads what a database holds of conversations, by the names of its tables and columns alone: nothing of the product's code is used. Pure."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Iterator, Mapping, Optional, Sequence

from evaluation.faults.record import Effects, Stored

Row = Mapping[str, Any]
Rows = Mapping[str, Sequence[Row]]  # by table

OWNER_COLUMNS = ("conversation_id", "sender_id")
EVENT_TABLES = {"conversation_event": "number", "events": "id"}  # of ours, whose column says the place in its conversation; of Rasa's own store, which counts those of all conversations
ADDED = "harness"  # what the ids of rows begin with that the harness has written, and no message
# What says that something was done, and what of it: ids and times are others every time.
EFFECTS: Mapping[str, tuple[str, ...]] = {
    "hand_off": ("reply_id", "level", "flags"),
    "diary_entry": ("pain", "worse", "source"),
    "exercise_set": ("place", "round", "exercise", "count"),
    "coach_session": ("version", "is_over"),
    "safety_log": ("outcome", "level", "findings"),
    "understanding": ("outcome", "about"),
    "outbox": ("kind", "sink", "target"),
}


def stored(rows: Rows) -> Stored:
    """Return what the rows of one conversation say."""
    table = next((name for name in EVENT_TABLES if name in rows), None)
    place = EVENT_TABLES.get(table)
    events = sorted(rows.get(table, ()), key=lambda row: row[place])
    return Stored(
        inbox=[(row["message_id"], bool(parsed(row["replies"]))) for row in rows["inbox"]] if "inbox" in rows else None,
        user_texts=[event.get("text") or "" for event in map(_event, events) if event.get("event") == "user"],
        numbers=[row[place] for row in events] if place == "number" else None,
        effects=effects(rows),
        text=json.dumps(rows, default=str, ensure_ascii=False),
        shown_states=frozenset(row["state"] for row in rows.get("hand_off", ())),
        outbox=frozenset(str(row["id"]) for row in rows.get("outbox", ())),
    )


def effects(rows: Rows) -> Effects:
    """Return how often each thing was done."""
    return Counter(
        (table, tuple(_plain(row[column]) for column in columns if column in row)) for table, columns in EFFECTS.items() for row in rows.get(table, ()) if not str(row.get("id")).startswith(ADDED)
    )


def parsed(value: Any) -> Any:
    """Return a value that one database gives as JSON text, and another one as it is."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _plain(value: Any) -> Any:
    found = parsed(value)
    return json.dumps(found, sort_keys=True) if isinstance(found, (list, dict)) else bool(found) if isinstance(found, bool) else found


def _event(row: Row) -> Mapping[str, Any]:
    """Return Rasa's event in a row, whatever its column is called."""
    return next((found for found in map(parsed, row.values()) if isinstance(found, dict) and "event" in found), {})


def owner_of(row: Row) -> Optional[str]:
    """Return the conversation that a row belongs to, or None."""
    return next((str(row[column]) for column in OWNER_COLUMNS if column in row), None)


def by_owner(rows: Rows) -> Iterator[tuple[str, Rows]]:
    """Yield (conversation, its rows), with every table that has an owner, be it empty."""
    owners = {owner_of(row) for of_table in rows.values() for row in of_table}
    for owner in sorted(filter(None, owners)):
        yield owner, {table: [row for row in of_table if owner_of(row) == owner] for table, of_table in rows.items()}
