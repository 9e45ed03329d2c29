"""A sentence on searches that took far longer than the others of their strategy, from compare.csv."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from statistics import median

from paper.latex import escape, listed, significant
from paper.rows import FILES, Searched, read

FAR = 2  # times the strategy's median search


def sentence(results: Path) -> str:
    """Empty if there is no such search. Raises ResultError."""
    if not (results / FILES[Searched]).exists():
        return ""
    totals: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for row in read(results, Searched):
        totals[row.strategy][row.seed] += row.seconds
    slow = [
        f"one search of {escape(name)} took {significant(ratio)} times as long as that strategy's median search"
        for name, own in totals.items()
        if (usual := median(own.values()))
        for seconds in own.values()
        if (ratio := seconds / usual) > FAR
    ]
    return f" Seconds are as measured; {listed(slow)}." if slow else ""
