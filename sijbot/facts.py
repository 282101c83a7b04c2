"""Facts about the person that a message states; what is not said stays unknown."""

from __future__ import annotations

from typing import Mapping

import spacy
from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc

from sijbot.content.model import Cue
from sijbot.language.normalise import fold
from sijbot.triage.match import fold_phrase, words_of


class SituationFinder:
    """Finds the situations of `content/situations.yml` in a message."""

    def __init__(self, situations: Mapping[str, Cue]) -> None:
        self._vocab = spacy.blank("en").vocab
        self._matcher = PhraseMatcher(self._vocab)
        for situation, cue in situations.items():
            self._matcher.add(situation, [self._doc(fold_phrase(word)) for word in cue.words])

    def __call__(self, text: str) -> tuple[str, ...]:
        """Return the situations that the message names, sorted. A denied one counts too: a caution too many does no harm."""
        return tuple(sorted({self._vocab.strings[key] for key, _, _ in self._matcher(self._doc(fold(text).text))}))

    def _doc(self, folded: str) -> Doc:
        return Doc(self._vocab, words=[word.text for word in words_of(folded)])
