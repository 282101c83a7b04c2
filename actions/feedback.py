"""Whether an answer helped, and a note of what was not understood: ids, and words only with consent."""

from __future__ import annotations

import logging
from typing import Any, Dict, List, Optional, Text

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.turn import Turn, end_of_turn, read_turn, say
from sijbot import clock, metrics, runtime
from sijbot.answering import helpful_reply
from sijbot.records import repository
from sijbot.records.schema import DECLINED, DOUBT, EXAMPLE, FAULTS, HELPFUL, UNHELPFUL
from sijbot.records.turns import transaction
from sijbot.replies import Reply
from sijbot.routing import KEEP

logger = logging.getLogger(__name__)


class ActionFeedback(Action):
    """Thanks for "that helped" or "that did not", and keeps which answer it was about."""

    def name(self) -> Text:
        return "action_feedback"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn, content = read_turn(tracker), runtime.current().content
        if (turn.button or "").startswith(f"{KEEP}:"):
            return _keep(dispatcher, turn)
        outcome = HELPFUL if turn.understood["intent"] == "answer_helped" else UNHELPFUL
        pressed = (turn.button or "").split(":")
        about = pressed[2] if len(pressed) == 3 and pressed[2] in content.subject_of else turn.topic
        note(turn, outcome, about)
        say(dispatcher, helpful_reply(content, outcome == HELPFUL, about, turn.region))
        return [end_of_turn(turn)]


def _keep(dispatcher: CollectingDispatcher, turn: Turn) -> List[Dict[Text, Any]]:
    """Keep the sentence that was not understood, or do not; as the pressed button says."""
    content = runtime.current().content
    _, answer, about = (turn.button or "").split(":")
    if answer == "yes" and turn.doubted and about in content.subject_of:
        kept = note(turn, EXAMPLE, about, turn.doubted)
    else:
        kept = False
    say(dispatcher, Reply(content.wording["kept" if kept else "not_kept"]))
    return [SlotSet("doubted", None), end_of_turn(turn)]


def note(turn: Turn, outcome: Text, about: Optional[Text], words: Optional[Text] = None) -> bool:
    """Write down what became of a question, for `sijbot misses`, and return whether it is written. That it cannot be is no reason to leave somebody without an answer."""
    parts = runtime.current()
    if outcome in (DOUBT, DECLINED):
        metrics.fallback("doubt" if outcome == DOUBT else "declined")
    try:
        with transaction(parts.engine) as connection:
            repository.log_understanding(connection, turn.conversation_id, outcome, about, parts.content.version, clock.now(), words)
        return True
    except FAULTS as fault:
        logger.error("an understanding record was lost: %s", type(fault).__name__)
        return False
