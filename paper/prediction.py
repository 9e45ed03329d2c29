"""The text about latency prediction for new networks: macros and tables from fidelity.csv and protocols.csv."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from paper import verdicts
from paper.csv_records import ResultError
from paper.latex import count, escape, percent
from paper.rows import Judged, Summed, read
from paper.setup_file import RUNTIMES, Setup, setup

FRESH_SETUP, WAYS_SETUP = "fidelity_setup.csv", "protocols_setup.csv"
PRECISIONS = {"fp32": "Float", "int8": "IntEight"}
OURS, RETEST, ALONE = "corrected table", "re-test", "sum of blocks alone"
CONTEXT = "sum of blocks in context"
CHOSEN = "in context"  # the protocol of the table
PROFILED = "node profile"  # the protocol that only onnxruntime allows
NAMES = {
    "re-test": "second pass, as a limit",
    "sum of blocks alone": "sum, blocks alone",
    "sum of blocks in context": "sum, in context",
    "gaussian_process": "Gaussian process",
    "tied_additive": "tied additive",
    "additive_process": "additive and process",
}


def fresh(results: Path) -> dict[str, str]:
    """The macros of fidelity.csv: name -> LaTeX. Raises ResultError."""
    judged, path = read(results, Judged), results / "fidelity.csv"
    macros = {}
    for precision, name in PRECISIONS.items():
        rows = {row.predictor: row for row in judged if row.data == precision}
        for predictor in (OURS, RETEST, ALONE):
            if predictor not in rows:
                raise ResultError(f"{path}: there is no row with data={precision}, predictor={predictor}")
        macros[f"FreshError{name}"] = percent(rows[OURS].mape)
        macros[f"FreshRetest{name}"] = percent(rows[RETEST].mape)
        macros[f"FreshWithinFive{name}"] = percent(rows[OURS].within_5)
        macros[f"FreshAlone{name}"] = percent(rows[ALONE].mape)
        macros[f"FreshContext{name}"] = percent(rows[CONTEXT].mape) if CONTEXT in rows else "unknown"
    return (
        macros
        | _facts("Fresh", setup(results, FRESH_SETUP))
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


def ways(results: Path) -> dict[str, str]:
    """The macros of protocols.csv: name -> LaTeX. Raises ResultError."""
    return _facts("Protocol", setup(results, WAYS_SETUP)) | _protocols(errors(read(results, Summed)))


def _protocols(found: Mapping[tuple[str, str], np.ndarray]) -> dict[str, str]:
    """The verdict on the protocols, and the sentence about the one that only onnxruntime allows."""
    profiled = any(name == PROFILED for _, name in found)
    fourth = r" A fourth, the \emph{node profile}, sums the times of the block's kernels in onnxruntime's profile."
    return {"ProtocolVerdict": protocol_verdict(found), "ProtocolProfile": fourth if profiled else ""}


def _facts(prefix: str, run: Setup) -> dict[str, str]:
    """What was measured, and on which device."""
    return {
        f"{prefix}Space": escape(run.text("space")),
        f"{prefix}Pixels": count(run.number("resolution")),
        f"{prefix}Networks": count(run.number("fresh_networks")),
        f"{prefix}Fitted": count(run.number("fitted_networks")),
        f"{prefix}Device": escape(run.machine),
        f"{prefix}Runtime": RUNTIMES[run.runtime],
    }


def errors(rows: Sequence[Summed]) -> dict[tuple[str, str], np.ndarray]:
    """Relative errors [3, n] by precision and protocol: of the sums, an affine correction, and the full correction."""
    found = {}
    for key in dict.fromkeys((row.precision, row.protocol) for row in rows):
        own = [row for row in rows if (row.precision, row.protocol) == key]
        predicted = np.array([[row.naive_s, row.affine_s, row.predicted_s] for row in own]).T
        found[key] = predicted / np.array([row.measured_s for row in own]) - 1
    return found


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
    return f"{_smallest(best)}."


def protocol_verdict(found: Mapping[tuple[str, str], np.ndarray]) -> str:
    """Sentences on the effect of the term per layer, the best protocol, and the chosen one."""
    mape = {key: float(np.abs(corrected).mean()) for key, (*_, corrected) in found.items()}
    affine = max(float(np.abs(one).mean()) for _, one, _ in found.values())
    best = {p: min((name for kind, name in mape if kind == p), key=lambda name: mape[p, name]) for p in PRECISIONS}
    sentences = (
        rf"Across protocols, the largest mean error is {percent(affine)} without $\gamma$ and "
        f"{percent(max(mape.values()))} with it. With it, {_smallest(best, mape)}."
    )
    behind = [f"{percent(mape[p, CHOSEN])} in {_name(p)}" for p in PRECISIONS if best[p] != CHOSEN]
    if behind:
        sentences += f" All other tables here use \\emph{{{CHOSEN}}}, whose mean error is {' and '.join(behind)}."
    return sentences


def _smallest(best: Mapping[str, str], mape: Mapping[tuple[str, str], float] | None = None) -> str:
    """A clause: "in context has the smallest mean error in fp32 (0.5 %), and alone in INT8 (0.3 %)"."""
    clauses: list[str] = []
    for precision, name in best.items():
        number = f" ({percent(mape[precision, name])})" if mape else ""
        verb = "" if clauses else " has the smallest mean error"
        clauses.append(rf"\emph{{{escape(NAMES.get(name, name))}}}{verb} in {_name(precision)}{number}")
    return ", and ".join(clauses)


def write(results: Path, build: Path) -> None:
    """protocols.tex and fresh.tex in the folder `build`, if there are results for them. Raises ResultError."""
    if (results / WAYS_SETUP).exists():
        found = errors(read(results, Summed))
        _write(build / "protocols.tex", "protocol", ("sum", "affine", "layers"), found, _protocol)
    if (results / FRESH_SETUP).exists():
        judged = {(row.data, row.predictor): row for row in read(results, Judged)}
        _write(build / "fresh.tex", "predictor", ("error", r"$\le$5\,\%", r"$\tau$"), judged, _predictor)


def _write(
    path: Path, what: str, columns: Sequence[str], found: Mapping[tuple[str, str], Any], cells: Callable[[Any], list]
) -> None:
    """A table with a line for each name of `found`, whose keys are a precision and a name."""
    names = {name: None for _, name in found}
    rows = [[NAMES.get(name, name), *(c for p in PRECISIONS for c in cells(found[p, name]))] for name in names]
    path.write_text(_table(what, columns, rows), encoding="utf-8")


def _protocol(error: np.ndarray) -> list[str]:
    naive, affine, corrected = error
    return [f"{100 * naive.mean():+.1f}", *(f"{100 * np.abs(one).mean():.2f}" for one in (affine, corrected))]


def _predictor(row: Judged) -> list[str]:
    return [f"{100 * row.mape:.2f}", f"{100 * row.within_5:.0f}", f"{row.tau:.3f}"]


def _table(what: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with the same columns for each precision."""
    each = len(columns)
    heads = "".join(f" & \\multicolumn{{{each}}}{{c}}{{{_name(precision)}}}" for precision in PRECISIONS)
    named = "".join(f" & {column}" for column in [*columns] * len(PRECISIONS))
    lines = "".join(f"{escape(name)} & {' & '.join(cells)} \\\\\n" for name, *cells in rows)
    return (
        f"\\begin{{tabular}}{{@{{}}l{'r' * each * len(PRECISIONS)}@{{}}}}\n\\toprule\n"
        f"{heads} \\\\\n{what}{named} \\\\\n\\midrule\n{lines}\\bottomrule\n\\end{{tabular}}\n"
    )


def _name(precision: str) -> str:
    return {"int8": "INT8"}.get(precision, precision)
