"""How often somebody may ask: moving windows of a minute, in the memory of this process.

Of our own, since the library for it that installs beside Rasa (limits 2.4) keeps the key of everybody who ever came, walks through all of them on a thread a hundred times a
second, and takes the latest request of a window for its beginning, so that the time to wait is too long.
"""

from __future__ import annotations

import asyncio
import math
import select
import time
from bisect import bisect_right
from collections import OrderedDict, deque
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from itertools import takewhile
from random import Random
from typing import Any, AsyncIterator, Callable, Iterator

from sijbot.settings import Settings

WINDOW_S = 60.0
CROWD_S, SHORTEST_WAIT_S, LONGEST_WAIT_S, STEEPNESS = 10.0, 5.0, 120.0, 4  # the last: who comes again too early takes the time of those who come for the first time, until nobody is answered
LOOK_EVERY_S, LOOKS = 0.1, 3
TOO_LATE = 0.1  # of the time for which one waits for a place. Where the event loop is later, one at work keeps it busy, beside those who alarm, and these are heard soon only where no more are taken
_LEFT = getattr(select, "POLLRDHUP", 0)  # of Linux
NETWORK_BITS = 64  # of an IPv6 address: one customer has all of such a network
# So many times what a conversation may send are refused to one address with some care: the danger in them is heard, at 0.5 ms a message and up to 22 ms for a long one, and
# they are answered at once. Of more than that no person is the author: they cost a millisecond each, and who sends them waits for a second.
REFUSED_WITH_CARE = 4


class Limits:
    """Counts the requests of each address, and the messages of each conversation. now: a clock that only goes forward, in seconds."""

    def __init__(self, settings: Settings, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._settings = now, settings
        self._taken: OrderedDict[tuple[str, str], list[float]] = OrderedDict()  # when, by who; who was taken last stands last

    def __len__(self) -> int:
        return len(self._taken)

    def request_wait_s(self, address: str) -> int:
        """Count a request, and return 0, or in how many seconds one is taken again."""
        return self._wait_s(("address", address), self._settings.requests_per_minute)

    def message_wait_s(self, conversation_id: str) -> int:
        """Count a message, and return 0, or in how many seconds one is taken again."""
        return self._wait_s(("conversation", conversation_id), self._settings.messages_per_minute)

    def is_flood(self, address: str) -> bool:
        """Count a request that is refused, and return whether there were too many of these."""
        return self._wait_s(("refused", address), REFUSED_WITH_CARE * self._settings.messages_per_minute) > 0

    def _wait_s(self, who: tuple[str, str], most: int) -> int:
        now = self._now()
        begin = now - WINDOW_S
        for idle in [each for each, _ in takewhile(lambda entry: entry[1][-1] <= begin, self._taken.items())]:
            del self._taken[idle]
        times = self._taken.get(who, [])
        del times[: bisect_right(times, begin)]
        if len(times) >= most:
            return max(1, math.ceil(times[0] - begin))
        times.append(now)
        self._taken[who] = times
        self._taken.move_to_end(who)
        return 0


EVERYBODY = ""  # in place of an address


class AtOnce:
    """Lets so many requests of one address be at work at a time; others of it wait for their turn, and nobody else for them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._busy: dict[str, _Places] = {}

    def __len__(self) -> int:
        return len(self._busy)

    def is_full(self, address: str = EVERYBODY) -> bool:
        """Return whether one more would have to wait."""
        places = self._busy.get(address)
        return places is not None and places.number + (places.ahead > 0) >= self._most

    def number(self, address: str = EVERYBODY) -> int:
        """Return how many work in a place or wait for one, without those who went ahead."""
        return self._busy[address].number if address in self._busy else 0

    @asynccontextmanager
    async def of(self, address: str, deadline_s: float) -> AsyncIterator[None]:
        """Wait for a place of the address, and give it back at the end.

        Raises: asyncio.TimeoutError, where none is free in time.
        """
        with self._kept(address) as places:
            places.number += 1
            try:
                await asyncio.wait_for(places.free.acquire(), deadline_s)
                try:
                    yield
                finally:
                    places.give_back()
            finally:
                places.number -= 1

    @asynccontextmanager
    async def ahead(self, address: str = EVERYBODY) -> AsyncIterator[None]:
        """Be at work at once, whether a place is free or not.

        All who are ahead have one place together, which others then wait for; of two or more the rest is for others, or in a crowd with some danger in it nobody else would ever be answered.
        """
        with self._kept(address) as places:
            places.ahead += 1
            if places.ahead == 1:
                places.is_owed = places.free.locked()
                if not places.is_owed:
                    await places.free.acquire()
            try:
                yield
            finally:
                places.ahead -= 1
                if not places.ahead:
                    places.give_back()

    @contextmanager
    def _kept(self, address: str) -> Iterator[_Places]:
        places = self._busy.setdefault(address, _Places(asyncio.Semaphore(self._most)))
        try:
            yield places
        finally:
            if not places.number and not places.ahead:
                self._busy.pop(address, None)


@dataclass
class _Places:
    """Those of one address. number: of those who work in a place or wait for one; ahead: of those who went ahead; is_owed: whether the next place that is given back is for these."""

    free: asyncio.Semaphore
    number: int = 0
    ahead: int = 0
    is_owed: bool = False

    def give_back(self) -> None:
        if self.is_owed:
            self.is_owed = False
        else:
            self.free.release()


class Crowd:
    """Says how long somebody who is not taken should wait: the longer, the more are refused beside each that is taken, so that they come again no faster than they can be taken.

    now: a clock that only goes forward, in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic, chance: Random = Random()) -> None:
        self._now, self._chance = now, chance
        self._taken = self._refused = 0.0  # lately: what is longer ago than CROWD_S counts for a third, and so on
        self._at = now()

    def taken(self) -> None:
        """Count somebody who is taken."""
        self._fade()
        self._taken += 1

    def refused(self) -> int:
        """Count somebody who is not taken, and return in how many seconds to come again: not the same for all, or all would come again at once."""
        self._fade()
        self._refused += 1
        wait_s = SHORTEST_WAIT_S * (1 + STEEPNESS * self._refused / max(1.0, self._taken))
        return round(min(LONGEST_WAIT_S, wait_s * self._chance.uniform(0.5, 1.5)) + 0.5)

    def _fade(self) -> None:
        now = self._now()
        share = math.exp((self._at - now) / CROWD_S)
        self._taken, self._refused, self._at = self._taken * share, self._refused * share, now


