"""A file's outputs on the board, for comparison with its outputs on the host."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from predictors.board.answer_validation import BadAnswer
from predictors.board.device import Board


def outputs(board: Board, files: Mapping[str, bytes], images: np.ndarray) -> dict[str, np.ndarray]:
    """Each file's first output [N, classes] float32 for images [N, C, H, W], run one at a time.

    The images are normalised; for files that take pixels they are uint8. The numbers are exactly those that the board
    computed (for several boards: the first). Raises LutraError for a file that cannot run, or an offline board.
    """
    found = {}
    for name, onnx in files.items():
        board.load(name, onnx)
        answers = [board.ask("outputs", name=name, image=image[None].tolist())["output"] for image in images]
        if len({len(row) for answer in answers for row in answer}) > 1:
            raise BadAnswer(f"the board sent an invalid answer to 'outputs': rows of {name} differ in length")
        found[name] = np.concatenate(answers).astype(np.float32)
    return found
