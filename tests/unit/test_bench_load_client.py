"""The people of a load measurement do as the page does, and their time counts from the moment of typing. On a clock that stands still between answers."""

from __future__ import annotations

import asyncio
import base64
import json
from heapq import heappop, heappush
from itertools import count
from typing import Optional

import pytest

from sijbot.bench_load_client import Answer, Talk, Tally, conversation_of, digest, pressed
from sijbot.bench_load_figures import ANSWERED, NOBODY, SHED, Outcome, losses
from sijbot.bench_load_plan import OPENED, QUESTION, RELOADED, Message, Person, Step

REPLY = {"kind": "text", "text": "An answer.", "buttons": []}
FAULT = {"kind": "fault", "text": "That did not work.", "buttons": []}
CARD = {"kind": "care_card", "text": "Call now.", "buttons": []}
IDLE_ROUNDS = 10  # of the event loop, after which everybody waits


def token_of(conversation: str, mark: str = "") -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"sub": conversation}).encode()).decode().rstrip("=")
    return f"head{mark}.{claims}.signature"


class StillClock:
    """Goes on to the next moment that somebody waits for, when everybody waits."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._waiting: list[tuple[float, int, asyncio.Future]] = []
        self._number = count()

    def now(self) -> float:
        return self.now_s

    async def until(self, moment_s: float) -> None:
        moment = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (moment_s, next(self._number), moment))
        await moment

    async def go_on(self) -> None:
        """Go on for ever."""
        while True:
            for _ in range(IDLE_ROUNDS):
                await asyncio.sleep(0)
            if self._waiting:
                moment_s, _, moment = heappop(self._waiting)
                self.now_s = max(self.now_s, moment_s)
                moment.set_result(None)


class Server:
    """Answers each message after some seconds, with what it is given; keeps what was asked, and the history."""

    def __init__(self, clock: StillClock, *answers: Answer, takes_s: float = 0.0) -> None:
        self.clock, self.answers, self.takes_s = clock, list(answers), takes_s
        self.asked: list[dict] = []
        self.history: list[dict] = []

    async def ask(self, method: str, path: str, body: Optional[dict], token: Optional[str], address: str) -> Answer:
        if path == "conversations":
            return Answer(200, {"token": token_of("first"), "replies": [REPLY]})
        if path == "history":
            return Answer(200, {"messages": [{"message_id": None, "replies": [REPLY]}, *self.history]})
        self.asked.append({**body, "at_s": self.clock.now(), "token": token})
        await self.clock.until(self.clock.now() + self.takes_s)
        answer = self.answers.pop(0) if self.answers else Answer(200, {"replies": [REPLY]})
        if answer.said == ANSWERED:
            self.history.append({"message_id": body["message_id"], "replies": answer.body["replies"]})
        return answer


def talk(*answers: Answer, moments=(1.0,), takes_s=0.0, ends_s=1000.0, step=Step(QUESTION, "why"), is_reloaded=False) -> tuple[list[Outcome], Server, Talk]:
    clock, outcomes = StillClock(), []
    server = Server(clock, *answers, takes_s=takes_s)
    person = Person(3, 0.0, "uk", tuple(Message(due_s, step, is_reloaded) for due_s in moments))
    talking = Talk(person, server.ask, clock, ends_s, outcomes.append, seed=5)

    async def run() -> None:
        going_on = asyncio.ensure_future(clock.go_on())
        await talking.run()
        going_on.cancel()

    asyncio.run(run())
    return outcomes, server, talking


def messages(outcomes: list[Outcome]) -> list[Outcome]:
    return [outcome for outcome in outcomes if outcome.kind not in (OPENED, RELOADED)]


def test_what_waits_in_the_page_counts_from_the_moment_of_typing():
    outcomes, _, _ = talk(moments=(1.0, 2.0, 3.0), takes_s=10.0)

    assert [outcome.done_s - outcome.due_s for outcome in messages(outcomes)] == [10.0, 19.0, 28.0]
    assert [outcome.sent_s for outcome in messages(outcomes)] == [1.0, 11.0, 21.0]


@pytest.mark.parametrize("takes_s", [0.0, 0.5, 30.0])
def test_how_fast_the_answers_are_moves_no_message(takes_s):
    outcomes, server, _ = talk(moments=(1.0, 2.0, 3.0), takes_s=takes_s)

    assert [outcome.due_s for outcome in messages(outcomes)] == [1.0, 2.0, 3.0]
    assert len(server.asked) == 3


def test_only_a_message_that_nothing_held_up_tells_of_the_generator():
    outcomes, _, _ = talk(moments=(1.0, 2.0, 20.0), takes_s=10.0)

    assert [outcome.lag_s for outcome in messages(outcomes)] == [0.0, None, None]


def test_what_was_not_done_is_sent_again_with_the_same_id_after_the_time_that_was_said():
    outcomes, server, _ = talk(Answer(503, {"replies": [FAULT]}, 4.0), takes_s=0.5)

    (outcome,) = messages(outcomes)
    assert [each["message_id"] for each in server.asked] == ["5-000003-00"] * 2
    assert [each["at_s"] for each in server.asked] == [1.0, 5.5]
    assert (outcome.first_s, outcome.done_s, outcome.tries) == (1.5, 6.0, ("503", ANSWERED))


def test_a_message_does_not_wait_for_one_that_is_to_be_sent_again_later():
    outcomes, server, _ = talk(Answer(429, {"replies": [FAULT]}, 30.0), moments=(1.0, 2.0), takes_s=0.5)

    assert [(each["message_id"][-2:], each["at_s"]) for each in server.asked] == [("00", 1.0), ("01", 2.0), ("00", 31.5)]
    assert sorted(outcome.done_s for outcome in messages(outcomes)) == [2.5, 32.0]


def test_a_refusal_with_a_card_is_shed_and_heard():
    outcomes, _, _ = talk(Answer(429, {"replies": [CARD, FAULT]}, 2.0))

    (outcome,) = messages(outcomes)
    assert outcome.tries == (SHED, ANSWERED) and outcome.has_card and outcome.is_failure_seen


@pytest.mark.parametrize(
    "answer, said",
    [
        pytest.param(Answer(0, {}), NOBODY, id="nobody"),
        pytest.param(Answer(502, {}), "502 without a sentence", id="a proxy alone"),
        pytest.param(Answer(429, {}), "429 without a sentence", id="a refusal without a word"),
        pytest.param(Answer(200, {"replies": []}), "200 without a sentence", id="an empty answer"),
        pytest.param(Answer(200, {"replies": [FAULT]}), "200 with a fault", id="a fault that says it is none"),
    ],
)
def test_what_is_no_answer_is_an_error_and_tried_again(answer, said):
    outcomes, server, _ = talk(answer)

    (outcome,) = messages(outcomes)
    assert outcome.tries == (said, ANSWERED) and len(server.asked) == 2 and outcome.is_failure_seen


def test_a_message_is_given_up_in_the_end():
    outcomes, _, _ = talk(*[Answer(503, {"replies": [FAULT]}, 10.0)] * 50)

    (outcome,) = messages(outcomes)
    assert outcome.done_s is None and outcome.first_s == 1.0 and len(outcome.tries) == 6


def test_nothing_is_sent_when_the_time_is_over():
    outcomes, server, _ = talk(moments=(1.0, 2.0), takes_s=100.0, ends_s=50.0)

    assert len(server.asked) == 1 and messages(outcomes)[1].sent_s is None and messages(outcomes)[1].is_failure_seen


def test_a_page_that_is_loaded_again_reads_the_history_first():
    outcomes, _, _ = talk(is_reloaded=True)

    assert [outcome.kind for outcome in outcomes] == [OPENED, RELOADED, QUESTION] and outcomes[1].tries == (ANSWERED,)


def test_the_token_of_another_country_goes_with_the_next_message():
    _, server, talking = talk(Answer(200, {"replies": [REPLY], "token": token_of("first", "2")}), moments=(1.0, 2.0))

    assert [each["token"] for each in server.asked] == [token_of("first"), token_of("first", "2")]
    (kept,) = asyncio.run(talking.kept())
    assert kept.acknowledged == ("5-000003-00", "5-000003-01") and not kept.is_erased


def test_a_new_conversation_says_that_the_old_one_was_erased():
    server_answer = Answer(200, {"replies": [REPLY], "token": token_of("second")})
    _, _, talking = talk(server_answer, moments=(1.0, 2.0))

    first, second = asyncio.run(talking.kept())
    assert first.is_erased and first.sent == ("5-000003-00",) and second.sent == ("5-000003-01",)


def test_a_conversation_that_nobody_knows_any_more_is_begun_anew():
    outcomes, server, _ = talk(Answer(401, {"replies": [FAULT]}))

    (outcome,) = messages(outcomes)
    assert outcome.tries == ("401", ANSWERED) and len(server.asked) == 2


def test_a_button_that_is_worth_nothing_goes_on_in_words():
    button = {"title": "Yes", "payload": "signed"}
    first = Answer(200, {"replies": [{**REPLY, "buttons": [button]}]})
    outcomes, server, _ = talk(first, Answer(400, {"replies": [FAULT]}), moments=(1.0, 2.0), step=Step(QUESTION, "yes", is_named=True))

    assert [(each.get("payload"), each.get("message")) for each in server.asked] == [(None, "yes"), ("signed", None), (None, "Yes")]


def test_replies_that_changed_are_seen_at_the_end():
    _, server, talking = talk()
    server.history[0]["replies"] = [{**REPLY, "text": "Another answer."}]

    assert losses(asyncio.run(talking.kept())).different == 1


def test_buttons_signed_anew_are_the_same_replies():
    assert digest([{**REPLY, "buttons": [{"title": "Yes", "payload": "one"}]}]) == digest([{**REPLY, "buttons": [{"title": "Yes", "payload": "two"}]}])


YES, NO = {"title": "Yes", "payload": "y"}, {"title": "No", "payload": "n"}


@pytest.mark.parametrize(
    "step, button",
    [
        pytest.param(Step(QUESTION, "no", is_named=True), NO, id="by its title"),
        pytest.param(Step(QUESTION, "2", is_named=True), NO, id="by its number"),
        pytest.param(Step(QUESTION, "3", is_named=True), None, id="a number that is not there"),
        pytest.param(Step(QUESTION, "0", is_named=True), None, id="no number of a button"),
        pytest.param(Step(QUESTION, "why", pick=3), NO, id="any"),
        pytest.param(Step(QUESTION, "no"), None, id="typed"),
    ],
)
def test_the_button_that_is_pressed(step, button):
    assert pressed(step, [YES, NO]) == button
    assert pressed(step, []) is None


def test_a_token_says_whose_it_is():
    assert conversation_of(token_of("abc")) == "abc"


def test_progress_counts_what_was_typed_and_what_came_of_it():
    tally = Tally([1.0, 2.0, 3.0, 99.0])
    tally.count(Outcome(1, OPENED, 0.0, 0.0, 0.1, 0.1, (ANSWERED,)))
    tally.count(Outcome(1, QUESTION, 1.0, 1.0, 1.5, 1.5, (ANSWERED,)))
    tally.count(Outcome(1, QUESTION, 2.0, 2.0, 2.5, 4.0, (SHED, NOBODY, ANSWERED)))

    said = tally.progress(5.0)

    assert (said["typed"], said["open"], said["shed"], said["errors"], said["conversations"]) == (3, 1, 1, 1, 1)
    assert (said["p50_ms"], said["p95_ms"]) == (500.0, 2000.0)
    assert tally.progress(12.0)["p50_ms"] == 2000.0
