"""Rasa intent classifier: one flat ranking over all ids, and the one decision about doubt."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Container, Dict, List, Optional, Sequence, Text, Tuple

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import INTENT, INTENT_RESPONSE_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from sklearn.linear_model import LogisticRegression

from sijbot import runtime
from sijbot.language.decision import ANSWER, CLARIFY, OUT_OF_SCOPE, Thresholds, decide
from sijbot.language.encoder import Directions, encoder_digest, read_directions, shared_encoder
from sijbot.language.focus import asks, halves, listed, question_part
from sijbot.routing import KEEP, TELL
from sijbot.triage import Assessment, is_handed_over

UNDERSTOOD = "understood"  # message property: outcome, intent, id, also, kind, ranking
ASK_MORE, HELPED, NOT_HELPED = "ask_more", "answer_helped", "answer_not_helped"
ABOUT_THE_ANSWER = frozenset((
    ASK_MORE, HELPED, NOT_HELPED, "ask_why", "ask_source", "ask_amount", "ask_easier", "ask_harder", "ask_other_one", "ask_for_situation", "push_back",
))  # fmt: skip
ANSWERS = ("coach", "consent", "forget", TELL)  # buttons that answer a question of ours, and ask nothing
WISHES = frozenset((
    "start_session", "missed_days", "tell_pain", "ask_progress", "ask_summary", "ask_home_sheet", "what_is_kept", "forget_me", "send_my_data", "keep_my_data", "stop_keeping",
    "ask_told",
))  # fmt: skip
_FALLBACK_INTENT = "nlu_fallback"
_RANKED = 5
MOST_QUESTIONS = 4  # of one message are told apart
MOST_WORDS = 60  # of a message are read whole; of a longer story, the part that asks alone
MOST_HALVES = 8  # ways to cut a message in two are tried
AMONG_FIRST = 6  # of what the whole message may ask must be what the part that asks is about: it may be a remark beside something else

Ranking = List[Tuple[Text, float]]
NOTHING_READABLE: Ranking = [(_FALLBACK_INTENT, 0.0), (OUT_OF_SCOPE, 0.0)]  # "???", emoji: a question back, without suggestions


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class TopicClassifier(GraphComponent, IntentClassifier):
    """A linear classifier over the sentence vector; sets `intent`, `intent_ranking`, `response_selector` and `understood`.

    A message is read whole; where that leaves doubt, by the part that asks; and in halves, which may ask two different things.
    """

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """C: inverse regularisation; wish: how many times likelier than among the examples it is that something is wanted of the coach, the diary or one's own data; answer, margin, out_of_scope: `Thresholds`; half: lowest confidence for each of two halves of a message; asking_half: the same where both are put as questions, or items of a list; clear: lowest confidence at which the part that asks is taken whatever stands beside it; after_answer: how many times likelier it is that an answer is talked about once there is one, and rarer before."""
        return {"C": 20.0, "wish": 1.0, "after_answer": 8.0, "half": 0.7, "asking_half": 0.5, "clear": 0.95, "answer": 0.5, "margin": 0.15, "out_of_scope": 0.4, "random_state": 7}

    @classmethod
    def fingerprint_addon(cls, config: Dict[Text, Any]) -> Optional[Text]:
        """Return what Rasa's cache must know beside data and configuration: over the vectors of another encoder the weights mean nothing."""
        return encoder_digest()

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
        shared_encoder()  # now, and not when somebody waits for a first answer
        return classifier

    def train(self, training_data: TrainingData) -> Resource:
        """Fit on every example that has an intent, and store the weights as plain arrays."""
        examples = [example for example in training_data.training_examples if example.get(INTENT) and example.get(TEXT)]
        with ThreadPoolExecutor(os.cpu_count()) as threads:  # one text at a time each: padding in a batch would shift the vectors
            vectors = np.stack(list(threads.map(shared_encoder().encode, (example.get(TEXT) for example in examples))))
        labels = [example.get(INTENT_RESPONSE_KEY) or example.get(INTENT) for example in examples]
        self._ids, self._weights, self._bias = fitted(vectors, labels, self._config["C"], self._config["random_state"])
        with self._model_storage.write_to(self._resource) as folder:
            (folder / "ids.json").write_text(json.dumps(self._ids), "utf-8")
            np.savez(folder / "weights.npz", weights=self._weights, bias=self._bias)
        return self._resource

    def process(self, messages: List[Message], tracker: Optional[DialogueStateTracker] = None) -> List[Message]:
        """Return the messages with intent, ranking and what was understood."""
        follows = bool(tracker and tracker.get_slot("topic"))
        for message in messages:
            text = message.get(TEXT) or ""
            button = (message.get("metadata") or {}).get("button") or ""
            pressed = self._pressed(button)
            if button.partition(":")[0] in ANSWERS or _is_handed_over(message):
                self._set(message, NOTHING_READABLE)
            elif pressed:
                self._set(message, [(pressed, 1.0), (OUT_OF_SCOPE, 0.0)])
            elif any(character.isalpha() for character in text):
                self._set(message, *self._understood(runtime.current().screen.respelt(text), follows))
            else:
                self._set(message, NOTHING_READABLE)
        return messages

    def rank(self, text: Text) -> Ranking:
        """Return (id, confidence) over all ids, best first; the confidences add up to 1."""
        confidences = softmax(shared_encoder().encode(text) @ self._weights + self._bias)
        return [(self._ids[index], float(confidences[index])) for index in np.argsort(-confidences)]

    def _understood(self, text: Text, follows: bool) -> Tuple[Ranking, Sequence[Text]]:
        """Return the ranking of what a message asks, and the labels of its questions, in order, where it asks several.

        follows: whether something was answered before: what is said of an answer is then likelier than among the examples, and rarer otherwise.
        """
        part = question_part(text)
        ranking = whole = self.rank(read_first(text))
        if part != text:
            asked_alone = self.rank(part)
            leaves_doubt = not (_is_topic(whole[0][0]) and self._decide(whole) == ANSWER) and self._decide(asked_alone) == ANSWER
            is_within = asked_alone[0][0] in {label for label, _ in whole[:AMONG_FIRST] if _is_topic(label)}
            if is_within and (leaves_doubt or asked_alone[0][1] >= self._config["clear"]):
                ranking = asked_alone  # what is told beside a clear question makes no doubt
        asked = list(dict.fromkeys(self._listed(text) or self._parts(text, whole)))[:MOST_QUESTIONS]
        ranking = _likelier(ranking, WISHES, self._config["wish"])
        if len(asked) > 1:
            return ranking, asked
        return _likelier(ranking, ABOUT_THE_ANSWER, self._config["after_answer"] if follows else 1 / self._config["after_answer"]), ()

    def _listed(self, text: Text) -> Sequence[Text]:
        """Return the labels of the items of a list that are questions by themselves, where there are two."""
        ranked = [self.rank(item)[0] for item in listed(text)]
        asked = [label for label, confidence in ranked if _is_topic(label) and confidence >= self._config["asking_half"]]
        return asked if len(set(asked)) > 1 else ()

    def _parts(self, text: Text, ranking: Ranking) -> List[Text]:
        """Return the label of each question of a message, in order; of one that asks one thing, the first of its ranking."""
        confidence_of = dict(ranking)
        best: Optional[Tuple[float, Text, Ranking, Text, Ranking]] = None
        for before, behind in halves(text)[:MOST_HALVES]:
            one, other = self.rank(before), self.rank(behind)
            (first, sure), (second, also_sure) = one[0], other[0]
            needed = self._config["asking_half" if asks(before) and asks(behind) else "half"]
            if first != second and _is_topic(first) and _is_topic(second) and min(sure, also_sure) >= needed:
                worth = min(sure, also_sure) * (0.02 + min(confidence_of[first], confidence_of[second]))
                if best is None or worth > best[0]:
                    best = worth, before, one, behind, other
        if best is None:
            return [ranking[0][0]]
        _, before, one, behind, other = best
        return [*self._parts(before, one), *self._parts(behind, other)]

    def _decide(self, ranking: Ranking) -> Text:
        return decide(with_one_out_of_scope(ranking), self._thresholds)

    def _pressed(self, payload: Text) -> Optional[Text]:
        """Return the label that a pressed button stands for; None where none was pressed."""
        kind, _, rest = payload.partition(":")
        if kind == "topic":
            return self._label_of(rest)
        said = HELPED if rest.partition(":")[0] == "yes" else NOT_HELPED
        return {"more": ASK_MORE, "helpful": said, KEEP: said}.get(kind)

    def _label_of(self, content_id: Text) -> Text:
        return next(label for label in self._ids if label.partition("/")[2] == content_id)

    def _set(self, message: Message, ranking: Ranking, several: Sequence[Text] = ()) -> None:
        """Set what was understood. several: the labels of two or more questions, each sure by itself."""
        outcome = ANSWER if several else self._decide(ranking)
        label = several[0] if several else ranking[0][0]
        confidence = dict(ranking)[label]
        intent, _, key = label.partition("/")
        content_id = "" if OUT_OF_SCOPE in (outcome, intent) else key
        topics = [(label.partition("/")[2] or label, confidence) for label, confidence in with_one_out_of_scope(ranking)]
        message.set(
            UNDERSTOOD,
            {
                "outcome": outcome, "intent": intent, "id": content_id or None, "also": [label.partition("/")[2] for label in several[1:]],
                "kind": next((label.partition("/")[2] for label, _ in ranking if label.startswith(OUT_OF_SCOPE)), ""),
                "out_of_scope": round(sum(confidence for label, confidence in ranking if label.startswith(OUT_OF_SCOPE)), 4),
                "ranking": [{"id": topic, "confidence": round(confidence, 4)} for topic, confidence in topics[:_RANKED]],
            },
            add_to_output=True,
        )  # fmt: skip
        set_intent(message, {CLARIFY: _FALLBACK_INTENT, OUT_OF_SCOPE: OUT_OF_SCOPE}.get(outcome, intent), confidence, content_id or None)
        message.set("intent_ranking", [{"name": label, "confidence": confidence} for label, confidence in ranking[:_RANKED]], add_to_output=True)


