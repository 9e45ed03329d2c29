"""The memory that a file needs on the board: the peak resident memory of a process that only runs this file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from predictors.board.device import Board, as_arguments


@dataclass(frozen=True)
class Memory:
    """The memory of a new process that opens one deployed file and runs it on single images; None where unknown."""

    peak_bytes: int | None  # peak resident memory
    runtime_bytes: int | None  # peak before the file was opened: Python, numpy and the runtime

    @property
    def model_bytes(self) -> int | None:
        """The increase of the peak due to the file; includes the runtime's first session, 11 MB or more on x86."""
        return None if self.peak_bytes is None or self.runtime_bytes is None else self.peak_bytes - self.runtime_bytes


def peak_memory(board: Board, files: Mapping[str, bytes]) -> dict[str, Memory]:
    """The memory of each file by name, on the board (for several boards: the first); unknown on an offline board.

    Raises LutraError for a file that cannot run, Unreachable if the connection broke.
    """
    answers = {name: board.ask("peak_memory", **as_arguments(name, file, board)) for name, file in files.items()}
    return {name: Memory(answer["peak"], answer["runtime"]) for name, answer in answers.items()}
