"""The text about ways to time a block: macros and a table from protocols.csv."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from paper import origin, verdicts
from paper.latex import escape, percent, signed
from paper.other_results import folders
from paper.prediction import PRECISIONS, facts, precision_name, smallest, write_table
from paper.rows import Summed, read
from paper.setup_file import RUNTIMES, setup
from paper.significance import mean_interval

SETUP = "protocols_setup.csv"
CHOSEN = "in context"  # the protocol of the table
PROFILED = "node profile"  # the protocol that only onnxruntime allows


def macros(results: Path) -> dict[str, str]:
    """The macros of protocols.csv, also of those in other folders: name -> LaTeX. Raises ResultError."""
    found = errors(read(results, Summed))
    profiled = any(name == PROFILED for _, name in found)
    fourth = (
        r" A fourth, the \emph{node profile}, sums the times of the block's kernels in onnxruntime's profile, which "
        "takes time itself."
    )
    made = setup(results, SETUP)
    return facts("Protocol", made) | {
        "ProtocolBest": leader(found),
        "ProtocolVerdict": _verdict(found),
        "ProtocolSession": verdicts.of_session(made),
        "ProtocolProfile": fourth if profiled else "",
        "ProtocolRepeated": " ".join(_repeated(results)),
    }


def _repeated(results: Path) -> Iterator[str]:
    """The verdict on the protocols in each other folder, such as of another runtime."""
    for folder, where, found in _elsewhere(results):
        without = "" if any(name == PROFILED for _, name in found) else ", which has no node profile"
        told = [_verdict(found), verdicts.of_session(setup(folder, SETUP))]
        yield f"We repeated this on {where}{without}. {' '.join(filter(None, told))}"


def _elsewhere(results: Path) -> Iterator[tuple[Path, str, dict[tuple[str, str], np.ndarray]]]:
    """Each other folder, what differs there in LaTeX, and its errors."""
    for folder in folders(results, Summed):
        made = setup(folder, SETUP)
        differing = origin.differences(origin.GROUPS["Protocol"], made, setup(results))
        yield folder, " and ".join(differing) or RUNTIMES[made.runtime], errors(read(folder, Summed))


def errors(rows: Sequence[Summed]) -> dict[tuple[str, str], np.ndarray]:
    """Relative errors [3, n] by precision and protocol: of the sums, an affine correction, and the full correction."""
    found = {}
    for key in dict.fromkeys((row.precision, row.protocol) for row in rows):
        own = [row for row in rows if (row.precision, row.protocol) == key]
        predicted = np.array([[row.naive_s, row.affine_s, row.predicted_s] for row in own]).T
        found[key] = predicted / np.array([row.measured_s for row in own]) - 1
    return found


def leader(found: Mapping[tuple[str, str], np.ndarray]) -> str:
    """A clause: the protocol with the smallest mean error, with the term per layer; where its lead may be chance."""
    mape, best = _judged(found)
    doubts = [
        rf"in {precision_name(p)} the difference from \emph{{{escape(name)}}} is not significant"
        for p, name in _alike(found)
    ]
    return "; ".join([smallest(best, mape), *doubts])


def _alike(found: Mapping[tuple[str, str], np.ndarray]) -> Iterator[tuple[str, str]]:
    """Each precision in which the best protocol's errors are not significantly below those of the second, its name."""
    mape, best = _judged(found)
    for precision, name in best.items():
        others = [other for kind, other in mape if kind == precision and other != name]
        if others and len(found[precision, name][-1]) > 1:
            second = min(others, key=lambda other: mape[precision, other])
            worse = np.abs(found[precision, second][-1]) - np.abs(found[precision, name][-1])
            _, low, _ = mean_interval([float(one) for one in worse])
            if low <= 0:
                yield precision, second


def _judged(found: Mapping[tuple[str, str], np.ndarray]) -> tuple[dict[tuple[str, str], float], dict[str, str]]:
    """The mean errors with the term per layer by precision and protocol, and each precision's best protocol."""
    mape = {key: float(np.abs(corrected).mean()) for key, (*_, corrected) in found.items()}
    return mape, {p: min((n for kind, n in mape if kind == p), key=lambda n: mape[p, n]) for p in PRECISIONS}


def _verdict(found: Mapping[tuple[str, str], np.ndarray]) -> str:
    """Sentences on the effect of the term per layer, the best protocol, and the chosen one."""
    mape, best = _judged(found)
    affine = max(float(np.abs(one).mean()) for _, one, _ in found.values())
    sentences = (
        rf"Across protocols, the largest mean error is {percent(affine)} without $\gamma$ and "
        f"{percent(max(mape.values()))} with it. With it, {leader(found)}."
    )
    changes = [abs(float(np.abs(one[1]).mean()) - mape[key]) for key, one in found.items() if key[1] == CHOSEN]
    if changes:
        most = f"{100 * max(changes):.1f} points"
        sentences += rf" For \emph{{{CHOSEN}}}, $\gamma$ changes the mean error by at most {most}."
    behind = [f"{percent(mape[p, CHOSEN])} in {precision_name(p)}" for p in PRECISIONS if best[p] != CHOSEN]
    if behind:
        sentences += f" The latency table uses \\emph{{{CHOSEN}}}, whose mean error is {' and '.join(behind)}."
    return sentences


def write(results: Path, build: Path) -> None:
    """protocols.tex in the folder `build`, if there are results for it. Raises ResultError."""
    if (results / SETUP).exists():
        found = {"": errors(read(results, Summed))} | {where: there for _, where, there in _elsewhere(results)}
        write_table(build / "protocols.tex", "protocol", ("sum", "affine", "layers"), found, _cells)


def _cells(error: np.ndarray) -> list[str]:
    naive, affine, corrected = error
    return [signed(100 * naive.mean()), *(f"{100 * np.abs(one).mean():.2f}" for one in (affine, corrected))]
