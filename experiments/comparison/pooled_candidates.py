"""The candidates of several targets' searches, pooled, and the network that each target, or a mere count, chooses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from experiments.comparison.option_effects import accuracies_of
from experiments.store.winner import read_winner
from paper.transfer_rows import MACS, PARAMETERS
from predictors.tables.table_file import read_table
from search_spaces.costs import macs, parameters
from search_spaces.space import Arch, SearchSpace


@dataclass(frozen=True)
class Pool:
    """Networks, with what decides among them."""

    archs: Sequence[Arch]
    accuracies: np.ndarray  # [n], fractions of the validation images
    least: float  # the accuracy that is asked for: that of the least accurate winner of a search
    costs: Mapping[str, np.ndarray]  # [n] by target, the seconds that its table predicts; MACs and parameters

    @staticmethod
    def of(space: SearchSpace, precisions: Mapping[str, str], files: Mapping[str, Path]) -> Pool:
        """From the tables, candidates and winners of searches for targets, given with their precisions."""
        found: dict[Arch, float] = {}
        for target in precisions:
            found = accuracies_of(files[f"candidates of {target}"], space) | found
        archs = list(found)
        costs = {
            target: read_table(files[f"table of {target}"]).predictor(space, precision).of(np.array(archs))
            for target, precision in precisions.items()
        }
        for name, count in ((MACS, macs), (PARAMETERS, parameters)):
            costs[name] = np.array([count(space.decode(arch)) for arch in archs], float)
        least = min(read_winner(files[f"winner of {target}"].parent).accuracy for target in precisions)
        return Pool(archs, np.array(list(found.values())), least, costs)

    @cached_property
    def winners(self) -> dict[str, int]:
        """For each target, MACs and parameters: the place of the cheapest network that is accurate enough.

        Of equally cheap ones it is the most accurate.
        """
        short = self.accuracies < self.least
        return {name: int(np.lexsort((-self.accuracies, cost, short))[0]) for name, cost in self.costs.items()}
