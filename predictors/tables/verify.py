"""Whether a table is what its raw samples say.

That proves that nobody changed a value by itself. It proves nothing about the samples, the passport and the space:
whoever changes those, and computes table and hash again, has a table that is right in itself.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np

from predictors.tables.assembly import again
from predictors.tables.table import LatencyTable
from search_spaces.errors import LutraError

CLOSE = 1e-6  # relative: another machine's arithmetic may round otherwise


def problems(table: LatencyTable) -> list[str]:
    """What does not follow from the raw samples: each row, correction, network and the verdict, one line each."""
    try:
        anew = again(table)
    except (ArithmeticError, ValueError, np.linalg.LinAlgError) as error:
        raise LutraError(f"no table follows from its samples ({type(error).__name__}: {error})") from None
    if len(table.networks) != len(anew.networks):
        return [f"networks: {len(table.networks)} are told, and {len(anew.networks)} follow"]
    if strange := {*table.corrections} - {*anew.corrections}:
        return [f"corrections: {min(strange)} is told, and does not follow"]
    pairs: list[tuple[str, Any, Any]] = [
        *((f"rows: {spec} in {kind}", table.rows[kind, spec], anew.rows[kind, spec]) for kind, spec in anew.rows),
        *((f"corrections: {kind}", table.corrections.get(kind), item) for kind, item in anew.corrections.items()),
        *((f"networks: {a.arch} in {a.precision}", a, b) for a, b in zip(table.networks, anew.networks)),
        ("verdict", table.verdict, anew.verdict),
    ]
    return [f"{what} is {then}, and follows as {now}" for what, then, now in pairs if not _equal(then, now)]


def _equal(then: Any, now: Any) -> bool:
    """Whether two records hold the same, numbers up to rounding."""
    if then is None:
        return False
    fields = zip(asdict(then).values(), asdict(now).values())
    return all(math.isclose(a, b, rel_tol=CLOSE) if isinstance(a, float) else a == b for a, b in fields)