def _is_handed_over(message: Message) -> bool:
    """Return whether the channel found what stands in place of any answer: what else it may ask is not told apart, which would take longer than all the rest of its turn."""
    found = (message.get("metadata") or {}).get("assessment")
    return found is not None and is_handed_over(runtime.current().content, Assessment.from_dict(found))


def softmax(scores: np.ndarray) -> np.ndarray:
    """Return scores as confidences, which add up to 1 along the last axis."""
    odds = np.exp(scores - scores.max(-1, keepdims=True))
    return odds / odds.sum(-1, keepdims=True)


def fitted(vectors: np.ndarray, labels: Sequence[Text], C: float, random_state: int) -> Tuple[List[Text], np.ndarray, np.ndarray]:
    """Return the ids, the weights (384 by ids) and the biases of a linear classifier: a logistic regression, met halfway by the directions that the encoder was trained with.

    The regression has seen every example; the directions are those of the encoder in full precision. Each misses others of the held-out questions.
    """
    model = LogisticRegression(C=C, max_iter=300, random_state=random_state).fit(vectors, labels)
    ids = [str(label) for label in model.classes_]
    weights, bias = halfway(ids, model.coef_, model.intercept_, read_directions())
    return ids, weights.T.astype(np.float32), bias.astype(np.float32)


