"""Rasa intent classifier: one flat ranking over all ids, and the one decision about doubt."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional, Text, Tuple, Type

import numpy as np
import scipy.sparse
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.featurizers.featurizer import Featurizer
from rasa.shared.nlu.constants import INTENT, INTENT_RESPONSE_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from sklearn.linear_model import LogisticRegression

from sijbot.language.decision import CLARIFY, OUT_OF_SCOPE, Thresholds, decide

UNDERSTOOD = "understood"  # message property: outcome, intent, id, ranking
ASK_MORE = "ask_more"
_FALLBACK_INTENT = "nlu_fallback"
NOTHING_READABLE = [(_FALLBACK_INTENT, 0.0), (OUT_OF_SCOPE, 0.0)]  # "???", emoji: a question back, without suggestions
_RANKED = 5


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class TopicClassifier(GraphComponent, IntentClassifier):
    """Logistic regression over the sentence vector and n-grams; sets `intent`, `intent_ranking`, `response_selector` and `understood`."""

    @classmethod
    def required_components(cls) -> List[Type]:
        return [Featurizer]

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """C: inverse regularisation; ngram_weight: scale of the unit-length n-gram vector beside the unit-length sentence vector."""
        return {"C": 20.0, "ngram_weight": 0.5, "answer": 0.3, "margin": 0.05, "out_of_scope": 0.3, "random_state": 7}

    def __init__(self, config: Dict[Text, Any], model_storage: ModelStorage, resource: Resource) -> None:
        self._config = config
        self._thresholds = Thresholds(config["answer"], config["margin"], config["out_of_scope"])
        self._model_storage, self._resource = model_storage, resource
        self._ids: List[Text] = []
        self._weights = np.zeros((0, 0), np.float32)
        self._bias = np.zeros(0, np.float32)

    @classmethod
    def create(
        cls, config: Dict[Text, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> TopicClassifier:
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls, config: Dict[Text, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext, **kwargs: Any
    ) -> TopicClassifier:
        classifier = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as folder:
            classifier._ids = json.loads((folder / "ids.json").read_text("utf-8"))
            with np.load(folder / "weights.npz") as arrays:
                classifier._weights, classifier._bias = arrays["weights"], arrays["bias"]
        return classifier

    def train(self, training_data: TrainingData) -> Resource:
        """Fit on every example that has an intent, and store the weights as plain arrays."""
        examples = [example for example in training_data.training_examples if example.get(INTENT) and example.get(TEXT)]
        features = scipy.sparse.vstack([self._features(example) for example in examples]).tocsr()
        labels = [example.get(INTENT_RESPONSE_KEY) or example.get(INTENT) for example in examples]
        model = LogisticRegression(C=self._config["C"], max_iter=300, random_state=self._config["random_state"])
        model.fit(features, labels)
        self._ids = [str(label) for label in model.classes_]
        self._weights, self._bias = model.coef_.T.astype(np.float32), model.intercept_.astype(np.float32)
        with self._model_storage.write_to(self._resource) as folder:
            (folder / "ids.json").write_text(json.dumps(self._ids), "utf-8")
            np.savez(folder / "weights.npz", weights=self._weights, bias=self._bias)
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        """Return the messages with intent, ranking and what was understood."""
        for message in messages:
            chosen = ((message.get("metadata") or {}).get("button") or "").partition(":")
            if chosen[0] in ("topic", "more"):
                self._set(message, [(self._label_of(chosen[2]) if chosen[0] == "topic" else ASK_MORE, 1.0), (OUT_OF_SCOPE, 0.0)])
            elif any(character.isalpha() for character in message.get(TEXT) or ""):
                self._set(message, self.rank(message))
            else:
                self._set(message, NOTHING_READABLE)
        return messages

    def rank(self, message: Message) -> List[Tuple[Text, float]]:
        """Return (id, confidence) over all ids, best first; the confidences add up to 1."""
        dense, ngrams = self._parts(message)
        scores = dense @ self._weights[: dense.shape[1]] + ngrams @ self._weights[dense.shape[1] :]
        scores = np.asarray(scores).ravel() + self._bias
        odds = np.exp(scores - scores.max())
        confidences = odds / odds.sum()
        return [(self._ids[index], float(confidences[index])) for index in np.argsort(-confidences)]

    def _label_of(self, content_id: Text) -> Text:
        return next(label for label in self._ids if label.partition("/")[2] == content_id)

    def _features(self, message: Message) -> scipy.sparse.csr_matrix:
        """Return both parts side by side; shape (1, features)."""
        dense, ngrams = self._parts(message)
        return scipy.sparse.hstack([scipy.sparse.csr_matrix(dense), ngrams], format="csr", dtype=np.float32)

    def _parts(self, message: Message) -> Tuple[np.ndarray, scipy.sparse.csr_matrix]:
        """Return the sentence vector, of length 1, and the n-gram counts, scaled to length `ngram_weight`; one row each."""
        _, dense = message.get_dense_features(TEXT)
        _, counts = message.get_sparse_features(TEXT)
        ngrams = counts.features.tocsr().astype(np.float32)
        length = np.linalg.norm(ngrams.data)
        if length:
            ngrams.data *= np.float32(self._config["ngram_weight"] / length)
        return dense.features, ngrams

    def _set(self, message: Message, ranking: List[Tuple[Text, float]]) -> None:
        outcome = decide(ranking, self._thresholds)
        label, confidence = ranking[0]
        intent, _, content_id = label.partition("/")
        topics = [(label.partition("/")[2] or label, confidence) for label, confidence in ranking]
        message.set(
            UNDERSTOOD,
            {
                "outcome": outcome, "intent": intent, "id": content_id or None,
                "ranking": [{"id": topic, "confidence": round(confidence, 4)} for topic, confidence in topics[:_RANKED]],
            },
            add_to_output=True,
        )  # fmt: skip
        set_intent(message, {CLARIFY: _FALLBACK_INTENT, OUT_OF_SCOPE: OUT_OF_SCOPE}.get(outcome, intent), confidence, content_id or None)
        message.set("intent_ranking", [{"name": label, "confidence": confidence} for label, confidence in ranking[:_RANKED]], add_to_output=True)


def set_intent(message: Message, intent: Text, confidence: float, content_id: Optional[Text] = None) -> None:
    """Set the intent, and for one with a content id the property by which Rasa knows a retrieval intent."""
    message.set("intent", {"name": intent, "confidence": confidence}, add_to_output=True)
    selector: Dict[Text, Any] = {"all_retrieval_intents": [intent] if content_id else []}
    if content_id:
        key = f"{intent}/{content_id}"
        response = {"intent_response_key": key, "confidence": confidence, "responses": [], "utter_action": f"utter_{key}"}
        selector[intent] = {"response": response, "ranking": [{"intent_response_key": key, "confidence": confidence}]}
    message.set("response_selector", selector, add_to_output=True)
