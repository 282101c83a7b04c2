"""Facts about the person that a message states; what is not said stays unknown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterable, Mapping, Sequence

import spacy
from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc

from sijbot.content.model import Cue
from sijbot.language.normalise import fold
from sijbot.triage.match import fold_phrase, words_of

PREGNANT, WEEK = "pregnant", "week"  # the situation, and the detail that tells it too
_OF_THE_PERSON = frozenset(("i", "im", "ive", "my", "me", "am"))
_DENIALS = frozenset(("not", "no", "never", "dont", "havent", "isnt", "arent", "without", "longer"))
_PERSON_BEFORE, _DENIAL_BEFORE = 4, 2  # so many words before a situation the person, or a denial, may stand


@dataclass(frozen=True)
class Situations:
    """The situations that a message names, sorted: `named` in any way, `own` those said of the person who writes, `denied` those said not to be."""

    named: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()

    def known_after(self, before: Iterable[str]) -> tuple[str, ...]:
        """Return what is known of the person after this message, from what was known before. The later word counts."""
        return tuple(sorted({*before, *self.own} - set(self.denied)))


class SituationFinder:
    """Finds the situations of `content/situations.yml` in a message."""

    def __init__(self, situations: Mapping[str, Cue]) -> None:
        self._vocab = spacy.blank("en").vocab
        self._matcher = PhraseMatcher(self._vocab)
        for situation, cue in situations.items():
            self._matcher.add(situation, [self._doc(fold_phrase(word)) for word in cue.words])

    def __call__(self, text: str) -> Situations:
        """Return the situations of a message. A denied one is named too: a caution too many does no harm."""
        doc = self._doc(fold(text).text)
        named, own, denied = set(), set(), set()
        for key, start, end in self._matcher(doc):
            situation = self._vocab.strings[key]
            named.add(situation)
            if not _DENIALS.isdisjoint(token.text for token in doc[max(0, start - _DENIAL_BEFORE) : end]):
                denied.add(situation)
            elif not _OF_THE_PERSON.isdisjoint(token.text for token in doc[max(0, start - _PERSON_BEFORE) : end]):
                own.add(situation)
        return Situations(*(tuple(sorted(found)) for found in (named, own, denied - own)))

    def _doc(self, folded: str) -> Doc:
        return Doc(self._vocab, words=[word.text for word in words_of(folded)])


_AGE = re.compile(r"\b(?:age|aged|turned|turning) (\d{1,3})\b|\b(\d{1,3}) ?(?:years? old|yrs? old|yo\b|y/o)|\b(?:im|i am|shes|hes|she is|he is) (1[1-9]|[2-9]\d|1[01]\d)\b(?! ?(?:weeks?|wks?|months?|days?|minutes?|mins?|kg|percent|%|/|out of|times|stone|st\b))")  # "I'm 5" may be a pain
_OLDEST = 120  # a higher number is no age


def of_age(text: str, child_under: int, old_from: int) -> tuple[str, ...]:
    """Return the situation that an age in a message means, a child's or an old person's; none for other ages, or where none is told."""
    found = _AGE.search(fold(text).text)
    age = int(next(filter(None, found.groups()))) if found else None
    if age is None or age > _OLDEST:
        return ()
    return ("under_16",) if age < child_under else ("over_65",) if age >= old_from else ()


_NUMBER_WORDS = {word: str(number) for number, word in enumerate("zero one two three four five six seven eight nine ten".split())}
_NUMBER = rf"(10|\d|{'|'.join(_NUMBER_WORDS)})"
_SHORT_IS, _APOSTROPHES = re.compile(r"(?<=[a-z]{3})['’]s\b"), re.compile("['’]")
_SCORE = re.compile(rf"\b{_NUMBER} ?(?:/|out of|of) ?(?:10|ten)\b|\bscale\b.*\b{_NUMBER}\b")
_SCORE_AGAIN = re.compile(rf"\b(?:a|an|its|maybe|about|like|say|now) {_NUMBER}\b(?! (?:day|week|month|year|hour|minute|mile|time))")
_WEEK = re.compile(r"\bweek (\d{1,2})\b|\b(\d{1,2}) ?(?:weeks?|wks?)\b")
_OF_PREGNANCY = re.compile(r"\b(?:pregnant|along|bump|gone|today|trimester)\b")
_SPAN = re.compile(r"\b((?:\d+|a|an|one|two|three|four|five|six|seven|eight|nine|ten|twelve|several|a few|a couple of) (?:days?|weeks?|months?|years?))\b")
_SINCE = re.compile(r"\b(?:since|back in|began in|started in) ((?:last |early |late |mid )?(?!(?:i|it|its|my|the|then|he|she|we|that|this|when|being|having|about|around|your|a|an)\b)[a-z]+(?: \d{4})?|\d{4})\b")


class DetailFinder:
    """Finds what somebody tells of their own pain: side, what makes it worse, score, how long, week of pregnancy. Words from `content/details.yml`; weeks: of pregnancy that there are."""

    def __init__(self, details: Mapping[str, Cue], weeks: range) -> None:
        self._weeks = weeks
        self._vocab = spacy.blank("en").vocab
        self._matcher = PhraseMatcher(self._vocab)
        for key, cue in details.items():
            self._matcher.add(key, [Doc(self._vocab, words=fold_phrase(word).split()) for word in cue.words])

    def __call__(self, text: str, before: Mapping[str, str], is_pregnant: bool = False) -> dict[str, str]:
        """Return the details known after a message, from those known before it: the later word counts.

        Keys: side, worse (an id), score, since ("since march", "for 3 weeks"), week. before: what was known, is_pregnant: whether a bare "31 weeks" may be one of pregnancy.
        """
        folded = _APOSTROPHES.sub("", _SHORT_IS.sub(" is", fold(text).text))
        known = dict(before)
        spans = self._spans([word.text for word in words_of(folded)])
        sides = [(start, key) for key, start in spans if key.startswith("side_")]
        if sides:
            known["side"] = max(sides)[1].removeprefix("side_")
        known.update(self._worse(spans, known))
        score = _SCORE.search(folded) or (_SCORE_AGAIN.search(folded) if "score" in known else None)
        if score:
            number = next(filter(None, score.groups()))
            known["score"] = _NUMBER_WORDS.get(number, number)
        week = _WEEK.search(folded)
        number = next(filter(None, week.groups())) if week else ""
        if week and int(number) in self._weeks and (_OF_PREGNANCY.search(folded) or is_pregnant or "week" in known):
            known[WEEK] = number
        else:
            for word, pattern in (("since", _SINCE), ("for", _SPAN)):
                found = pattern.search(folded)
                if found:
                    known["since"] = f"{word} {found.group(1)}"
                    break
        return known

    def _spans(self, words: Sequence[str]) -> list[tuple[str, int]]:
        return [(self._vocab.strings[key], start) for key, start, _ in self._matcher(Doc(self._vocab, words=list(words)))]

    @staticmethod
    def _worse(spans: Sequence[tuple[str, int]], known: Mapping[str, str]) -> dict[str, str]:
        """Return what makes it worse: the activity nearest to words that say so, and not the one that is said to be all right."""
        worse = [start for key, start in spans if key == "makes_worse"]
        fine = [start for key, start in spans if key == "is_all_right"]
        activities = [(start, key.removeprefix("worse_")) for key, start in spans if key.startswith("worse_")]
        if fine:
            activities = [item for item in activities if _distance(item[0], worse) < _distance(item[0], fine)] or ([activities[-1]] if len(activities) > 1 else [])
        if not activities or not (worse or (fine and "worse" in known)):
            return {}
        return {"worse": min(activities, key=lambda item: _distance(item[0], worse))[1]}


def _distance(place: int, places: Sequence[int]) -> float:
    return min((abs(place - other) for other in places), default=float("inf"))
