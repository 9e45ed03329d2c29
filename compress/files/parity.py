"""The outputs of a file, and their parity with the network that it was made from."""

from __future__ import annotations

import numpy as np
from torch import Tensor, nn

from compress.quantization.calibration import THREADS
from compress.runtimes import runtime_of_file
from search_spaces.errors import LutraError
from search_spaces.networks.evaluation import Images, predict

LIMIT = 1e-4  # of the largest logit
BATCH = 100  # images at a time


def file_logits(model: bytes, images: np.ndarray | Images, batch: int | None = None) -> np.ndarray:
    """Logits [N, classes] of images [N, C, H, W] float32, from the bytes of any runtime's file, the same that is timed.

    By default 100 images at a time; one at a time, as on the device, if the output depends on the batch.
    """
    runtime = runtime_of_file(model)
    batch = batch or (1 if runtime.depends_on_batch(model) else BATCH)
    answer = runtime.session(model, THREADS)
    return np.concatenate(
        [answer(np.ascontiguousarray(images[start : start + batch])) for start in range(0, len(images), batch)]
    )


def parity(network: nn.Module, model: bytes, images: Tensor | Images) -> float:
    """The largest difference between torch's logits and the file's, as a fraction of max(1, largest |logit|)."""
    ours = predict(network, images).numpy()
    difference = np.abs(ours - file_logits(model, images.numpy())).max()
    return float(difference / max(1.0, np.abs(ours).max()))


def agreement(logits: np.ndarray, others: np.ndarray) -> float:
    """The fraction of images for which the logits [N, classes] of two files give the same prediction."""
    return float((logits.argmax(1) == others.argmax(1)).mean())


def check_parity(network: nn.Module, model: bytes, images: Tensor | Images) -> float:
    """The parity. Raises LutraError if it exceeds 1e-4 or is not a number."""
    error = parity(network, model, images)
    if not error <= LIMIT:
        raise LutraError(
            f"the file's output differs from its network's by {error:.2g} (limit {LIMIT:g} of the largest logit): "
            "it is damaged or another network's; delete it and run the same command again"
        )
    return error
