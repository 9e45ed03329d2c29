"""The text about latency prediction for new networks: macros and a table from fidelity.csv."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from paper import verdicts
from paper.csv_records import ResultError
from paper.latex import count, escape, listed, percent
from paper.rows import Judged, read
from paper.setup_file import RUNTIMES, Setup, setup

FRESH_SETUP = "fidelity_setup.csv"
PRECISIONS = {"fp32": "Float", "int8": "IntEight"}
OURS, RETEST, ALONE = "corrected table", "re-test", "sum of blocks alone"
CONTEXT = "sum of blocks in context"
NAMES = {
    "re-test": "second pass, as a limit",
    "sum of blocks alone": "sum, blocks alone",
    "sum of blocks in context": "sum, in context",
    "gaussian_process": "Gaussian process",
    "tied_additive": "tied additive",
    "additive_process": "additive and process",
}


def macros(results: Path) -> dict[str, str]:
    """The macros of fidelity.csv: name -> LaTeX. Raises ResultError."""
    judged, path = read(results, Judged), results / "fidelity.csv"
    found: dict[str, str] = {}
    for precision, name in PRECISIONS.items():
        rows = {row.predictor: row for row in judged if row.data == precision}
        for predictor in (OURS, RETEST, ALONE):
            if predictor not in rows:
                raise ResultError(f"{path}: there is no row with data={precision}, predictor={predictor}")
        found[f"FreshError{name}"] = percent(rows[OURS].mape)
        found[f"FreshRetest{name}"] = percent(rows[RETEST].mape)
        found[f"FreshWithinFive{name}"] = percent(rows[OURS].within_5)
        found[f"FreshAlone{name}"] = percent(rows[ALONE].mape)
        found[f"FreshContext{name}"] = percent(rows[CONTEXT].mape) if CONTEXT in rows else "unknown"
    return (
        found
        | facts("Fresh", setup(results, FRESH_SETUP))
        | {
            "FreshVerdict": fresh_verdict(judged),
            "FreshSession": verdicts.of_session(setup(results, FRESH_SETUP)),
            "FreshNoisy": noisy(setup(results, FRESH_SETUP)),
        }
    )


def noisy(made: Setup) -> str:
    """Words on a session that was not clean; otherwise empty."""
    state = made.values.get("session_verdict", "")
    return "" if state in ("", "clean") else f", in a session that its checks call {escape(state)}"


def facts(prefix: str, run: Setup) -> dict[str, str]:
    """What was measured, and on which device."""
    return {
        f"{prefix}Space": escape(run.text("space")),
        f"{prefix}Pixels": count(run.number("resolution")),
        f"{prefix}Networks": count(run.number("fresh_networks")),
        f"{prefix}Fitted": count(run.number("fitted_networks")),
        f"{prefix}Device": escape(run.machine),
        f"{prefix}Runtime": RUNTIMES[run.runtime],
    }


def fresh_verdict(judged: Sequence[Judged]) -> str:
    """A sentence on which predictor has the smallest mean error."""
    best = {}
    for precision in PRECISIONS:
        rows = [row for row in judged if row.data == precision and row.predictor != RETEST]
        best[precision] = min(rows, key=lambda row: row.mape).predictor
    if {*best.values()} == {OURS}:
        return (
            "No other predictor has a mean error as small as the table's in either precision; but those that learn see "
            "only whole networks, and no timed blocks."
        )
    return f"{smallest(best)}."


def smallest(best: Mapping[str, str], mape: Mapping[tuple[str, str], float] | None = None) -> str:
    """A clause: "in context has the smallest mean error in fp32 (0.5 %), and alone in INT8 (0.3 %)"."""
    names = {precision: rf"\emph{{{escape(NAMES.get(name, name))}}}" for precision, name in best.items()}
    first, *others = best
    if len({*best.values()}) > 1:
        numbers = {p: f" ({percent(mape[p, name])})" if mape else "" for p, name in best.items()}
        clauses = [f"{names[p]} in {precision_name(p)}{numbers[p]}" for p in others]
        return ", and ".join(
            [f"{names[first]} has the smallest mean error in {precision_name(first)}{numbers[first]}", *clauses]
        )
    told = listed(f"{percent(mape[p, name])} in {precision_name(p)}" for p, name in best.items()) if mape else ""
    return f"{names[first]} has the smallest mean error in both precisions{f' ({told})' if told else ''}"


def write(results: Path, build: Path) -> None:
    """fresh.tex in the folder `build`, if there are results for it. Raises ResultError."""
    if (results / FRESH_SETUP).exists():
        judged = {"": {(row.data, row.predictor): row for row in read(results, Judged)}}
        write_table(build / "fresh.tex", "predictor", ("error", r"$\le$5\,\%", r"$\tau$"), judged, _predictor)


def write_table(
    path: Path,
    what: str,
    columns: Sequence[str],
    parts: Mapping[str, Mapping[tuple[str, str], Any]],
    cells: Callable[[Any], list],
) -> None:
    """A table in parts with LaTeX titles; a part has a line for each name, and its keys are a precision and a name."""
    lines = []
    for title, found in parts.items():
        if title:
            lines += [
                "\\midrule\n",
                f"\\multicolumn{{{1 + len(columns) * len(PRECISIONS)}}}{{@{{}}l}}{{{title}}} \\\\\n",
            ]
        for name in {name: None for _, name in found}:
            numbers = [cell for precision in PRECISIONS for cell in cells(found[precision, name])]
            lines.append(f"{' & '.join([escape(NAMES.get(name, name)), *numbers])} \\\\\n")
    path.write_text(_table(what, columns, "".join(lines)), encoding="utf-8")


def _predictor(row: Judged) -> list[str]:
    return [f"{100 * row.mape:.2f}", f"{100 * row.within_5:.0f}", f"{row.tau:.3f}"]


def _table(what: str, columns: Sequence[str], lines: str) -> str:
    """A table with the same columns for each precision."""
    each = len(columns)
    heads = "".join(f" & \\multicolumn{{{each}}}{{c}}{{{precision_name(precision)}}}" for precision in PRECISIONS)
    named = "".join(f" & {column}" for column in [*columns] * len(PRECISIONS))
    return (
        f"\\begin{{tabular}}{{@{{}}l{'r' * each * len(PRECISIONS)}@{{}}}}\n\\toprule\n"
        f"{heads} \\\\\n{what}{named} \\\\\n\\midrule\n{lines}\\bottomrule\n\\end{{tabular}}\n"
    )


def precision_name(precision: str) -> str:
    return {"int8": "INT8"}.get(precision, precision)
