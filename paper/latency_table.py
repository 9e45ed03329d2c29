"""The text about the latency table: how well it predicts the whole networks timed with it, and the speed-up of INT8."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from paper import sentences
from paper.csv_records import ResultError
from paper.latex import count, percent, significant
from paper.rows import FILES, Block, Whole, read
from paper.space import FIXED

PRECISIONS = {"fp32": "Float", "int8": "IntEight"}


def macros(results: Path) -> dict[str, str]:
    """Macro name -> LaTeX, from networks.csv and table.csv. Raises ResultError for a precision without rows."""
    networks, blocks = read(results, Whole), read(results, Block)
    return _predictions(networks, results / FILES[Whole]) | _blocks(blocks, results / FILES[Block])


def _predictions(networks: Sequence[Whole], path: Path) -> dict[str, str]:
    macros = {"NetworkCount": count(len(networks)), "CorrectionVerdict": sentences.correction(networks)}
    for precision, name in PRECISIONS.items():
        own = _of(precision, networks, path)
        corrected = sentences.error(own, "predicted_s")
        macros[f"PredictionError{name}"] = percent(corrected.mean())
        macros[f"PredictionWorst{name}"] = percent(corrected.max())
        macros[f"PredictionWithinFive{name}"] = f"{(corrected <= 0.05).sum()} of {len(own)}"
        macros[f"NaiveError{name}"] = percent(sentences.error(own, "naive_s").mean())
    return macros


def _blocks(blocks: Sequence[Block], path: Path) -> dict[str, str]:
    """The speed-up of INT8, over the blocks between stem and head, which are those that are chosen."""
    fp32, int8 = ({b.spec: b.seconds for b in _of(p, blocks, path) if b.seconds > 0} for p in PRECISIONS)
    both = [spec for spec in fp32.keys() & int8.keys() if not re.split(r"\W", spec)[0].endswith(FIXED)]
    if not both:
        raise ResultError(f"{path}: there is no block between stem and head in both precisions")
    ratios = np.array([fp32[spec] / int8[spec] for spec in both])
    return {
        "BlockCount": count(len(fp32)),
        "BlockSpeedupLeast": significant(ratios.min()),
        "BlockSpeedupMedian": significant(float(np.median(ratios))),
        "BlockSpeedupMost": significant(ratios.max()),
    }


def _of(precision: str, rows: Sequence, path: Path) -> list:
    own = [row for row in rows if row.precision == precision]
    if not own:
        raise ResultError(f"{path}: there is no row with precision={precision}")
    return own