def halfway(ids: Sequence[Text], weights: np.ndarray, bias: np.ndarray, directions: Directions) -> Tuple[np.ndarray, np.ndarray]:
    """Return the mean of a classifier's weights (ids by 384) and biases with the directions; of an id that has none, the classifier's own."""
    rows = {label: row for row, label in enumerate(directions.ids)}
    known = [place for place, label in enumerate(ids) if label in rows]
    theirs = [rows[ids[place]] for place in known]
    weights, bias = weights.copy(), bias.copy()
    weights[known] = (weights[known] + directions.weights[theirs]) / 2
    bias[known] = (bias[known] + directions.bias[theirs]) / 2
    return weights, bias


def read_first(text: Text) -> Text:
    """Return what of a message is ranked first: all of it, or of a long one the part that asks."""
    return question_part(text) if len(text.split()) > MOST_WORDS else text


def read_ahead(text: Text) -> List[Text]:
    """Return every text that understanding a message asks the encoder for, the first first; of a question in several parts, also those of the parts."""
    items = listed(text)
    return list(dict.fromkeys((read_first(text), question_part(text), *(items or (half for pair in halves(text)[:MOST_HALVES] for half in pair)))))


def with_one_out_of_scope(ranking: Ranking) -> Ranking:
    """Return the ranking with all kinds of out of scope as one id: which of them it is makes no doubt."""
    outside = sum(confidence for label, confidence in ranking if label.startswith(OUT_OF_SCOPE))
    inside = [(label, confidence) for label, confidence in ranking if not label.startswith(OUT_OF_SCOPE)]
    return sorted([*inside, (OUT_OF_SCOPE, outside)], key=lambda item: -item[1])


def _is_topic(label: Text) -> bool:
    return "/" in label and not label.startswith(OUT_OF_SCOPE)


def _likelier(ranking: Ranking, labels: Container[Text], times: float) -> Ranking:
    """Return the ranking with the confidence of some labels so many times as high; the confidences add up to 1 again."""
    weighted = [(label, confidence * (times if label in labels else 1.0)) for label, confidence in ranking]
    total = sum(confidence for _, confidence in weighted)
    return sorted(((label, confidence / total) for label, confidence in weighted), key=lambda item: -item[1])


def set_intent(message: Message, intent: Text, confidence: float, content_id: Optional[Text] = None) -> None:
    """Set the intent, and for one with a content id the property by which Rasa knows a retrieval intent."""
    message.set("intent", {"name": intent, "confidence": confidence}, add_to_output=True)
    selector: Dict[Text, Any] = {"all_retrieval_intents": [intent] if content_id else []}
    if content_id:
        key = f"{intent}/{content_id}"
        response = {"intent_response_key": key, "confidence": confidence, "responses": [], "utter_action": f"utter_{key}"}
        selector[intent] = {"response": response, "ranking": [{"intent_response_key": key, "confidence": confidence}]}
    message.set("response_selector", selector, add_to_output=True)
