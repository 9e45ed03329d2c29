"""What a file answers, and that it answers as the network it came from."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
from torch import Tensor, nn

from search_spaces.errors import LutraError
from search_spaces.networks.evaluation import Images, predict

LIMIT = 1e-4  # of the largest logit
THREADS = 2
BATCH = 100  # images at a time


def onnx_logits(model: bytes, images: np.ndarray | Images, batch: int | None = None) -> np.ndarray:
    """Logits [N, classes] of images [N, C, H, W] float32, from a file's bytes: the very file that is timed.

    By default 100 images at a time; one at a time, as on the device, where the answer depends on the batch.
    """
    batch = batch or (1 if depends_on_batch(model) else BATCH)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # others may need the core
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    parts = (np.ascontiguousarray(images[start : start + batch]) for start in range(0, len(images), batch))
    return np.concatenate([session.run(None, {"image": part})[0] for part in parts])


def depends_on_batch(model: bytes) -> bool:
    """Whether a file quantizes activations by the range that they have in the batch (dynamic INT8)."""
    return any(node.op_type.startswith("DynamicQuantize") for node in onnx.load_from_string(model).graph.node)


def parity(network: nn.Module, model: bytes, images: Tensor | Images) -> float:
    """The largest difference between torch's and onnxruntime's logits, as a fraction of max(1, largest |logit|)."""
    ours = predict(network, images).numpy()
    difference = np.abs(ours - onnx_logits(model, images.numpy())).max()
    return float(difference / max(1.0, np.abs(ours).max()))


def agreement(logits: np.ndarray, others: np.ndarray) -> float:
    """The share of images whose prediction is the same by logits [N, classes] of two files."""
    return float((logits.argmax(1) == others.argmax(1)).mean())


def check_parity(network: nn.Module, model: bytes, images: Tensor | Images) -> float:
    """The parity, or a LutraError where it is beyond 1e-4 or no number."""
    error = parity(network, model, images)
    if not error <= LIMIT:
        raise LutraError(
            f"the ONNX file answers {error:.2g} off its network (limit {LIMIT:g} of the largest logit): "
            "it is damaged or another network's; delete it and run the same command again"
        )
    return error
