"""What each stage of compression adds, from ablation.csv: alone, as the last one, and as Shapley's mean over orders.

The means over all orders add up to the joint effect of the stages (Shapley 1953, "A Value for n-Person Games");
latencies and sizes are multiplicative, so theirs are means of logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import permutations
from pathlib import Path
from statistics import fmean

from paper.compression import NOTHING, WHOLE, variants
from paper.compression_rows import Variant
from paper.latex import signed
from paper.rows import FILES

STAGES = ("prune", "finetune", "quantize")  # as the subsets list them
MEASURES: dict[str, Callable[[Variant], float]] = {
    "points": lambda row: 100 * row.test_accuracy,
    "speed-up": lambda row: -math.log(row.latency_median_s),
    "size ratio": lambda row: -math.log(row.file_bytes),
}
HEAD = r"""\begin{tabular}{@{}lrrrrrrrrr@{}}
\toprule
 & \multicolumn{3}{c}{points} & \multicolumn{3}{c}{speed-up} & \multicolumn{3}{c}{size ratio} \\
\cmidrule(lr){2-4}\cmidrule(lr){5-7}\cmidrule(l){8-10}
stage & alone & last & mean & alone & last & mean & alone & last & mean \\
\midrule
"""


def added(rows: Mapping[str, Variant], measure: Callable[[Variant], float], stage: str) -> tuple[float, float, float]:
    """By how much the stage raises the measure: alone, after all others, and on average over all orders."""

    def step(before: frozenset[str]) -> float:
        return measure(rows[_named(before | {stage})]) - measure(rows[_named(before)])

    others = frozenset(STAGES) - {stage}
    orders = [order[: order.index(stage)] for order in permutations(STAGES)]
    return step(frozenset()), step(others), fmean(step(frozenset(before)) for before in orders)


def _named(stages: frozenset[str]) -> str:
    return ", ".join(stage for stage in STAGES if stage in stages) or NOTHING


def write(results: Path, build: Path) -> None:
    """shares.tex in the folder `build`, if there are results for it. Raises ResultError."""
    if not (results / FILES[Variant]).exists():
        return
    rows = variants(results)
    lines = [_line(stage, [added(rows, measure, stage) for measure in MEASURES.values()]) for stage in STAGES]
    together = [measure(rows[WHOLE]) - measure(rows[NOTHING]) for measure in MEASURES.values()]
    cells = [f" & & & {number(value, index)}" for index, value in enumerate(together)]
    text = f"{HEAD}{''.join(lines)}\\midrule\ntogether{''.join(cells)} \\\\\n\\bottomrule\n\\end{{tabular}}\n"
    (build / "shares.tex").write_text(text, encoding="utf-8")


def _line(stage: str, found: list[tuple[float, float, float]]) -> str:
    cells = [number(value, index) for index, values in enumerate(found) for value in values]
    return f"{stage} & {' & '.join(cells)} \\\\\n"


def number(value: float, measure: int) -> str:
    """Points with their sign, or a factor from its logarithm."""
    return signed(value) if measure == 0 else f"{math.exp(value):.2f}"
