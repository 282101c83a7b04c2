"""What is said to a message that was not understood, and of what is out of scope."""

from __future__ import annotations

from typing import Any, Dict, List, Text

from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.feedback import note
from actions.turn import Turn, open_gate_of, say
from sijbot import runtime
from sijbot.answering import clarify_reply, declined_reply, noted_reply
from sijbot.records.schema import DECLINED, DOUBT
from sijbot.replies import Reply
from sijbot.routing import DID_YOU_MEAN, Expecting
from sijbot.triage.assess import NONE

MOST_CHARACTERS_KEPT = 300


def clarify(dispatcher: CollectingDispatcher, turn: Turn) -> List[Dict[Text, Any]]:
    """Ask what was meant; after a second and third message that was not understood, show another way on. Return the events."""
    content, gate = runtime.current().content, open_gate_of(turn)
    if turn.details != turn.details_before and turn.raised_earlier is None and not turn.waits_for_safety_answer:
        say(dispatcher, noted_reply(content, turn.details))  # it told something of the pain, and asked nothing that could be told apart
        return []
    closest = [item["id"] for item in turn.understood["ranking"] if item["id"] in content.subject_of]
    refused = gate.refusal(closest[0]) if closest else None
    if refused:
        say(dispatcher, Reply(refused))
        return []
    doubts = turn.doubts + 1
    reply = clarify_reply(content, [content_id for content_id in closest if not gate.refusal(content_id)], doubts, turn.region)
    say(dispatcher, reply)
    note(turn, DOUBT, closest[0] if closest else None)
    is_without_sign = turn.assessment.outcome == NONE and turn.raised_earlier is None
    events = [SlotSet("doubts", doubts), SlotSet("doubted", turn.text[:MOST_CHARACTERS_KEPT] if is_without_sign and reply.buttons else None)]
    if turn.waits_for_safety_answer or not reply.buttons:
        return events
    first = reply.buttons[0].payload.partition(":")[2]
    return [*events, SlotSet("expecting", Expecting(DID_YOU_MEAN, first).to_slot())]


def decline(dispatcher: CollectingDispatcher, turn: Turn) -> None:
    """Say kindly that this is out of scope, and where to go with it."""
    kind = turn.understood["kind"]
    say(dispatcher, declined_reply(runtime.current().content, kind, turn.region))
    note(turn, DECLINED, kind)
