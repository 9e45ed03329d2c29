"""The outputs of a file, and their parity with the network that it was made from."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from compress.runtimes import runtime_of_file
from search_spaces.errors import LutraError
from search_spaces.networks.evaluation import Images, predict
from search_spaces.networks.resizing import resized_array

LIMIT = 1e-4  # as a fraction of the largest logit
BATCH = 100  # images at a time


def file_logits(model: bytes, images: np.ndarray | Images, batch: int | None = None) -> np.ndarray:
    """Logits [N, classes] for images [N, C, H, W] float32, computed by a file of any runtime, given as bytes.

    Files that take pixels are given `Images`, or uint8, and answer with probabilities. By default 100 images at a time;
    one at a time, as on the device, if the output depends on the batch.
    """
    runtime = runtime_of_file(model)
    batch = batch or (1 if runtime.depends_on_batch(model) else BATCH)
    answer = runtime.session(model, torch.get_num_threads())
    take = images.raw if isinstance(images, Images) and runtime.takes_pixels(model) else images.__getitem__
    parts = (take(slice(start, start + batch)) for start in range(0, len(images), batch))
    return np.concatenate([answer(np.ascontiguousarray(part)) for part in parts])


def parity(network: nn.Module, model: bytes, images: Tensor | Images) -> float:
    """The largest difference between torch's logits and the file's, as a fraction of max(1, largest |logit|)."""
    ours = predict(network, images).numpy()
    difference = np.abs(ours - file_logits(model, images.numpy())).max()
    return float(difference / max(1.0, np.abs(ours).max()))


def with_pixels(file: bytes, images: Images) -> bytes:
    """A file that normalises: it takes pixels, and outputs probabilities. `images`: some that it is checked on.

    Raises LutraError if it does not answer as the given file.
    """
    runtime = runtime_of_file(file)
    made = bytes(runtime.with_pixels(file, images.scale.flatten().numpy(), images.shift.flatten().numpy()))
    pixels = resized_array(images.raw(slice(None)).numpy(), runtime.pixels(file))
    normalised = (pixels.astype(np.float32) / images.scale.numpy() - images.shift.numpy()).astype(np.float32)
    logits = file_logits(file, normalised).astype(np.float64)
    powers = np.exp(logits - logits.max(1, keepdims=True))
    error = float(np.abs(file_logits(made, pixels) - powers / powers.sum(1, keepdims=True)).max())
    if not error <= LIMIT:
        raise LutraError(
            f"the file with normalisation inside differs by {error:.2g} (limit {LIMIT:g}): "
            "leave compress.inside at false"
        )
    return made


def agreement(logits: np.ndarray, others: np.ndarray) -> float:
    """The fraction of images for which the logits [N, classes] of two files give the same prediction."""
    return float((logits.argmax(1) == others.argmax(1)).mean())


def check_parity(network: nn.Module, model: bytes, images: Tensor | Images) -> float:
    """The parity. Raises LutraError if it exceeds 1e-4 or is not a number."""
    error = parity(network, model, images)
    if not error <= LIMIT:
        raise LutraError(
            f"the file's output differs from its network's by {error:.2g} (limit {LIMIT:g} of the largest logit): "
            "it is damaged or belongs to another network; delete it and run the same command again"
        )
    return error
