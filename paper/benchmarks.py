"""Comparisons of strategies on published networks: a table and a sentence.

Each is published in a folder of its own in the results, whose name only sets the order:
`python -m experiments.compare compare.csv=FILE publish=true results=paper/results/NAME`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from paper import comparison, comparison_agreement, comparison_setup, published_networks, unfinished_searches
from paper.csv_records import ResultError
from paper.latex import escape, listed
from paper.other_results import folders
from paper.rows import Curve, Pair, read
from paper.setup_file import Setup, setup

MISSING = "--"
BETTER, WORSE, ALIKE = "is significantly better", "is significantly worse", "does not differ significantly"
CITATION = re.compile(r"~\\cite\{\w+\}")  # which an abstract does not have


@dataclass(frozen=True)
class Benchmark:
    """One comparison."""

    title: str
    made: Setup
    regrets: Sequence[Pair]  # after all evaluations
    shares: Sequence[Pair]  # of the hypervolume, likewise


def published(results: Path) -> bool:
    return bool(folders(results, Pair))


def check(results: Path) -> None:
    """Raises ResultError for a folder whose files do not belong together, or name no published file."""
    for folder in folders(results, Pair):
        if not comparison.recorded(folder) or not published_networks.are_in(setup(folder, comparison.SETUP)):
            raise ResultError(f"{folder} has no comparison with compare.csv=FILE: only those have folders of their own")
        comparison_agreement.check(folder)


def macros(results: Path) -> dict[str, str]:
    """Macro name -> LaTeX; an empty sentence without any. Raises ResultError."""
    found = benchmarks(results)
    bounded = all(one.made.text("objective") == "bounded" for one in found)
    unit = "points of accuracy below the best network within the target" if bounded else "hundredths of the score"
    budget = "the given numbers of evaluations and seeds" if _differ(found) else "".join({*map(_budget, found)})
    return {
        "BenchmarksSentence": " ".join(map(sentence, found)),
        "BenchmarksUnit": unit,
        "BenchmarksBudget": budget,
    }


def _budget(one: Benchmark) -> str:
    seeds = one.regrets[0].seeds
    return f"{one.regrets[0].at:.0f} evaluations, over {seeds} seed{'' if seeds == 1 else 's'}"


def _differ(found: Sequence[Benchmark]) -> bool:
    """Whether the comparisons had different numbers of evaluations or seeds, so that the table has to say them."""
    return len({*map(_budget, found)}) > 1


def write(results: Path, build: Path) -> None:
    """Writes benchmarks.tex in the folder `build`. Raises ResultError."""
    (build / "benchmarks.tex").write_text(table(benchmarks(results)), encoding="utf-8")


def benchmarks(results: Path) -> list[Benchmark]:
    found = []
    for folder in folders(results, Pair):
        made, curves = setup(folder, comparison.SETUP), read(folder, Curve)
        pairs = [pair for pair in read(folder, Pair) if unfinished_searches.comparable(pair, curves)]
        regrets, shares = (comparison.of(pairs, measure, "evaluations") for measure in ("regret", "share"))
        if not regrets:
            raise ResultError(
                f"{folder}: {comparison.verdict([])}; compare again with more compare.seconds, or delete the folder"
            )
        found.append(Benchmark(curves[0].problem, made, regrets, shares))
    return found


def sentence(one: Benchmark) -> str:
    """Which strategies are better than which, by each measure, and by what accuracies and latencies."""
    return f"On {published_networks.cited(one.title)}, {verdicts(one)}{comparison_setup.published(one.made)}"


def verdicts(one: Benchmark) -> str:
    """Sentences on the verdicts by regret and by hypervolume, without the first one's capital."""
    regret, share = (escape(comparison.verdict(comparison.in_words(pairs))) for pairs in (one.regrets, one.shares))
    if one.regrets[0].seeds < comparison.FEWEST_SEEDS:
        return f"{regret}."
    after = f"after {one.regrets[0].at:.0f} evaluations"
    if regret == share:
        return f"by regret and by hypervolume {after}, {regret}."
    ahead, behind = comparison.better(one.regrets), comparison.better(one.shares)
    opposite = any(winner in behind.get(loser, []) for winner, losers in ahead.items() for loser in losers)
    return f"by regret {after}, {regret}. By hypervolume, {'however, ' * opposite}{share}."


def claim(results: Path, strategy: str) -> str:
    """A sentence on whether the strategy differs significantly from random search; empty if none can say."""
    judged: dict[tuple[str, str], list[str]] = {}
    for one in benchmarks(results):
        if _compared(one, strategy):
            title = CITATION.sub("", published_networks.cited(one.title))
            said = (_against_random(one.regrets, strategy), _against_random(one.shares, strategy))
            judged.setdefault(said, []).append(f"{title} ({one.regrets[0].seeds} seeds)")
    if not judged:
        return ""
    told = []
    for (regret, share), where in judged.items():
        also = " and by hypervolume" if regret == share else f", but {share} by hypervolume,"
        than = "from" if regret == ALIKE else "than"
        told.append(f"{regret} {than} random search by regret{also} on {listed(where)}")
    start = "With published accuracies, and latencies that are published or predicted,"
    return f"{start} {escape(comparison.word(strategy))} {'; it '.join(told)}."


def _compared(one: Benchmark, strategy: str) -> bool:
    """Whether the strategy was compared with random search with enough seeds for a verdict."""
    pairs = {frozenset((pair.a, pair.b)) for pair in one.regrets if pair.seeds >= comparison.FEWEST_SEEDS}
    return frozenset((strategy, comparison.BASELINE)) in pairs


def _against_random(pairs: Sequence[Pair], strategy: str) -> str:
    better = comparison.better(pairs)
    if comparison.BASELINE in better.get(strategy, []):
        return BETTER
    return WORSE if strategy in better.get(comparison.BASELINE, []) else ALIKE


def table(found: Sequence[Benchmark]) -> str:
    """A line for each comparison: the mean regret of each strategy in points; bold: significantly below random's."""
    differ, means = _differ(found), [comparison.means(one.regrets) for one in found]
    names = list(dict.fromkeys([comparison.BASELINE, *(name for one in means for name in one)]))
    lines = [
        " & ".join(
            [
                published_networks.cited(one.title),
                *([f"{one.regrets[0].at:.0f}", str(one.regrets[0].seeds)] if differ else []),
                *(_cell(name, own, one) for name in names),
            ]
        )
        for one, own in zip(found, means)
    ]
    short = [comparison.word(name).removeprefix("the ").removesuffix(" search") for name in names]
    numbers = ["evaluations", "seeds"] if differ else []
    head = " & ".join(["published networks", *numbers, *map(escape, short)])
    columns = r"@{}>{\raggedright\arraybackslash}p{0.3\columnwidth}" + "r" * (len(names) + len(numbers)) + "@{}"
    body = "".join(f"{line} \\\\\n" for line in lines)
    return f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{head} \\\\\n\\midrule\n{body}\\bottomrule\n\\end{{tabular}}\n"


def _cell(name: str, means: dict[str, float], one: Benchmark) -> str:
    if name not in means:
        return MISSING
    text = f"{100 * means[name]:.2f}"
    ahead = comparison.BASELINE in comparison.better(one.regrets).get(name, [])
    return rf"\textbf{{{text}}}" if ahead and one.regrets[0].seeds >= comparison.FEWEST_SEEDS else text
