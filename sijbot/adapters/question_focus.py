"""Rasa NLU component, first in the pipeline: understanding reads the part of a message that asks."""

from __future__ import annotations

from typing import Any, Dict, List, Text

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message

from sijbot.language.focus import question_part

FULL_TEXT = "full_text"  # message property: the text as it came, which the gate screens


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class QuestionFocus(GraphComponent):
    """Keeps the whole text beside the part that asks. Not applied in training, where every example is one question."""

    @classmethod
    def create(
        cls, config: Dict[Text, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> QuestionFocus:
        return cls()

    def process(self, messages: List[Message]) -> List[Message]:
        """Return the messages with the text to understand, and the whole text in a property of its own."""
        for message in messages:
            text = message.get(TEXT)
            if text:
                message.set(FULL_TEXT, text)
                message.set(TEXT, question_part(text))
        return messages
