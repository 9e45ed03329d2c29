"""What a file needs of the board's memory: the most that a process of its own has resident while it runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from predictors.board.device import Board, as_arguments


@dataclass(frozen=True)
class Memory:
    """Of a fresh process that opens one file, as it is deployed, and runs it on single images; None is unknown."""

    peak_bytes: int | None  # resident at most
    runtime_bytes: int | None  # of these, before the file was opened: Python, numpy and the runtime

    @property
    def model_bytes(self) -> int | None:
        """What the file added to the peak: 11 MB and more on an x86 CPU, since onnxruntime's first session counts."""
        return None if self.peak_bytes is None or self.runtime_bytes is None else self.peak_bytes - self.runtime_bytes


def peak_memory(board: Board, files: Mapping[str, bytes]) -> dict[str, Memory]:
    """Of every file by name, on the board (of a fleet: the first); unknown on one that cannot be asked live.

    Raises LutraError for a file that cannot be run, Unreachable where the connection broke.
    """
    answers = {name: board.ask("peak_memory", **as_arguments(name, file, board)) for name, file in files.items()}
    return {name: Memory(answer["peak"], answer["runtime"]) for name, answer in answers.items()}
