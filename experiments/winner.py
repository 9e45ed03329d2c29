"""The winner of a search, as its folder keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from experiments.json_records import read_record
from search_spaces.errors import LutraError
from search_spaces.space import Arch

WINNER = "winner.json"


@dataclass(frozen=True)
class Winner:
    """What a search found. Latencies are predicted seconds, accuracies fractions of the validation images."""

    arch: Arch
    accuracy: float
    latency: float
    score: float
    objective: str


def read_winner(folder: Path) -> Winner:
    """The winner in a search's folder. Raises LutraError where the folder is of no search."""
    if not (folder / WINNER).exists():
        raise LutraError(f"{folder} holds no {WINNER}: run= takes the folder that python -m experiments.search prints")
    return read_record(folder / WINNER, Winner, "winner")
