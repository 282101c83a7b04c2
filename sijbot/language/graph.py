"""What the committed ONNX graphs share: how they are opened, and a memory of the texts that were just read, so that a message is read once a turn."""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import Callable, Generic, TypeVar

import onnxruntime

Result = TypeVar("Result")


def open_graph(path: Path, threads: int = 1) -> onnxruntime.InferenceSession:
    """Return the graph, run on so many threads at most, which rest between two runs.

    Raises: onnxruntime's own error where the file is missing or no graph.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = min(threads, os.cpu_count() or 1), 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class Remembered(Generic[Result]):
    """What `read` returns for a text; the last so many are kept by the hash of their text, never the text. May be called from several threads."""

    def __init__(self, read: Callable[[str], Result], most: int) -> None:
        self._read, self._most = read, most
        self._results: OrderedDict[bytes, Result] = OrderedDict()
        self._lock = Lock()  # the channel reads on a thread, the gate on the event loop

    def __call__(self, text: str) -> Result:
        encoded = text.encode("utf-8", "replace")  # without lone surrogates
        key = hashlib.blake2b(encoded, digest_size=16).digest()
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
                return self._results[key]
        result = self._read(encoded.decode("utf-8"))
        with self._lock:
            self._results[key] = result
            if len(self._results) > self._most:
                self._results.popitem(last=False)
        return result
