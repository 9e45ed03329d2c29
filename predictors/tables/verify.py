"""Verifies that a table follows from its raw samples.

This proves that nobody changed a value without changing the samples. It proves nothing about the samples, the
fingerprint and the space: someone who changes those and recomputes the table and its hash has a consistent table.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np

from predictors.tables.assembly import again
from predictors.tables.table import LatencyTable
from search_spaces.errors import LutraError

CLOSE = 1e-6  # relative tolerance: another machine may round differently


def problems(table: LatencyTable) -> list[str]:
    """One line for each row, correction, network or verdict that does not follow from the raw samples."""
    try:
        anew = again(table)
    except (ArithmeticError, ValueError, np.linalg.LinAlgError) as error:
        raise LutraError(f"no table follows from its samples ({type(error).__name__}: {error})") from None
    if len(table.networks) != len(anew.networks):
        return [f"networks: the table has {len(table.networks)}, its samples give {len(anew.networks)}"]
    if strange := {*table.corrections} - {*anew.corrections}:
        return [f"corrections: the table has one for {min(strange)}, its samples give none"]
    pairs: list[tuple[str, Any, Any]] = [
        *((f"rows: {spec} in {kind}", table.rows[kind, spec], anew.rows[kind, spec]) for kind, spec in anew.rows),
        *((f"corrections: {kind}", table.corrections.get(kind), item) for kind, item in anew.corrections.items()),
        *((f"networks: {a.arch} in {a.precision}", a, b) for a, b in zip(table.networks, anew.networks)),
        ("verdict", table.verdict, anew.verdict),
    ]
    return [f"{what}: the table has {a}, its samples give {b}" for what, a, b in pairs if not _equal(a, b)]


def _equal(then: Any, now: Any) -> bool:
    """Whether two records are equal, numbers up to rounding."""
    if then is None:
        return False
    fields = zip(asdict(then).values(), asdict(now).values())
    return all(math.isclose(a, b, rel_tol=CLOSE) if isinstance(a, float) else a == b for a, b in fields)
