"""Rasa NLU component, last in the pipeline: the danger screen once more, now with what earlier turns left open."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Text

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.core.events import UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message

from sijbot import runtime
from sijbot.adapters.question_focus import FULL_TEXT
from sijbot.adapters.topic_classifier import UNDERSTOOD, set_intent
from sijbot.content.model import Content
from sijbot.routing import DID_YOU_MEAN, NO, YES, Expecting, route
from sijbot.triage import Assessment, Known, Screen, replaces_answer
from sijbot.triage.assess import ALARM, INFORM, raised

ASSESSMENT, SITUATIONS = "assessment", "situations"  # message properties

EMERGENCY, URGENT, SOON = "red_flag_emergency", "red_flag_urgent", "red_flag_soon"
QUESTION, ANSWERED_NO = "red_flag_question", "red_flag_answered_no"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class RedFlagGate(GraphComponent):
    """May only raise what the channel found. Last: any classifier behind it would overrule it."""

    @classmethod
    def create(
        cls, config: Dict[Text, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> RedFlagGate:
        return cls()

    def process(self, messages: List[Message], tracker: Optional[DialogueStateTracker] = None) -> List[Message]:
        """Return the messages with the assessment, and with a red-flag intent where it asks for one."""
        known = _known(tracker) if tracker else Known()
        for message in messages:
            self._judge(message, known)
        return messages

    def _judge(self, message: Message, known: Known) -> None:
        parts = runtime.current()
        text = message.get(FULL_TEXT) or message.get(TEXT) or ""
        assessment = self._assessed(parts.screen, text, (message.get("metadata") or {}).get("assessment"), known)
        message.set(ASSESSMENT, assessment.to_dict(), add_to_output=True)
        message.set(SITUATIONS, list(parts.situations(text)), add_to_output=True)
        intent = red_flag_intent(parts.content, assessment)
        if intent:
            set_intent(message, intent, 1.0)
            return
        routed = route(parts.screen.short_answer(text), known.expecting)
        if routed == (DID_YOU_MEAN, YES):
            self._take(message, parts.content, known.expecting.question)

    @staticmethod
    def _assessed(screen: Screen, text: Text, from_channel: Optional[Dict[Text, Any]], known: Known) -> Assessment:
        """Return what the screen finds now, raised by what the channel found in the whole message."""
        assessment = screen.with_meaning(text, known)
        return raised(assessment, Assessment.from_dict(from_channel)) if from_channel else assessment

    @staticmethod
    def _take(message: Message, content: Content, content_id: Text) -> None:
        """Answer the first of the topics that were offered, to somebody who said yes to them."""
        intent = content.subject_of[content_id]
        message.set(UNDERSTOOD, {**message.get(UNDERSTOOD), "outcome": "answer", "intent": intent, "id": content_id}, add_to_output=True)
        set_intent(message, intent, 1.0, content_id)


def _known(tracker: DialogueStateTracker) -> Known:
    """Return the open question, and the flags that were asked about and denied in this conversation."""
    answers = (
        event.parse_data[ASSESSMENT]["answered"] for event in tracker.events if isinstance(event, UserUttered) and ASSESSMENT in event.parse_data
    )
    denied = tuple(flag for answered in answers if answered for flag, answer in [answered] if answer == NO)
    return Known(Expecting.from_slot(tracker.get_slot("expecting")), denied)


def red_flag_intent(content: Content, assessment: Assessment) -> Optional[Text]:
    """Return the intent that the assessment puts in place of the understood one, or None (decision 9)."""
    if replaces_answer(content, assessment):
        return EMERGENCY
    if assessment.outcome == ALARM:
        return URGENT if assessment.level == "urgent" else SOON
    if assessment.answered and assessment.answered[1] == NO:
        return ANSWERED_NO
    if assessment.outcome == INFORM and assessment.findings[0].level != "soon":
        return QUESTION
    return None
