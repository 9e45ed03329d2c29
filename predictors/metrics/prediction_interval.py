"""How far off a table's prediction of a new network may be, from its errors on networks that it was not fitted to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from scipy.special import stdtrit

if TYPE_CHECKING:
    from predictors.tables.table import LatencyTable


def margin(table: LatencyTable, precision: str) -> float:
    """The factor within which a new network's latency lies with 95 %: predicted / factor to predicted * factor.

    The table's leave-one-out errors of whole networks, as logarithms, are taken to be normal with mean 0; the standard
    deviation is estimated from them, so the factor is that of Student's t (Meeker, Hahn & Escobar 2017, section 4.8).
    """
    errors = [math.log(row.measured / row.held_out) for row in table.networks if row.precision == precision]
    deviation = math.sqrt(sum(error**2 for error in errors) / len(errors))
    return math.exp(float(stdtrit(len(errors), 0.975)) * deviation)
