"""A sentence on searches that took far longer than the others of their strategy, from compare.csv."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median

from paper.latex import escape, listed, significant
from paper.rows import FILES, Searched, read

FAR = 2  # times the strategy's median search


def sentence(results: Path, word: Callable[[str], str]) -> str:
    """Empty if there is no such search. `word`: what a strategy is called in a sentence. Raises ResultError."""
    if not (results / FILES[Searched]).exists():
        return ""
    totals: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for row in read(results, Searched):
        totals[row.strategy][row.seed] += row.seconds
    told = []
    for name, own in totals.items():
        usual = median(own.values())
        slow = sorted(seconds / usual for seconds in own.values() if seconds > FAR * usual > 0)
        if slow:
            searches = "one search" if len(slow) == 1 else f"{len(slow)} searches"
            times = " and ".join(dict.fromkeys(map(significant, (slow[0], slow[-1]))))
            told.append(f"{searches} of {escape(word(name))} took {times} times as long as its median search")
    return f" Seconds are as measured; {listed(told)}." if told else ""