class Lateness:
    """Measures how late the event loop is, which is for how long anything waits that it has to do. now: the clock that the loop goes by, in seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._latest: deque[float] = deque((0.0,) * LOOKS, LOOKS)

    def seconds(self) -> float:
        """Return how late it was at least, at the latest looks: of a process that stood still once and goes on, nothing is to be held up."""
        return min(self._latest)

    async def watch(self, tell: Callable[[float], None]) -> None:
        """Look for ever, and tell each time how late it was; for a task of its own."""
        while True:
            due = self._now() + LOOK_EVERY_S
            await asyncio.sleep(LOOK_EVERY_S)
            self._latest.append(max(0.0, self._now() - due))
            tell(self._latest[-1])


class Admission:
    """Says who is taken at once, who waits, and who is to come again, so that there is always time to hear danger.

    most_at_work: at once; most_waiting: those at work and those who wait; deadline_s: for how long one waits; lateness: of the event loop.
    """

    def __init__(self, most_at_work: int, most_waiting: int, deadline_s: float, lateness: Lateness) -> None:
        self._places, self._most_waiting, self._deadline_s, self._lateness = AtOnce(most_at_work), most_waiting, deadline_s, lateness

    @property
    def is_crowded(self) -> bool:
        """Whether one more would be one too many at once."""
        return self._places.is_full() or (self._is_late and self._places.number() > 0)

    @property
    def _is_late(self) -> bool:
        return self._lateness.seconds() > TOO_LATE * self._deadline_s

    def place(self, is_known: bool, alarms: Callable[[], bool]) -> AbstractAsyncContextManager:
        """Return what to wait for before a message is taken; where there is no place, one that alarms goes ahead, and one that is known to be at work takes none.

        alarms: asked only where it matters. Raises: asyncio.TimeoutError, where it would be too long; waiting raises it too.
        """
        if self.is_crowded:
            if is_known:
                return nullcontext()
            if alarms():
                return self._places.ahead()
            if self._is_late or self._places.number() >= self._most_waiting:
                raise asyncio.TimeoutError
        return self._places.of(EVERYBODY, self._deadline_s)


def has_left(connection: Any) -> bool:
    """Return whether a socket is closed, or the other side has closed it. Where the system does not tell of the latter, nobody has left."""
    if connection.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(connection, _LEFT)
    return any(found & _LEFT for _, found in poll.poll(0))


def counted_address(address: str) -> str:
    """Return the address under which somebody is counted: of an IPv6 one its network."""
    try:
        known = ip_address(address.strip("[]"))
    except ValueError:
        return address
    if known.version == 4:
        return str(known)
    return str(known.ipv4_mapped or ip_network((int(known), NETWORK_BITS), strict=False))
