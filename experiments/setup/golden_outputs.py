"""Golden outputs: before files are timed, the device must compute what the host computes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from compress.files.parity import file_logits
from compress.runtimes import runtime_of_file
from predictors.board.device import Board
from predictors.board.outputs import outputs
from search_spaces.errors import LutraError
from search_spaces.networks.resizing import resized_array

LIMIT = 0.05  # of the largest logit: some INT8 steps, because kernels of another CPU round differently


def difference(images: np.ndarray, board: Board, files: Mapping[str, bytes]) -> float:
    """The largest difference of a file's logits for `images`, [n, channels, height, width], between device and host.

    It is a fraction of the file's largest logit. Raises LutraError if it exceeds LIMIT: the device then computes
    something else.
    """
    worst = 0.0
    for name, file in files.items():
        sized = resized_array(images, runtime_of_file(file).pixels(file))
        answer = outputs(board, {name: file}, sized)[name]
        expected = file_logits(file, sized, batch=1)
        if answer.shape != expected.shape:
            raise LutraError(f"{name} outputs {answer.shape} on the device and {expected.shape} here")
        off = float(np.abs(answer - expected).max() / max(1.0, np.abs(expected).max()))
        if not off <= LIMIT:
            raise LutraError(
                f"the device's output for {name} differs from the host's by {off:.2g} (limit {LIMIT:g} of the "
                "largest logit): it may have another version of the runtime, or INT8 may saturate on one of them: "
                "compress.quantize.reduce_range=true"
            )
        worst = max(worst, off)
    return worst
