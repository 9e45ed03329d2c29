"""The winner of a search, as stored in the search's folder."""

from __future__ import annotations

import ast
import contextlib
from dataclasses import dataclass
from pathlib import Path

from experiments.store.candidate_records import with_costs
from experiments.store.json_records import record
from search_spaces.documents import read_json
from search_spaces.errors import LutraError
from search_spaces.space import Arch
from strategies.problems.objective import Costs

AIMED = ("Bounded", "MnasNet")  # objectives with a target for each cost
WINNER, CANDIDATES = "winner.json", "candidates.jsonl"  # of a search
FINALIST = "finalist "  # begins the name of a finalist's file among the inputs of a step
SEARCH = "search"  # the name of the search's manifest among the inputs of `finalists`
SEARCHES = ("search", "finalists")  # steps whose folder has these files


@dataclass(frozen=True)
class Winner:
    """The architecture that a search chose, its candidate's costs, and its fraction of the validation images."""

    arch: Arch
    accuracy: float
    costs: Costs
    score: float
    objective: str  # its repr

    @property
    def targets(self) -> Costs:
        """The targets of the search; empty if its objective has none."""
        with contextlib.suppress(SyntaxError, ValueError, TypeError):
            call = ast.parse(self.objective, mode="eval").body
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in AIMED:
                return dict(ast.literal_eval(call.keywords[0].value))
        return {}


def read_winner(folder: Path) -> Winner:
    """The winner in a search's folder. Raises LutraError if the folder does not come from a search."""
    if not (folder / WINNER).exists():
        raise LutraError(f"{folder} has no {WINNER}: run= takes the folder that python -m experiments.search prints")
    return record(Winner, with_costs(read_json(folder / WINNER, "winner")), folder / WINNER)
