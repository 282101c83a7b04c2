"""The linear classifier over the topic vectors: what is fitted and what the encoder brings with it meet halfway."""

import shutil

import numpy as np
import pytest

from sijbot.adapters.topic_classifier import TopicClassifier, fitted, halfway, softmax
from sijbot.language.encoder import DIMENSIONS, TOPICS, Directions, encoder_digest, read_directions

THEIRS = Directions(("sitting", "sleeping"), np.array([[4.0, 0.0], [0.0, 8.0]], np.float32), np.array([2.0, 4.0], np.float32))


def test_known_ids_get_the_mean_whatever_their_order_and_new_ids_keep_their_own():
    weights, bias = halfway(["sleeping", "new", "sitting"], np.array([[2.0, 0.0], [6.0, 6.0], [0.0, 2.0]]), np.array([0.0, 1.0, 0.0]), THEIRS)

    assert weights.tolist() == [[1.0, 4.0], [6.0, 6.0], [2.0, 1.0]]
    assert bias.tolist() == [2.0, 1.0, 1.0]


def test_what_is_fitted_is_met_by_the_committed_directions():
    directions, vectors = read_directions(), np.eye(3, DIMENSIONS)
    labels = list(directions.ids[:3])

    ids, weights, bias = fitted(vectors, labels, 1e-9, 7)  # a regression that learns nothing

    assert ids == labels
    assert weights.T == pytest.approx(directions.weights[:3] / 2, abs=1e-5)
    assert bias == pytest.approx(directions.bias[:3] / 2, abs=1e-5)


def test_the_fitted_weights_are_left_as_they_were():
    fitted = np.ones((2, 2))

    halfway(["sitting", "sleeping"], fitted, np.zeros(2), THEIRS)

    assert fitted.tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_the_committed_directions_have_a_row_for_every_id():
    directions = read_directions()

    assert directions.weights.shape == (len(directions.ids), DIMENSIONS) and directions.bias.shape == (len(directions.ids),)
    assert np.linalg.norm(directions.weights, axis=1) == pytest.approx(20, abs=0.1)


@pytest.mark.parametrize("scores", [[0.0, 1.0], [1000.0, -1000.0], [[1.0, 2.0], [3.0, 3.0]]])
def test_confidences_add_up_to_one_and_keep_the_order(scores):
    confidences = softmax(np.array(scores))

    assert confidences.sum(-1) == pytest.approx(1)
    assert (confidences.argsort(-1) == np.array(scores).argsort(-1)).all()


def test_what_is_cached_over_one_encoder_is_not_taken_for_another(tmp_path):
    for name in ("model.onnx", "directions.npz"):
        shutil.copy(TOPICS / name, tmp_path / name)
    assert TopicClassifier.fingerprint_addon({}) == encoder_digest(tmp_path)

    (tmp_path / "model.onnx").write_bytes(b"another")
    assert encoder_digest(tmp_path) != encoder_digest()
