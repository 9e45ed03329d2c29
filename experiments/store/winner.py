"""The winner of a search, as stored in the search's folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from experiments.store.candidate_records import with_costs
from experiments.store.json_records import record
from search_spaces.documents import read_json
from search_spaces.errors import LutraError
from search_spaces.space import Arch
from strategies.problems.objective import Costs

WINNER, CANDIDATES = "winner.json", "candidates.jsonl"  # of a search


@dataclass(frozen=True)
class Winner:
    """The architecture that a search chose. Costs are predicted; accuracy is a fraction of the validation images."""

    arch: Arch
    accuracy: float
    costs: Costs
    score: float
    objective: str


def read_winner(folder: Path) -> Winner:
    """The winner in a search's folder. Raises LutraError if the folder is not a search's."""
    if not (folder / WINNER).exists():
        raise LutraError(f"{folder} has no {WINNER}: run= takes the folder that python -m experiments.search prints")
    return record(Winner, with_costs(read_json(folder / WINNER, "winner")), folder / WINNER)
