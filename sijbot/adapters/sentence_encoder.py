"""Rasa featurizer: one sentence vector per message from the committed encoder."""

from __future__ import annotations

from typing import Any, Dict, List, Text

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from sijbot.language.encoder import shared_encoder


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class SentenceEncoderFeaturizer(GraphComponent):
    """Adds the sentence vector as a dense feature."""

    def __init__(self, name: Text) -> None:
        self._name = name

    @classmethod
    def create(
        cls, config: Dict[Text, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> SentenceEncoderFeaturizer:
        return cls(execution_context.node_name)

    def process(self, messages: List[Message]) -> List[Message]:
        """Return the messages with the feature added; messages without text stay as they are."""
        for message in messages:
            text = message.get(TEXT)
            if text:
                vector = np.expand_dims(shared_encoder().encode(text), 0)
                message.add_features(Features(vector, FEATURE_TYPE_SENTENCE, TEXT, self._name))
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Return the training data with the feature added to every example."""
        self.process(training_data.training_examples)
        return training_data
