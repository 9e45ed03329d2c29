"""Whether a table is what its raw samples say, and how two tables of one space differ."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from predictors.assembly import again
from predictors.table import LatencyTable

CLOSE = 1e-6  # relative: another machine's arithmetic may round otherwise


def problems(table: LatencyTable) -> list[str]:
    """What does not follow from the raw samples: each row, correction, network and the verdict, one line each."""
    anew = again(table)
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
