"""The text about pruning rules at the same latency, from pruning_rules.csv: a sentence and a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from paper.compression_rows import PruningRule, measured
from paper.csv_records import ResultError
from paper.latex import decimals, escape, listed, percent
from paper.rows import FILES, read
from paper.sentences import more_accurate
from paper.setup_file import setup

OURS = "device"
NAMES = {
    OURS: "measured widths (ours)",
    "uniform": "uniform widths",
    "global": "one threshold",
    "depgraph": "groups (DepGraph)",
}
RULES = {  # in words
    "uniform": "the same fraction of every block",
    "global": "one threshold for all channels",
    "depgraph": r"the dependency groups of DepGraph~\cite{fang2023depgraph}",
}
HEAD = r"""\begin{tabular}{@{}lrrrrrrr@{}}
\toprule
 & kept & test & latency & $\pm$ & file & & training \\
rule & (\%) & (\%) & (ms) & (\%) & (kB) & MMACs & steps \\
\midrule
"""


def split(results: Path) -> tuple[PruningRule, list[PruningRule]]:
    """Our rule's row, and the others. Raises ResultError if one of them is missing."""
    rows = {row.stage: row for row in read(results, PruningRule)}
    if OURS not in rows or len(rows) < 2:
        raise ResultError(f"{results / FILES[PruningRule]}: there is no row with stage={OURS}, or no other row")
    return rows.pop(OURS), list(rows.values())


def macros(results: Path) -> dict[str, str]:
    """Macro name -> LaTeX. Raises ResultError."""
    ours, others = split(results)
    images = setup(results).number("test_images")
    return {"PruningRules": verdict(ours, others, images), "PruningBaselines": baselines(others)}


def baselines(others: Sequence[PruningRule]) -> str:
    """A sentence on the rules that ours is compared with."""
    names = dict.fromkeys(row.stage.partition(" ")[0] for row in others)
    rules = "a rule that does" if len(names) == 1 else "rules that do"
    return f"We compare with {rules} not measure the device: {listed(RULES.get(name, escape(name)) for name in names)}."


def verdict(ours: PruningRule, others: Sequence[PruningRule], images: float) -> str:
    """Two sentences that compare our rule, which uses the device's latencies, with the best of the others."""
    ratios = [other.latency_median_s / ours.latency_median_s for other in others]
    best = max(others, key=lambda row: row.test_accuracy)
    spread = f"s of the other rules take {percent(min(ratios))} to {percent(max(ratios))}"
    if len(others) == 1:
        spread = f" of the other rule takes {percent(ratios[0])}"
    them = "it" if len(others) == 1 else rf"the most accurate of them, \emph{{{_named(best)[0]}}}"
    return f"The file{spread} of the time of ours. Compared with {them}, ours {more_accurate(ours, best, images)}."


def _named(row: PruningRule) -> tuple[str, str]:
    """The name of a rule, and the fraction of channels it kept."""
    rule, _, keep = row.stage.partition(" ")
    try:
        share = f"{100 * float(keep):.0f}" if keep else "--"
    except ValueError:
        raise ResultError(f"{FILES[PruningRule]}: {row.stage} does not end in a fraction of the channels") from None
    return NAMES.get(rule, escape(rule)), share


def write(results: Path, build: Path) -> None:
    """pruning_rules.tex in the folder `build`, if there are results for it. Raises ResultError."""
    if not (results / FILES[PruningRule]).exists():
        return
    ours, others = split(results)
    places = decimals(1e3 * ours.latency_median_s)
    lines = "".join(_row(row, places) for row in (ours, *others))
    (build / "pruning_rules.tex").write_text(f"{HEAD}{lines}\\bottomrule\n\\end{{tabular}}\n", encoding="utf-8")


def _row(row: PruningRule, places: int) -> str:
    return " & ".join([*_named(row), *measured(row, places), row.trained]) + " \\\\\n"
