"""The text about the times of operators: how they were timed, and how their sums compare with whole files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from paper import origin
from paper.compression_rows import PRECISION_NAMES
from paper.latex import listed, ms
from paper.profile_rows import Operator
from paper.rows import read
from paper.setup_file import setup
from paper.significance import SAME_TIME


def macros(results: Path) -> dict[str, str]:
    """Macro name -> LaTeX; an empty sentence without a published profile. Raises ResultError."""
    if not origin.used(results, "Profile"):
        return {"ProfileSentence": ""}
    return {"ProfileSentence": sentence(read(results, Operator), setup(results).runtime)}


def sentence(rows: Sequence[Operator], runtime: str) -> str:
    method = "as differences between files that end one operator apart"
    if runtime == "onnxruntime":
        method = "by the runtime's profiler, which takes time itself"
    wholes = {row.precision: row.whole_s for row in rows}
    sums = {precision: sum(row.seconds for row in rows if row.precision == precision) for precision in wholes}
    clauses = [
        f"{ms(sums[precision])} in {PRECISION_NAMES.get(precision, precision)} (the whole file: {ms(whole)})"
        for precision, whole in wholes.items()
    ]
    off = max(abs(sums[precision] / whole - 1) for precision, whole in wholes.items())
    so = ", so they show which layers take the time, but not how long they take" if off > SAME_TIME else ""
    return f"Operators were timed {method}. They add up to {listed(clauses)}{so}."
