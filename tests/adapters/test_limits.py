"""How often somebody may ask, by a clock of the test."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import AsyncExitStack
from random import Random

import pytest

from sijbot.adapters.limits import CROWD_S, EVERYBODY, LONGEST_WAIT_S, LOOK_EVERY_S, LOOKS, REFUSED_WITH_CARE, SHORTEST_WAIT_S, TOO_LATE, Admission, AtOnce, Crowd, Lateness, Limits, counted_address, has_left
from sijbot.settings import Settings

MINUTE = 60.0


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def limits(clock: Clock, messages: int = 3, requests: int = 5) -> Limits:
    return Limits(Settings(messages_per_minute=messages, requests_per_minute=requests), clock)


def test_as_many_are_taken_as_may_be_and_not_one_more(clock):
    some = limits(clock)

    assert [some.message_wait_s("a") for _ in range(4)] == [0, 0, 0, 60]
    assert [some.request_wait_s("a") for _ in range(6)] == [0] * 5 + [60]


def test_every_conversation_and_every_address_has_its_own(clock):
    some = limits(clock, messages=1, requests=1)

    assert [some.message_wait_s("a"), some.message_wait_s("b"), some.request_wait_s("a"), some.request_wait_s("b")] == [0, 0, 0, 0]


@pytest.mark.parametrize("later_s, wait_s", [(0.0, 50), (0.5, 50), (1.0, 49), (49.0, 1), (49.9, 1), (50.0, 0)])
def test_the_time_to_wait_is_that_until_the_first_one_is_a_minute_old(clock, later_s, wait_s):
    some = limits(clock)
    for after_s in (0.0, 5.0, 5.0):
        clock.now_s += after_s
        some.message_wait_s("a")

    clock.now_s += later_s

    assert some.message_wait_s("a") == wait_s


def test_who_waits_as_long_as_was_said_is_taken(clock):
    some = limits(clock, messages=1)
    for _ in range(10):
        assert some.message_wait_s("a") == 0
        clock.now_s += 0.3
        clock.now_s += some.message_wait_s("a")


def test_what_is_refused_does_not_count(clock):
    some = limits(clock, messages=1)
    some.message_wait_s("a")
    for _ in range(100):
        clock.now_s += 0.5
        assert some.message_wait_s("a") > 0

    clock.now_s += 10.0

    assert some.message_wait_s("a") == 0


def test_in_no_minute_are_more_taken(clock):
    some, taken = limits(clock), []
    for _ in range(2000):
        clock.now_s += 0.7
        if some.message_wait_s("a") == 0:
            taken.append(clock.now_s)

    assert all(later - earlier >= MINUTE for earlier, later in zip(taken, taken[3:]))
    assert len(taken) > 60


def test_a_flood_begins_when_very_many_were_refused_to_an_address(clock):
    some = limits(clock)

    assert [some.is_flood("a") for _ in range(3 * REFUSED_WITH_CARE + 1)] == [False] * 3 * REFUSED_WITH_CARE + [True]
    assert not some.is_flood("b")
    clock.now_s += MINUTE
    assert not some.is_flood("a")


def test_nothing_is_kept_of_who_has_not_come_for_a_minute(clock):
    some = limits(clock)
    for number in range(10_000):
        clock.now_s += 0.01
        some.message_wait_s(f"conversation {number}")

    assert len(some) <= MINUTE / 0.01 + 1
    clock.now_s += MINUTE
    some.message_wait_s("a")
    assert len(some) == 1


@pytest.mark.parametrize(
    "address, counted",
    [
        ("192.0.2.7", "192.0.2.7"), ("2001:db8:1:2::7", "2001:db8:1:2::/64"), ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"), ("[2001:db8:1:3::7]", "2001:db8:1:3::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"), ("_hidden", "_hidden"), ("", ""),
    ],
)  # fmt: skip
def test_an_address_counts_as_one_and_an_ipv6_network_too(address, counted):
    assert counted_address(address) == counted


def test_so_many_of_an_address_are_at_work_at_a_time_and_the_others_wait():
    async def visit() -> list[int]:
        places, at_work, seen = AtOnce(2), 0, []

        async def work(address: str) -> None:
            nonlocal at_work
            async with places.of(address, 10.0):
                at_work += 1
                seen.append(at_work)
                await asyncio.sleep(0)
                at_work -= 1

        await asyncio.gather(*(work("a") for _ in range(20)))
        assert len(places) == 0
        return seen

    assert max(asyncio.run(visit())) == 2


def test_who_finds_no_place_in_time_is_told_and_takes_none_away():
    async def visit() -> None:
        places = AtOnce(1)
        async with places.of("a", 1.0):
            with pytest.raises(asyncio.TimeoutError):
                async with places.of("a", 0.01):
                    pytest.fail("there is no place")
            async with places.of("b", 0.01):
                assert len(places) == 2
        async with places.of("a", 0.01):
            assert len(places) == 1

    asyncio.run(visit())


async def settle() -> None:
    """Let everybody go as far as they come."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_who_goes_ahead_waits_for_nobody_and_one_place_is_left_for_others():
    async def visit() -> list[str]:
        places, said, ends, working = AtOnce(2), [], {name: asyncio.Event() for name in ("first", "second", "danger", "more danger", "third")}, {}

        async def work(name: str) -> None:
            async with places.ahead("a") if "danger" in name else places.of("a", 10.0):
                said.append(name)
                await ends[name].wait()

        async def end(*names: str) -> None:
            for name in names:
                ends[name].set()
                await working[name]
                await settle()

        for name in ends:
            working[name] = asyncio.ensure_future(work(name))
            await settle()
        assert places.number("a") == 3 and places.is_full("a")
        await end("first", "more danger")
        assert said == ["first", "second", "danger", "more danger"]  # one is at work beside the one who went ahead
        await end("second")
        assert said[-1] == "third"  # nor does danger take all the places
        await end("danger", "third")
        async with places.of("a", 0.01), places.of("a", 0.01):  # both are there again, and no third one
            with pytest.raises(asyncio.TimeoutError):
                async with places.of("a", 0.01):
                    pytest.fail("there is no place")
        assert len(places) == 0
        return said

    assert asyncio.run(visit()) == ["first", "second", "danger", "more danger", "third"]


