"""What one run saw from outside: plain data, so that the checker can be tried without a server. Times are seconds since the run began."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Mapping, Optional, Sequence

LATE, BROKEN = "late", "broken"  # why no answer came: none within the time that a page waits; or the connection was refused or reset
DONE, NOT_DONE, BUSY = 200, 503, 429

ReplyData = Mapping[str, Any]
Effects = Counter  # of (table, values of the row that say what was done)


@dataclass(frozen=True)
class Attempt:
    """One time that a message was sent. status: of HTTP, None where no answer came, then `lost` says why.

    waited_s: for how long the processes in question were ready to go on while something else had the processor: no fault of theirs.
    """

    began_s: float
    ended_s: float
    status: Optional[int] = None
    replies: tuple[ReplyData, ...] = ()
    says_when: bool = False  # with Retry-After
    lost: Optional[str] = None
    waited_s: float = 0.0


@dataclass
class Message:
    """A message of a conversation, with all attempts, in the order in which they ended. is_typed: False where a button was pressed."""

    id: str
    said: str
    is_urgent: bool = False
    is_typed: bool = True
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def acknowledged(self) -> Optional[Attempt]:
        """The first attempt that was taken as done, or None."""
        return next((each for each in self.attempts if each.status == DONE), None)


@dataclass(frozen=True)
class Exchange:
    """A message in a history."""

    message_id: str
    said: Optional[str]
    replies: tuple[ReplyData, ...]


@dataclass(frozen=True)
class Stored:
    """What the database holds of a conversation. inbox: (message id, whether its answer stands there); None: this product has none. numbers: of the events; None: it has none."""

    inbox: Optional[Sequence[tuple[str, bool]]]
    user_texts: Sequence[str]
    numbers: Optional[Sequence[int]]
    effects: Effects
    text: str = ""  # all of it
    shown_states: frozenset[str] = frozenset()  # of its hand-offs, as a page would show them
    outbox: frozenset[str] = frozenset()  # ids of what is to be delivered


@dataclass(frozen=True)
class Twin:
    """The same conversation once more, without a fault, in the order that the history gives. replies: by the id of the message that it repeats."""

    replies: Mapping[str, tuple[ReplyData, ...]]
    effects: Effects


@dataclass
class Talk:
    """A conversation. canary: a word that stands in its texts and nowhere else. history: None where it could not be read."""

    name: str
    canary: str
    messages: list[Message] = field(default_factory=list)
    history: Optional[list[Exchange]] = None
    stored: Optional[Stored] = None
    twin: Optional[Twin] = None


@dataclass(frozen=True)
class Delivery:
    """A request that the target of the relay got. is_taken: it answered that it has it."""

    id: str
    conversation: str
    is_taken: bool
    text: str


@dataclass(frozen=True)
class Reads:
    """What a product lets one see. has_ids: its messages have ids, so that the same one can be sent again; has_history: a page can ask for it."""

    has_ids: bool = True
    has_history: bool = True


@dataclass
class Run:
    """One run. is_met: the fault really happened. dark: when no process could answer. has_spare: another process stands behind the same address.

    loose: the fault itself changes what is right to answer (another day), so that the twin's replies are no measure, and of its effects none may be there more often.
    ended_late: processes that were asked to end and had to be killed; ended_by_itself: processes that ended though nobody had asked them to.
    """

    tier: str
    fault: str
    seed: int
    talks: list[Talk]
    is_met: bool = True
    dark: list[tuple[float, float]] = field(default_factory=list)
    has_spare: bool = False
    loose: bool = False
    reads: Reads = Reads()
    logs: Mapping[str, str] = field(default_factory=dict)
    deliveries: Optional[Sequence[Delivery]] = None  # None: nothing was to be delivered
    ended_late: Sequence[str] = ()
    ended_by_itself: Sequence[str] = ()

    def is_dark(self, attempt: Attempt) -> bool:
        """Return whether there was a moment of the attempt at which no process could answer."""
        return any(attempt.began_s <= until and since <= attempt.ended_s for since, until in self.dark)
