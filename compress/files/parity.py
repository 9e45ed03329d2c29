"""What a file answers, and that it answers as the network it came from."""

from __future__ import annotations

import numpy as np
import onnx
from torch import Tensor, nn

from compress.quantization.calibration import THREADS
from compress.runtimes import onnxruntime, runtime_of_file
from search_spaces.errors import LutraError
from search_spaces.networks.evaluation import Images, predict

LIMIT = 1e-4  # of the largest logit
BATCH = 100  # images at a time


def file_logits(model: bytes, images: np.ndarray | Images, batch: int | None = None) -> np.ndarray:
    """Logits [N, classes] of images [N, C, H, W] float32, from the bytes of any runtime's file: the one that is timed.

    By default 100 images at a time; one at a time, as on the device, where the answer depends on the batch.
    """
    batch = batch or (1 if depends_on_batch(model) else BATCH)
    answer = runtime_of_file(model).session(model, THREADS)
    return np.concatenate(
        [answer(np.ascontiguousarray(images[start : start + batch])) for start in range(0, len(images), batch)]
    )


def depends_on_batch(model: bytes) -> bool:
    """Whether a file quantizes activations by the range that they have in the batch (dynamic INT8)."""
    if not onnxruntime.owns(model):
        return False
    return any(node.op_type.startswith("DynamicQuantize") for node in onnx.load_from_string(model).graph.node)


def parity(network: nn.Module, model: bytes, images: Tensor | Images) -> float:
    """The largest difference between torch's logits and the file's, as a fraction of max(1, largest |logit|)."""
    ours = predict(network, images).numpy()
    difference = np.abs(ours - file_logits(model, images.numpy())).max()
    return float(difference / max(1.0, np.abs(ours).max()))


def agreement(logits: np.ndarray, others: np.ndarray) -> float:
    """The share of images whose prediction is the same by logits [N, classes] of two files."""
    return float((logits.argmax(1) == others.argmax(1)).mean())


def check_parity(network: nn.Module, model: bytes, images: Tensor | Images) -> float:
    """The parity, or a LutraError where it is beyond 1e-4 or no number."""
    error = parity(network, model, images)
    if not error <= LIMIT:
        raise LutraError(
            f"the file answers {error:.2g} off its network (limit {LIMIT:g} of the largest logit): "
            "it is damaged or another network's; delete it and run the same command again"
        )
    return error
