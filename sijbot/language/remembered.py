"""A memory of the texts that were just read, so that a message is read once a turn."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock
from typing import Callable, Generic, TypeVar

Result = TypeVar("Result")


class Remembered(Generic[Result]):
    """What `read` returns for a text; the last so many are kept by the hash of their text, never the text. May be called from several threads."""

    def __init__(self, read: Callable[[str], Result], most: int) -> None:
        self._read, self._most = read, most
        self._results: OrderedDict[bytes, Result] = OrderedDict()
        self._lock = Lock()  # the channel reads on a thread, the gate on the event loop

    def __call__(self, text: str) -> Result:
        key = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
                return self._results[key]
        result = self._read(text)
        with self._lock:
            self._results[key] = result
            if len(self._results) > self._most:
                self._results.popitem(last=False)
        return result
