"""The kernels with which onnxruntime runs a file on this machine."""

from __future__ import annotations

import collections
from pathlib import Path

import onnx

from compress.host_sessions import host_session, options


def kernels(model: bytes, folder: Path) -> collections.Counter[str]:
    """Returns the operators of the graph that onnxruntime runs on this CPU."""
    chosen = options()
    chosen.optimized_model_filepath = str(folder / "optimized.onnx")
    host_session(model, chosen)
    return collections.Counter(node.op_type for node in onnx.load(chosen.optimized_model_filepath).graph.node)
