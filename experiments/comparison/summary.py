"""Prints a finished comparison: one row per strategy, the best first, and the significant differences."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from experiments.display.progress import console
from experiments.display.search_curves import AGAINST, MEASURES
from paper import comparison, unfinished_searches
from paper.rows import Curve, Pair, read

NAMES = {"share": "hypervolume", "regret": "regret"}
SCALES = {"share": (100, 2), "regret": (1, 4)}  # factor, decimals


def show(folder: Path) -> None:
    """The table, from curves.csv and pairs.csv."""
    curves, pairs = read(folder, Curve), read(folder, Pair)
    first, moments = curves[0], {pair.against: pair.at for pair in pairs}
    table = Table("strategy", title=f"{first.problem}: mean and 95 % t-interval over {first.seeds} seeds")
    for against in AGAINST:
        for measure in MEASURES:
            unit = ", %" if measure == "share" else ""
            table.add_column(f"{NAMES[measure]}{unit}, {moments[against]:.4g} {against}", justify="right")
    table.add_column("evaluations", justify="right")
    early = unfinished_searches.unfinished(curves)
    for name in comparison.means(comparison.of(pairs, "share", "evaluations")):
        own = {curve.against: curve for curve in curves if (curve.strategy, curve.at) == (name, moments[curve.against])}
        cells = [
            "not reached" if against == "evaluations" and name in early else _cell(own[against], measure)
            for against in AGAINST
            for measure in MEASURES
        ]
        table.add_row(name, *cells, f"{own['seconds'].evaluations:.0f}")
    console.print(table)
    for line in lines(curves, pairs):
        console.print(line, highlight=False, soft_wrap=True)


def lines(curves: list[Curve], pairs: list[Pair]) -> list[str]:
    """The reference of the hypervolume ratio, and the verdict by each measure."""
    exact = curves[0].reference == comparison.EXACT
    source = "the exact front's" if exact else "that of all networks found by any search, as no exact front is known"
    texts = [
        f"Hypervolume: share of {source}, up to 1.1 times its nadir in normalised objectives (Ishibuchi et al. 2018). "
        "Regret: the best score there minus that of the search's choice.",
        "A search chooses by the accuracy that it sees; the networks that it chose are judged by the reported one.",
    ]
    if exact:
        texts.append("Accuracies are read from a file: the seconds are the strategies' own.")
    if early := unfinished_searches.stopped(curves):
        texts.append(early)
    texts.append("Rank test (Mann-Whitney over seeds, all comparisons corrected together by Holm, level 5 %):")
    for against in AGAINST:
        for measure in MEASURES:
            own = comparison.of(pairs, measure, against)
            told = comparison.verdict([one for one in own if unfinished_searches.comparable(one, curves)])
            texts.append(f"  {NAMES[measure]} after {own[0].at:.4g} {against}: {told}")
    return texts


def _cell(curve: Curve, measure: str) -> str:
    scale, places = SCALES[measure]
    mean, low, high = (getattr(curve, f"{measure}{end}") for end in ("", "_low", "_high"))
    interval = "" if low is None else f" {scale * low:.{places}f} to {scale * high:.{places}f}"
    return f"{scale * mean:.{places}f}{interval}"
