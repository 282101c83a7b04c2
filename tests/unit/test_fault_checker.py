"""What the fault harness must find in what was seen of a run, and must not find in a run in which all went well."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.faults.checker import violations
from evaluation.faults.record import Attempt, Delivery, Exchange, Message, Reads, Run, Stored, Talk, Twin
from sijbot.settings import ROOT

CARD = {"kind": "care_card", "level": "emergency", "text": "Call now."}
SORRY = {"kind": "fault", "level": None, "text": "That did not work."}
LOST = "an understanding record was lost"


def answer(text: str) -> dict:
    return {"kind": "text", "level": None, "text": text}


@st.composite
def attempts(draw, began_s: float, replies: tuple, is_urgent: bool) -> list[Attempt]:
    """Some that failed and said so, then one or more that were done."""
    found = []
    for kind in draw(st.lists(st.sampled_from(["broken", "not done", "busy"]), max_size=2)):
        ended_s = began_s + draw(st.floats(0.001, 0.4))
        status = {"broken": None, "not done": 503, "busy": 429}[kind]
        said = () if status is None else ((CARD, SORRY) if is_urgent else (SORRY,))
        found.append(Attempt(began_s, ended_s, status, said, says_when=status is not None, lost="broken" if status is None else None))
        began_s = ended_s + 0.1
    for _ in range(draw(st.integers(1, 2))):
        ended_s = began_s + draw(st.floats(0.001, 0.4 if is_urgent else 2.9))
        found.append(Attempt(began_s, ended_s, 200, replies))
        began_s = ended_s + 0.1
    return found


@st.composite
def talks(draw, name: str) -> Talk:
    canary, began_s, messages = f"canary-of-{name}", 0.0, []
    for number in range(draw(st.integers(1, 5))):
        is_urgent = draw(st.booleans())
        replies = (CARD,) if is_urgent else (answer(f"about {draw(st.sampled_from('abc'))}, {canary}"),)
        said = draw(st.sampled_from(["next", f"hello {canary}"]))
        message = Message(f"{name}-{number}", said, is_urgent, draw(st.booleans()), draw(attempts(began_s, replies, is_urgent)))
        messages.append(message if message.is_typed else replace(message, said=f"button {number}"))
        began_s = message.attempts[-1].ended_s + 0.1
    effects = Counter({("diary_entry", (number,)): 1 for number in range(draw(st.integers(0, 3)))})
    outbox = frozenset(f"{name}-out-{number}" for number in range(draw(st.integers(0, 2))))
    done = {message.id: message.acknowledged.replies for message in messages}
    return Talk(
        name, canary, messages, [Exchange(message.id, message.said, done[message.id]) for message in messages],
        Stored([(message.id, True) for message in messages], [message.said for message in messages], list(range(1, draw(st.integers(1, 9)))), effects, f"rows of {canary}", outbox=outbox),
        Twin(done, Counter(effects)),
    )  # fmt: skip


@st.composite
def runs(draw) -> Run:
    found = [draw(talks(name)) for name in ("first", "second")]
    deliveries = [Delivery(each, talk.name, True, f"of {talk.canary}") for talk in found for each in sorted(talk.stored.outbox)]
    return Run("sqlite", "none", 1, found, logs={"log": "Ready."}, deliveries=draw(st.permutations(deliveries)))


def example(**changed) -> Run:
    """Return a run of one conversation, in which all went well: a question, danger, a question."""
    said = [("a question", answer("an answer")), ("danger", CARD), ("another", answer("another answer"))]
    messages = [Message(f"m{number}", text, reply is CARD, attempts=[Attempt(number, number + 0.1, 200, (reply,))]) for number, (text, reply) in enumerate(said)]
    history = [Exchange(message.id, message.said, message.acknowledged.replies) for message in messages]
    effects = Counter({("hand_off", ("emergency",)): 1, ("diary_entry", (4,)): 2})
    stored = Stored([(message.id, True) for message in messages], [message.said for message in messages], [1, 2, 3], effects, outbox=frozenset({"o1"}))
    talk = Talk("first", "canary-1", messages, history, stored, Twin({message.id: message.acknowledged.replies for message in messages}, Counter(effects)))
    other = Talk("second", "canary-2", [], [], Stored([], [], [], Counter()), Twin({}, Counter()))
    return replace(Run("sqlite", "none", 1, [talk, other], deliveries=[Delivery("o1", "first", True, "")]), **changed)


def found(run: Run) -> set[str]:
    return {f"{each.invariant} {each.kind}" for each in violations(run)}


@settings(max_examples=60, deadline=None)
@given(runs())
def test_a_run_in_which_all_went_well_violates_nothing(run):
    assert violations(run) == []


def test_the_example_violates_nothing():
    assert violations(example()) == []


# Property: whichever message of whatever run it happens to, it is found.

TO_A_MESSAGE = {
    "I1 never answered": lambda talk, message: message.attempts.__setitem__(slice(None), [replace(each, status=503, replies=(CARD, SORRY), says_when=True) for each in message.attempts]),
    "I1 no sentence": lambda talk, message: message.attempts.__setitem__(-1, replace(message.attempts[-1], replies=())),
    "I1 late": lambda talk, message: message.attempts.__setitem__(-1, replace(message.attempts[-1], ended_s=message.attempts[-1].began_s + 3.01)),
    "I1 another answer": lambda talk, message: message.attempts.append(replace(message.attempts[-1], replies=(answer("something else"),))),
    "I1 status 500": lambda talk, message: message.attempts.append(replace(message.attempts[-1], status=500)),
    "I1 no Retry-After": lambda talk, message: message.attempts.append(replace(message.attempts[-1], status=503, says_when=False)),
    "I1 no answer": lambda talk, message: message.attempts.append(Attempt(50.0, 53.5, lost="late")),
    "I3 lost": lambda talk, message: talk.history.remove(next(each for each in talk.history if each.message_id == message.id)),
    "I3 twice": lambda talk, message: talk.history.append(next(each for each in talk.history if each.message_id == message.id)),
    "I3 other words": lambda talk, message: _changed(talk, message, said="other words"),
    "I3 other replies": lambda talk, message: _changed(talk, message, replies=(answer("never said"),)),
    "I3 event lost": lambda talk, message: setattr(talk, "stored", replace(talk.stored, user_texts=_without(talk.stored.user_texts, message.said))),
    "I3 event twice": lambda talk, message: setattr(talk, "stored", replace(talk.stored, user_texts=[*talk.stored.user_texts, message.said])),
    "I3 gap": lambda talk, message: setattr(talk, "stored", replace(talk.stored, numbers=[*talk.stored.numbers, len(talk.stored.numbers) + 2])),
    "I3 unreadable": lambda talk, message: setattr(talk, "history", None),
    "I3 stranger": lambda talk, message: talk.history.append(Exchange("nobody-sent-it", "?", ())),
}


def _changed(talk: Talk, message: Message, **changes) -> None:
    place = next(place for place, each in enumerate(talk.history) if each.message_id == message.id)
    talk.history[place] = replace(talk.history[place], **changes)


def _without(texts: list[str], text: str) -> list[str]:
    place = texts.index(text)
    return [*texts[:place], *texts[place + 1 :]]


@pytest.mark.parametrize("kind", sorted(TO_A_MESSAGE))
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_what_happens_to_any_message_is_found(kind, data):
    run = copy.deepcopy(data.draw(runs()))
    talk = data.draw(st.sampled_from(run.talks))

    TO_A_MESSAGE[kind](talk, data.draw(st.sampled_from(talk.messages)))

    assert kind in found(run)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_two_exchanges_that_change_places_are_out_of_order(data):
    run = copy.deepcopy(data.draw(runs().filter(lambda run: len(run.talks[0].messages) > 1)))
    history = run.talks[0].history
    one, other = sorted(data.draw(st.lists(st.integers(0, len(history) - 1), min_size=2, max_size=2, unique=True)))

    history[one], history[other] = history[other], history[one]

    assert "I3 order" in found(run)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_canary_anywhere_else_is_a_leak(data):
    run = copy.deepcopy(data.draw(runs()))
    owner, other = data.draw(st.permutations(run.talks))
    place = data.draw(st.sampled_from(["log", "reply", "history", "database", "delivery"]))
    if place == "log":
        run.logs = {"log": f"ERROR {owner.canary}"}
    elif place == "reply":
        other.messages[0].attempts.append(replace(other.messages[0].attempts[-1], status=503, says_when=True, replies=(CARD, answer(f"as {owner.canary} said"))))
    elif place == "history":
        other.history[0] = replace(other.history[0], said=owner.canary)
    elif place == "database":
        other.stored = replace(other.stored, text=owner.canary)
    else:
        run.deliveries = [*run.deliveries, Delivery("x", other.name, False, owner.canary)]

    assert any(each.startswith("I4") for each in found(run))


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_row_more_or_less_than_without_the_fault_is_found(data):
    run = copy.deepcopy(data.draw(runs().filter(lambda run: run.talks[0].stored.effects)))
    effects = run.talks[0].stored.effects
    row = data.draw(st.sampled_from(sorted(effects)))
    is_more = data.draw(st.booleans())

    effects[row] += 1 if is_more else -1

    assert f"I5 {'too much' if is_more else 'lost'} in diary_entry" in found(run)


# I1, and what is no violation of it.


def test_a_broken_connection_is_excused_on_one_process_and_not_where_another_one_stands_by():
    lost = Attempt(10.0, 10.1, lost="broken")
    run = example()
    run.talks[0].messages[0].attempts.insert(0, lost)

    assert found(run) == set()
    assert found(replace(run, has_spare=True)) == {"I1 no answer"}


def test_silence_is_excused_while_no_process_could_answer():
    run = example(dark=[(11.0, 12.0)])
    run.talks[0].messages[1].attempts.insert(0, Attempt(10.0, 13.5, lost="late"))

    assert found(run) == set()
    assert found(replace(run, dark=[(13.6, 14.0)])) == {"I1 no answer", "I2 no answer"}
    assert found(replace(run, has_spare=True)) == {"I1 no answer", "I2 no answer"}


@pytest.mark.parametrize("place", [0, 1])
def test_an_answer_that_stood_still_with_its_process_is_excused_where_there_is_no_other_one(place):
    run = example(dark=[(0.2, 4.0)])
    attempts = run.talks[0].messages[place].attempts
    attempts.insert(0, Attempt(0.1, 4.1, 503, (CARD, SORRY), says_when=True))

    assert found(run) == set()
    assert found(replace(run, has_spare=True)) == {"I1 late"} | ({"I2 late"} if place else set())


def test_time_without_a_processor_is_told_apart():
    run = example()
    run.talks[0].messages[0].attempts[0] = Attempt(0.0, 3.4, 200, (answer("an answer"),), waited_s=0.5)

    assert [each.is_slow for each in violations(run)] == [True]

    run.talks[0].messages[0].attempts[0] = Attempt(0.0, 3.4, 200, (answer("an answer"),), waited_s=0.3)

    assert [each.is_slow for each in violations(run)] == [False]


def test_an_inbox_without_the_answer_of_a_message_is_found():
    run = example()
    run.talks[0].stored = replace(run.talks[0].stored, inbox=[("m0", True), ("m1", False), ("m2", True)])

    assert found(run) == {"I1 never answered"}


def test_a_process_that_does_not_end_is_found():
    assert found(example(ended_late=["server 1"])) == {"I1 does not end"}


def test_a_process_that_ends_though_nobody_asked_it_to_is_found():
    assert found(example(ended_by_itself=["server 1 ended by itself with code 1"])) == {"I1 ended by itself"}


def test_links_to_files_may_change_between_two_answers():
    run = example()
    for number in (1, 2):
        run.talks[0].messages[2].attempts.append(Attempt(20, 20.1, 200, ({**answer("another answer"), "documents": [{"url": f"documents/{number}/page.pdf"}]},)))

    assert "I1 another answer" not in found(run)


# I2


@pytest.mark.parametrize("status", [200, 503, 429])
@pytest.mark.parametrize("replies", [(), (SORRY,), (SORRY, CARD), ({**CARD, "level": "urgent"},), ({**CARD, "text": ""},)])
def test_an_answer_to_danger_without_the_card_first_is_found(status, replies):
    run = example()
    run.talks[0].messages[1].attempts.insert(0, Attempt(0.9, 1.0, status, replies, says_when=True))

    assert "I2 no card first" in found(run)


@pytest.mark.parametrize("has_spare, limit_s", [(False, 0.5), (True, 1.5)])
def test_the_card_has_its_own_time(has_spare, limit_s):
    run = example(has_spare=has_spare)
    attempts = run.talks[0].messages[1].attempts
    attempts.insert(0, Attempt(0.0, limit_s - 0.01, 503, (CARD, SORRY), says_when=True))

    assert found(run) == set()

    attempts[0] = replace(attempts[0], ended_s=limit_s + 0.01)

    assert found(run) == {"I2 late"}


# I3


def test_messages_at_the_same_time_may_stand_in_any_order():
    run = example()
    for message in run.talks[0].messages:
        message.attempts[:] = [replace(message.attempts[0], began_s=0.0, ended_s=0.2)]
    run.talks[0].history.reverse()

    assert found(run) == set()


def test_an_answer_from_a_forgotten_history_is_found():
    run = example()
    run.talks[0].twin.replies["m2"] = (answer("As I said before, another answer"),)

    assert found(run) == {"I3 forgotten"}
    assert found(replace(run, loose=True)) == set()


def test_a_hand_off_may_be_told_in_full_or_in_short():
    run = example()
    run.talks[0].twin.replies["m1"] = ({**CARD, "text": "What you told me still needs that, now."},)

    assert found(run) == set()


@pytest.mark.parametrize("inbox, kind", [([("m0", True), ("m2", True)], "I3 lost"), ([("m0", True), ("m1", True), ("m1", True), ("m2", True)], "I3 twice")])
def test_the_inbox_holds_each_acknowledged_message_once(inbox, kind):
    run = example()
    run.talks[0].stored = replace(run.talks[0].stored, inbox=inbox)

    assert found(run) == {kind}


def test_a_database_that_cannot_be_read_is_found():
    run = example()
    run.talks[0].stored = None

    assert found(run) == {"I3 unreadable"}


def test_behind_a_fault_that_was_shown_answers_may_be_others():
    run = example()
    run.talks[0].messages[0].attempts[0] = replace(run.talks[0].messages[0].attempts[0], replies=(SORRY,))
    run.talks[0].history[0] = replace(run.talks[0].history[0], replies=(SORRY,))
    run.talks[0].twin.replies["m2"] = (answer("As I said before, another answer"),)

    assert found(run) == set()


def test_a_message_that_was_never_acknowledged_may_be_stored_once_or_not_at_all():
    run = example()
    talk = run.talks[0]
    talk.messages.append(Message("m3", "next", attempts=[Attempt(5.0, 5.1, 503, (SORRY,), says_when=True)]))

    assert found(run) == {"I1 never answered"}

    talk.history.append(Exchange("m3", "next", (answer("yes"),)))
    talk.stored = replace(talk.stored, inbox=[*talk.stored.inbox, ("m3", True)], user_texts=[*talk.stored.user_texts, "next"])

    assert found(run) == {"I1 never answered"}

    talk.stored = replace(talk.stored, user_texts=[*talk.stored.user_texts, "next"])

    assert found(run) == {"I1 never answered", "I3 event twice"}


def test_a_product_without_ids_and_history_is_judged_by_its_events():
    run = example(reads=Reads(has_ids=False, has_history=False))
    talk = run.talks[0]
    talk.history, talk.stored = None, replace(talk.stored, inbox=None, numbers=None)

    assert found(run) == set()

    talk.stored = replace(talk.stored, user_texts=["a question", "danger", "danger"])

    assert found(run) == {"I3 event lost", "I3 event twice"}


# I5


def test_after_another_day_only_what_is_too_much_is_found():
    run = example(loose=True)
    run.talks[0].stored = replace(run.talks[0].stored, effects=Counter({("hand_off", ("emergency",)): 1, ("diary_entry", (5,)): 1}))

    assert found(run) == set()

    run.talks[0].stored.effects[("understanding", ("doubt",))] = 1  # a session of yesterday is over, and "next" is not understood

    assert found(run) == set()

    run.talks[0].stored.effects[("diary_entry", (6,))] = 2

    assert found(run) == {"I5 too much in diary_entry"}


@pytest.mark.parametrize("logged, is_found", [("nothing of it", True), (LOST, False), (f"{LOST}: OperationalError\n{LOST}", False)])
def test_a_record_that_no_turn_waits_for_may_be_lost_where_the_log_says_so(logged, is_found):
    run = example(logs={"the log of server 1": logged})
    talk = run.talks[0]
    talk.twin.effects[("understanding", ("doubt",))] = talk.stored.effects[("understanding", ("doubt",))] + 1

    assert ("I5 lost in understanding" in found(run)) is is_found


def test_of_other_tables_no_log_excuses_a_loss():
    run = example(logs={"the log of server 1": LOST})
    run.talks[0].twin.effects[("diary_entry", (5,))] = run.talks[0].stored.effects[("diary_entry", (5,))] + 1

    assert "I5 lost in diary_entry" in found(run)


def test_the_log_is_read_for_the_words_of_the_action():
    assert LOST in (ROOT / "actions" / "feedback.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("deliveries", [[], [Delivery("o1", "first", False, "")], [Delivery("o1", "second", True, "")]])
def test_what_is_shown_as_delivered_must_have_been_taken_by_somebody(deliveries):
    run = example(deliveries=deliveries)
    run.talks[0].stored = replace(run.talks[0].stored, shown_states=frozenset({"delivered"}))

    assert {"I5 better than true", "I5 never delivered"} <= found(run)


def test_a_reply_may_not_say_delivered_either():
    run = example(deliveries=[])
    run.talks[0].messages[2].attempts[0] = replace(run.talks[0].messages[2].attempts[0], replies=({**answer("Sent."), "state": "delivered"},))

    assert "I5 better than true" in found(run)


def test_a_delivery_that_nobody_ordered_is_found_and_a_repeated_one_is_not():
    once = Delivery("o1", "first", True, "")

    assert found(example(deliveries=[once, once])) == set()
    assert found(example(deliveries=[once, replace(once, id="o2")])) == {"I5 stranger"}
