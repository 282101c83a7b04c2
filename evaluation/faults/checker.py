"""Finds in what was seen of a run what must never happen. Pure: it knows no server, no database and no clock."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Optional

from evaluation.faults.record import BUSY, DONE, LATE, NOT_DONE, Attempt, Message, ReplyData, Run, Talk

ANSWERED, URGENT_FIRST, NOTHING_LOST, NO_LEAK, ONCE = INVARIANTS = ("I1", "I2", "I3", "I4", "I5")
ANSWER_S, URGENT_S = 3.0, 0.5
URGENT_WITH_SPARE_S = 1.5  # a proxy cannot tell a process that stands still from one that works: it waits 1.2 s (deploy/nginx.conf) before it asks the other one
DELIVERED = "delivered"
_ANSWERS = (DONE, NOT_DONE, BUSY)
_HANG_ON_THE_WAY = frozenset(("understanding", "coach_session"))  # tables in which a conversation that goes another way may leave more rows
# What nobody's turn waits for: where the database does not take it, the person gets the answer all the same, and the log says so in these words.
_MAY_BE_LOST = {"understanding": "an understanding record was lost"}


@dataclass(frozen=True)
class Violation:
    """What must never happen, and did. kind: the same for the same fault of the product; what: where it was seen, without anybody's words.

    is_slow: it is a matter of time, and would be none had the processes not waited for a processor.
    """

    invariant: str
    kind: str
    what: str
    is_slow: bool = False

    def __str__(self) -> str:
        return f"{self.invariant} {self.kind}: {self.what}" + (" (the machine was busy)" if self.is_slow else "")


def violations(run: Run) -> list[Violation]:
    """Return all violations of the five invariants in a run."""
    return [each for check in (_answered, _urgent_first, _nothing_lost, _no_leak, _once) for each in check(run)]


def _every(run: Run) -> Iterator[tuple[Talk, Message, str]]:
    """Yield every message with its conversation, and its place for people to find it."""
    for talk in run.talks:
        for number, message in enumerate(talk.messages, 1):
            yield talk, message, f"{talk.name}, message {number}"


# I1: whoever writes gets a sentence.


def _answered(run: Run) -> Iterator[Violation]:
    for name in run.ended_late:
        yield Violation(ANSWERED, "does not end", f"{name} did not end when it was asked to")
    for what in run.ended_by_itself:
        yield Violation(ANSWERED, "ended by itself", what)
    for talk, message, place in _every(run):
        for number, attempt in enumerate(message.attempts, 1):
            yield from _attempt_answered(run, attempt, f"{place}, attempt {number}")
        if message.acknowledged is None:
            yield Violation(ANSWERED, "never answered", place)
        if run.reads.has_ids and len({_same(attempt.replies) for attempt in message.attempts if attempt.status == DONE}) > 1:
            yield Violation(ANSWERED, "another answer", f"{place}: sent again, it got other replies")
    for talk in run.talks:
        for message_id, is_answered in (talk.stored.inbox or ()) if talk.stored else ():
            if not is_answered:
                yield Violation(ANSWERED, "never answered", f"{talk.name}: a message stands in the inbox without its answer")


def _attempt_answered(run: Run, attempt: Attempt, place: str) -> Iterator[Violation]:
    is_excused = run.is_dark(attempt) and not run.has_spare
    if attempt.status is None:
        if not is_excused and (run.has_spare or attempt.lost == LATE):
            yield Violation(ANSWERED, "no answer", f"{place}: {attempt.lost} after {_took(attempt)}", _is_slow(attempt, ANSWER_S) if attempt.lost == LATE else False)
        return
    if attempt.status not in _ANSWERS:
        yield Violation(ANSWERED, f"status {attempt.status}", place)
        return
    if not any(_sentence(reply) for reply in attempt.replies):
        yield Violation(ANSWERED, "no sentence", f"{place}: status {attempt.status}")
    if attempt.status != DONE and not attempt.says_when:
        yield Violation(ANSWERED, "no Retry-After", f"{place}: status {attempt.status}")
    if not is_excused:
        yield from _in_time(attempt, ANSWER_S, ANSWERED, "late", place)


def _in_time(attempt: Attempt, limit_s: float, invariant: str, kind: str, place: str) -> Iterator[Violation]:
    if attempt.ended_s - attempt.began_s > limit_s:
        yield Violation(invariant, kind, f"{place}: {_took(attempt)}", _is_slow(attempt, limit_s))


def _is_slow(attempt: Attempt, limit_s: float) -> bool:
    return attempt.ended_s - attempt.began_s - attempt.waited_s <= limit_s


def _took(attempt: Attempt) -> str:
    return f"{attempt.ended_s - attempt.began_s:.2f} s, {attempt.waited_s:.2f} s of it without a processor"


def _sentence(reply: ReplyData) -> str:
    return str(reply.get("text") or "").strip()


def _same(replies: tuple[ReplyData, ...]) -> str:
    """Return replies as they are compared: the addresses of files hold the hour until which they are good."""
    return repr([{key: value for key, value in sorted(reply.items()) if key != "documents"} for reply in replies])


# I2: danger is answered first.


def _urgent_first(run: Run) -> Iterator[Violation]:
    limit_s = URGENT_WITH_SPARE_S if run.has_spare else URGENT_S
    for _, message, place in _every(run):
        for number, attempt in enumerate(message.attempts if message.is_urgent else (), 1):
            where = f"{place}, attempt {number}"
            is_excused = run.is_dark(attempt) and not run.has_spare
            if attempt.status is None:
                if not is_excused and (run.has_spare or attempt.lost == LATE):
                    yield Violation(URGENT_FIRST, "no answer", f"{where}: {attempt.lost} after {_took(attempt)}", _is_slow(attempt, limit_s) if attempt.lost == LATE else False)
                continue
            if not attempt.replies or not _is_emergency(attempt.replies[0]):
                yield Violation(URGENT_FIRST, "no card first", f"{where}: status {attempt.status}")
            elif not is_excused:
                yield from _in_time(attempt, limit_s, URGENT_FIRST, "late", where)


def _is_emergency(reply: ReplyData) -> bool:
    return reply.get("kind") == "care_card" and reply.get("level") == "emergency" and bool(_sentence(reply))


# I3: what was acknowledged stays, once, in order.


def _nothing_lost(run: Run) -> Iterator[Violation]:
    for talk in run.talks:
        if run.reads.has_history:
            yield from _history_holds(talk)
        if talk.stored is None:
            yield Violation(NOTHING_LOST, "unreadable", f"{talk.name}: the database could not be read")
            continue
        yield from _stored_once(talk, talk.stored.inbox)
        if talk.stored.numbers is not None and list(talk.stored.numbers) != list(range(1, len(talk.stored.numbers) + 1)):
            yield Violation(NOTHING_LOST, "gap", f"{talk.name}: its events do not have the numbers from 1 to {len(talk.stored.numbers)}")
        yield from _events_once(talk, talk.stored.user_texts)
        if not run.loose and talk.twin:
            yield from _as_its_twin(talk, talk.twin.replies)


def _history_holds(talk: Talk) -> Iterator[Violation]:
    if talk.history is None:
        yield Violation(NOTHING_LOST, "unreadable", f"{talk.name}: the history could not be read")
        return
    known = {message.id: message for message in talk.messages}
    places = {exchange.message_id: place for place, exchange in enumerate(talk.history)}
    counts = Counter(exchange.message_id for exchange in talk.history)
    for number, message in enumerate(talk.messages, 1):
        count, where = counts[message.id], f"{talk.name}, message {number}"
        if count > 1:
            yield Violation(NOTHING_LOST, "twice", f"{where}: {count} times in the history")
        if message.acknowledged and not count:
            yield Violation(NOTHING_LOST, "lost", f"{where}: acknowledged, and not in the history")
    for exchange in talk.history:
        message = known.get(exchange.message_id)
        if message is None:
            yield Violation(NOTHING_LOST, "stranger", f"{talk.name}: the history holds a message that nobody sent")
        elif exchange.said != message.said:
            yield Violation(NOTHING_LOST, "other words", f"{talk.name}, message {talk.messages.index(message) + 1}: the history says other words")
        elif message.acknowledged and _same(exchange.replies) != _same(message.acknowledged.replies):
            yield Violation(NOTHING_LOST, "other replies", f"{talk.name}, message {talk.messages.index(message) + 1}: the history has other replies than were acknowledged")
    yield from _in_order(talk, places)


def _in_order(talk: Talk, places: Mapping[str, int]) -> Iterator[Violation]:
    """A message that was acknowledged before another one was sent stands before it."""
    numbered = [(number, message) for number, message in enumerate(talk.messages, 1) if message.id in places and message.attempts]
    for number, message in numbered:
        if message.acknowledged is None:
            continue
        later = [other for other, each in numbered if min(attempt.began_s for attempt in each.attempts) > message.acknowledged.ended_s and places[each.id] < places[message.id]]
        if later:
            yield Violation(NOTHING_LOST, "order", f"{talk.name}: message {number} stands behind message {later[0]}, which was sent when it had been acknowledged")


def _stored_once(talk: Talk, inbox: Optional[Any]) -> Iterator[Violation]:
    counts = Counter(message_id for message_id, _ in inbox or ())
    for number, message in enumerate(talk.messages, 1):
        where = f"{talk.name}, message {number}"
        if inbox is not None and message.acknowledged and not counts[message.id]:
            yield Violation(NOTHING_LOST, "lost", f"{where}: acknowledged, and not in the inbox")
        if counts[message.id] > 1:
            yield Violation(NOTHING_LOST, "twice", f"{where}: {counts[message.id]} times in the inbox")


def _events_once(talk: Talk, texts: Any) -> Iterator[Violation]:
    """Each acknowledged message is one event of the conversation; one that was not acknowledged may be one, or none."""
    stored = Counter(texts)
    typed = [message for message in talk.messages if message.is_typed]
    sent, acknowledged = Counter(message.said for message in typed), Counter(message.said for message in typed if message.acknowledged)
    lost, twice = sum((acknowledged - stored).values()), sum(max(0, stored[text] - sent[text]) for text in sent)
    if lost:
        yield Violation(NOTHING_LOST, "event lost", f"{talk.name}: {lost} acknowledged messages are no event of the conversation")
    if twice:
        yield Violation(NOTHING_LOST, "event twice", f"{talk.name}: {twice} messages are events once more")
    pressed = [message for message in talk.messages if not message.is_typed]
    others = sum(stored.values()) - sum(count for text, count in stored.items() if text in sent)
    if not len([message for message in pressed if message.acknowledged]) <= others <= len(pressed):
        yield Violation(NOTHING_LOST, "event lost" if others < len(pressed) else "event twice", f"{talk.name}: {len(pressed)} buttons were pressed, {others} events are of none of the typed messages")


def _as_its_twin(talk: Talk, expected: Mapping[str, tuple[ReplyData, ...]]) -> Iterator[Violation]:
    """An answer from a history that was forgotten is another one than that of a conversation without faults. Where a fault was shown, all later answers may be others."""
    for number, message in enumerate(talk.messages, 1):
        done = message.acknowledged
        if done is None or message.id not in expected or _shows_fault(done.replies):
            return
        if _told(done.replies) != _told(expected[message.id]):
            yield Violation(NOTHING_LOST, "forgotten", f"{talk.name}, message {number}: answered otherwise than without a fault")
            return


def _told(replies: tuple[ReplyData, ...]) -> list[tuple[Any, Any]]:
    """Return what replies say but for hand-offs: whether one is told in full depends on what a process remembers to have shown."""
    return [(reply.get("title"), reply.get("text")) for reply in replies if reply.get("kind") != "care_card"]


def _shows_fault(replies: tuple[ReplyData, ...]) -> bool:
    return any(reply.get("kind") == "fault" for reply in replies)


# I4: nobody sees what is another's.


def _no_leak(run: Run) -> Iterator[Violation]:
    for owner in run.talks:
        for name, text in run.logs.items():
            if owner.canary in text:
                yield Violation(NO_LEAK, f"in {name}", f"words of {owner.name} stand in {name}")
        for talk in run.talks:
            if talk is not owner:
                yield from (Violation(NO_LEAK, kind, f"words of {owner.name} stand in {kind} of {talk.name}") for kind, text in _seen(talk) if owner.canary in text)
        for delivery in run.deliveries or ():
            if delivery.conversation != owner.name and owner.canary in delivery.text:
                yield Violation(NO_LEAK, "in a delivery", f"words of {owner.name} stand in a delivery of another conversation")


def _seen(talk: Talk) -> Iterator[tuple[str, str]]:
    yield "replies", repr([attempt.replies for message in talk.messages for attempt in message.attempts])
    yield "the history", repr([(exchange.said, exchange.replies) for exchange in talk.history or ()])
    yield "the database", talk.stored.text if talk.stored else ""


# I5: what is done is done once.


def _once(run: Run) -> Iterator[Violation]:
    for talk in run.talks:
        if talk.stored is None:
            continue
        if talk.twin:
            yield from _effects_once(run, talk)
        taken = {delivery.id for delivery in run.deliveries or () if delivery.conversation == talk.name and delivery.is_taken}
        shown = DELIVERED in talk.stored.shown_states or any(_says(reply, DELIVERED) for message in talk.messages for attempt in message.attempts for reply in attempt.replies)
        if shown and not taken:
            yield Violation(ONCE, "better than true", f"{talk.name}: shown as delivered, and nobody has it")
        if run.deliveries is not None and taken - talk.stored.outbox:
            yield Violation(ONCE, "stranger", f"{talk.name}: {len(taken - talk.stored.outbox)} deliveries have an id that is none of the outbox")
        if run.deliveries is not None and talk.stored.outbox - taken:
            yield Violation(ONCE, "never delivered", f"{talk.name}: {len(talk.stored.outbox - taken)} entries of the outbox")


def _effects_once(run: Run, talk: Talk) -> Iterator[Violation]:
    """The rows are those of the twin. Where the fault changes what is right, or was shown, the conversation goes another way: others may stand in their place, but no more of them."""
    counts_alone = run.loose or any(_shows_fault(message.acknowledged.replies) for message in talk.messages if message.acknowledged)
    tables = {table for table, _ in (*talk.twin.effects, *talk.stored.effects)}
    said_lost = {table: sum(text.count(words) for text in run.logs.values()) for table, words in _MAY_BE_LOST.items()}
    for table in sorted(tables - _HANG_ON_THE_WAY if counts_alone else tables):
        found, expected = _rows(talk.stored.effects, table), _rows(talk.twin.effects, table)
        more = max(0, found.total() - expected.total()) if counts_alone else (found - expected).total()
        less = 0 if counts_alone else (expected - found).total() - said_lost.get(table, 0)
        if more:
            yield Violation(ONCE, f"too much in {table}", f"{talk.name}: {more} rows that are not there without a fault")
        elif less > 0:
            yield Violation(ONCE, f"lost in {table}", f"{talk.name}: {less} rows are missing that are there without a fault")


def _rows(effects: Counter, of_table: str) -> Counter:
    return Counter({values: count for (table, values), count in effects.items() if table == of_table})


def _says(reply: ReplyData, state: str) -> bool:
    return state in (reply.get("state"), reply.get("delivery"))
