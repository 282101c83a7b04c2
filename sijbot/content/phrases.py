"""The short way of writing many phrases in one line: `(my|his) leg (is|feels|) numb`."""

from __future__ import annotations

import re
from itertools import product
from typing import Iterator, Sequence, Union

MOST_PHRASES = 400  # that one line may stand for; more cannot be reviewed

_TOKEN = re.compile(r"[()|]|[^()|]+")
_Node = Union[str, list]  # text, or a list of alternatives, each a list of nodes


class PhraseError(ValueError):
    """A line that cannot be expanded; says which and why."""


def expand(line: str, may_be_empty: bool = False) -> tuple[str, ...]:
    """Return every phrase that a line stands for, in the order written, each once.

    `(a|b)` is a choice, `(a|)` may be left out, choices may stand inside choices. A line without brackets stands for itself.
    Raises: PhraseError for brackets that do not fit, for more than MOST_PHRASES, and for an empty phrase where that may not be.
    """
    if "(" not in line and ")" not in line and "|" not in line:
        return (line,)
    tokens = _TOKEN.findall(line)
    sequence, end = _sequence(line, tokens, 0, inside=False)
    if end < len(tokens):
        raise PhraseError(f"'{line}': a ')' has no '('")
    phrases: dict[str, None] = {}
    for phrase in _phrases(sequence):
        phrases[" ".join(phrase.split())] = None
        if len(phrases) > MOST_PHRASES:
            raise PhraseError(f"'{line}': stands for more than {MOST_PHRASES} phrases")
    if "" in phrases and not may_be_empty:
        raise PhraseError(f"'{line}': may stand for nothing at all")
    return tuple(phrases)


def _sequence(line: str, tokens: Sequence[str], start: int, inside: bool) -> tuple[list[_Node], int]:
    """Return the nodes from `start` to the end of this choice, and where it ends."""
    nodes: list[_Node] = []
    index = start
    while index < len(tokens):
        token = tokens[index]
        if token == "(":
            choice, index = _choice(line, tokens, index + 1)
            nodes.append(choice)
        elif token in ")|":
            if not inside:
                raise PhraseError(f"'{line}': '{token}' stands outside brackets")
            break
        else:
            nodes.append(token)
            index += 1
    return nodes, index


def _choice(line: str, tokens: Sequence[str], start: int) -> tuple[list, int]:
    alternatives = []
    index = start
    while True:
        sequence, index = _sequence(line, tokens, index, inside=True)
        alternatives.append(sequence)
        if index >= len(tokens):
            raise PhraseError(f"'{line}': a '(' has no ')'")
        index += 1
        if tokens[index - 1] == ")":
            return alternatives, index


def _phrases(sequence: Sequence[_Node]) -> Iterator[str]:
    choices = [(node,) if isinstance(node, str) else tuple(phrase for alternative in node for phrase in _phrases(alternative)) for node in sequence]
    return ("".join(parts) for parts in product(*choices))
