"""How the committed ONNX graphs are opened."""

from __future__ import annotations

import os
from pathlib import Path

import onnxruntime


def open_graph(path: Path, threads: int = 1) -> onnxruntime.InferenceSession:
    """Return the graph, run on so many threads at most, which rest between two runs.

    Raises: onnxruntime's own error where the file is missing or no graph.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = min(threads, os.cpu_count() or 1), 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
