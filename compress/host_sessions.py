"""Sessions of onnxruntime on the host, with as many threads as torch has."""

from __future__ import annotations

import onnxruntime
import torch

from predictors.agent.runtimes import onnxruntime as board


def options() -> onnxruntime.SessionOptions:
    """Options whose threads stop between inferences, which leaves the cores to others."""
    return board.options(torch.get_num_threads())


def host_session(file: bytes | str, chosen: onnxruntime.SessionOptions | None = None) -> onnxruntime.InferenceSession:
    """Opens a file, given as bytes or by its path."""
    return onnxruntime.InferenceSession(file, chosen or options(), providers=["CPUExecutionProvider"])
