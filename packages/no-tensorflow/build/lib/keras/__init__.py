"""Stand-in for Keras, which Rasa imports by its own name; see the package `tensorflow` beside it."""

from tensorflow import placeholders_of

__getattr__ = placeholders_of("keras")