def test_who_goes_ahead_where_a_place_is_free_takes_it():
    async def visit() -> None:
        places = AtOnce(1)
        async with places.ahead("a"):
            with pytest.raises(asyncio.TimeoutError):
                async with places.of("a", 0.01):
                    pytest.fail("there is no place")
        async with places.of("a", 0.01):
            assert places.number("a") == 1

    asyncio.run(visit())


def test_all_who_go_ahead_take_one_free_place_together_and_leave_it_behind():
    async def visit() -> None:
        places = AtOnce(2)
        async with places.ahead("a"), places.ahead("a"), places.ahead("a"), places.of("a", 0.01):
            assert places.is_full("a")
        async with places.ahead("a"), places.of("a", 0.01):
            pass
        assert len(places) == 0

    asyncio.run(visit())


def test_work_that_fails_gives_its_place_back():
    async def visit() -> int:
        places = AtOnce(1)
        for _ in range(3):
            with pytest.raises(ValueError):
                async with places.of("a", 0.01):
                    raise ValueError
        return len(places)

    assert asyncio.run(visit()) == 0


def test_a_loop_that_is_held_up_again_and_again_is_late_and_one_that_was_once_is_not():
    async def hold_up() -> list[float]:
        lateness, told, late = Lateness(), [], []
        watching = asyncio.ensure_future(lateness.watch(told.append))
        for number in range(1, LOOKS + 2):
            await settle()
            if number <= LOOKS:
                time.sleep(LOOK_EVERY_S + 0.05)  # what must not be done in a loop
            while len(told) < number:
                await asyncio.sleep(0)
            late.append(lateness.seconds())
        watching.cancel()
        assert min(told[:LOOKS]) >= 0.05
        return late

    *first, every_time, not_any_more = asyncio.run(hold_up())
    assert first == [0.0] * (LOOKS - 1) and every_time >= 0.05 and not_any_more < 0.05


class Late:
    """How late the event loop is, as the test says."""

    def __init__(self, late_s: float) -> None:
        self.late_s = late_s

    def seconds(self) -> float:
        return self.late_s


