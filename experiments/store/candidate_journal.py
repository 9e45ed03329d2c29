"""The journal of a search: every candidate that it evaluated, in order."""

from __future__ import annotations

from pathlib import Path

from experiments.store import journal
from experiments.store.candidate_records import with_costs
from experiments.store.json_records import record
from strategies.problems.problem import Candidate


def read_candidates(path: Path) -> list[Candidate]:
    """Raises LutraError if the file is damaged."""
    return [record(Candidate, with_costs(one), path) for one in journal.read(path)]
