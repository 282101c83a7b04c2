"""Whether entries may be kept, and the pain of a session as an entry of the diary."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Dict, List, Optional, Text

from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.turn import Turn, say
from sijbot import runtime
from sijbot.coaching.say import CONSENT, FORGET, payload_title
from sijbot.coaching.session import NO, YES, State
from sijbot.records import coach as records
from sijbot.records.schema import AFTER_SESSION, BEFORE_SESSION
from sijbot.records.turns import transaction
from sijbot.replies import CHOICES, Button, Reply
from sijbot.routing import CONSENT as CONSENT_OWNER
from sijbot.routing import Expecting

KEEP, FORGET_ALL = "keep", "forget"  # the questions that may be open


def ask_consent(dispatcher: CollectingDispatcher, turn: Turn) -> List[Dict[Text, Any]]:
    """Ask once in a conversation whether entries may be kept; return the events."""
    if turn.consent_asked or turn.waits_for_safety_answer:
        return []
    with transaction(runtime.current().engine) as connection:
        said = records.keeping(connection, turn.conversation_id)
    if said.is_agreed is not None:
        return []
    say(dispatcher, consent_question())
    return [SlotSet("consent_asked", True), SlotSet("expecting", Expecting(CONSENT_OWNER, KEEP).to_slot())]


def consent_question() -> Reply:
    """Return the question whether entries may be kept."""
    parts = runtime.current()
    return Reply(parts.content.coach["consent_question"].format(days=parts.settings.keep_days), kind=CHOICES, buttons=_two_buttons(CONSENT))


def forget_question() -> Reply:
    """Return the question whether everything is to be deleted."""
    return Reply(runtime.current().content.coach["forget_question"], kind=CHOICES, buttons=_two_buttons(FORGET))


def _two_buttons(owner: Text) -> tuple[Button, ...]:
    content = runtime.current().content
    return tuple(Button(payload_title(content, f"{owner}:{answer}"), f"{owner}:{answer}") for answer in (YES, NO))


def note_pain(connection: Any, turn: Turn, before: State, after: State, now: datetime) -> None:
    """Write the pain at the start and the end of a session into the diary, unless somebody has turned that off."""
    told = (BEFORE_SESSION, after.pain_before) if before.pain_before is None and after.pain_before is not None else None
    told = (AFTER_SESSION, after.pain_after) if before.pain_after is None and after.pain_after is not None else told
    if told and not records.keeping(connection, turn.conversation_id).is_off:
        records.add_entry(connection, turn.conversation_id, records.Entry(now.date(), told[1], source=told[0]), now)


def button_answer(turn: Turn, owner: Text) -> Optional[Text]:
    """Return yes or no where a button of this kind was pressed."""
    kind, _, answer = (turn.button or "").partition(":")
    return answer if kind == owner else None