async def comes(admission: Admission, is_known: bool = False, alarms: bool = False) -> str:
    """Return what becomes of somebody who comes."""
    try:
        async with admission.place(is_known, lambda: alarms):
            return "taken"
    except asyncio.TimeoutError:
        return "is to come again"


DEADLINE_S = 10.0
LATE = TOO_LATE * DEADLINE_S + 0.01


@pytest.mark.parametrize(
    "at_work, late_s, comer, outcome",
    [
        (2, 0.0, {}, "waits"), (2, LATE, {}, "is to come again"), (2, LATE, {"alarms": True}, "taken"), (2, LATE, {"is_known": True}, "taken"), (2, 0.0, {"alarms": True}, "taken"),
        (1, 0.0, {}, "taken"), (0, LATE, {}, "taken"), (1, LATE, {}, "is to come again"), (1, LATE, {"alarms": True}, "taken"), (1, LATE, {"is_known": True}, "taken"),
    ],
)  # fmt: skip
def test_where_others_work_who_alarms_is_taken_and_others_wait_unless_it_is_late(at_work, late_s, comer, outcome):
    async def visit() -> str:
        late = Late(0.0)
        admission = Admission(2, 3, DEADLINE_S, late)
        async with AsyncExitStack() as there:
            for _ in range(at_work):
                await there.enter_async_context(admission.place(False, lambda: False))
            late.late_s = late_s
            coming = asyncio.ensure_future(comes(admission, **comer))
            await settle()
            if coming.done():
                return coming.result()
            assert await comes(admission) == "is to come again"  # three are there
        assert await coming == "taken"
        return "waits"

    assert asyncio.run(visit()) == outcome


@pytest.mark.parametrize("late_s", [0.0, LATE])
def test_beside_any_number_of_those_who_alarm_others_are_taken_one_after_another(late_s):
    async def visit() -> list[str]:
        admission = Admission(2, 3, 0.01, Late(late_s))
        async with AsyncExitStack() as dangers:
            async with admission._places.of(EVERYBODY, 1.0), admission._places.of(EVERYBODY, 1.0):
                for _ in range(5):
                    await dangers.enter_async_context(admission.place(False, lambda: True))
            return [await comes(admission), await comes(admission)]

    assert asyncio.run(visit()) == ["taken", "taken"]


@pytest.mark.parametrize("alarms", [False, True])
def test_where_nobody_works_a_late_loop_keeps_nobody_out_and_asks_for_nothing(alarms):
    asked = []

    async def visit() -> None:
        async with Admission(2, 3, DEADLINE_S, Late(LATE + 9)).place(False, lambda: asked.append(1) or alarms):
            pass

    asyncio.run(visit())
    assert asked == []


def waits_s(crowd: Crowd, taken: int, refused: int) -> list[int]:
    for _ in range(taken):
        crowd.taken()
    return [crowd.refused() for _ in range(refused)]


def test_the_more_are_refused_beside_each_that_is_taken_the_later_they_are_to_come_again(clock):
    calm, crowded = (Crowd(clock, Random(7)) for _ in range(2))

    assert sum(waits_s(crowded, 10, 40)) / 40 > 2 * sum(waits_s(calm, 200, 40)) / 40
    assert max(waits_s(crowded, 0, 5000)) == LONGEST_WAIT_S


def test_those_who_are_to_come_again_do_not_come_all_at_once(clock):
    found = waits_s(Crowd(clock, Random(7)), 100_000, 200)

    assert len(set(found)) > 3 and SHORTEST_WAIT_S / 2 <= min(found) and max(found) <= 2 * SHORTEST_WAIT_S


def test_a_crowd_of_long_ago_lets_nobody_wait_longer(clock):
    crowd = Crowd(clock, Random(7))
    waits_s(crowd, 1, 500)
    clock.now_s += 20 * CROWD_S

    assert waits_s(crowd, 100, 1)[0] <= 2 * SHORTEST_WAIT_S


def test_who_has_closed_the_connection_has_left_and_who_waits_has_not():
    with socket.create_server(("127.0.0.1", 0)) as serving:
        asking = socket.create_connection(serving.getsockname())
        asking.sendall(b"something to read")
        with serving.accept()[0] as asked:
            assert not has_left(asked)
            asking.close()
            assert has_left(asked)
        assert has_left(asked)
