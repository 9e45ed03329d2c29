"""Published latencies of whole networks, from a CSV file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from experiments.config.command_config import UNITS
from search_spaces.errors import LutraError, unknown
from search_spaces.published import header, networks

# Columns of known files: NAS-Bench-201 on a Raspberry Pi 4 (HW-NAS-Bench, by way of HELP), FBNet on a Xeon (HELP)
KNOWN = (("ops", "rpi4_ms"), ("ops", "silver_4210r_ms"))


class Columns(Protocol):
    """Names of columns and the unit of latencies: `FidelityConfig`, or the settings of its step."""

    @property
    def options(self) -> str: ...
    @property
    def latency(self) -> str: ...
    @property
    def unit(self) -> str: ...


@dataclass(frozen=True)
class Measurements:
    """Distinct networks."""

    archs: np.ndarray  # [n, layers]
    seconds: np.ndarray  # [n]
    options: tuple[int, ...]  # of each layer


def read_measurements(path: Path, chosen: Columns) -> Measurements:
    """Reads the file. Raises LutraError that names the first wrong line."""
    if chosen.unit not in UNITS:
        raise unknown("unit", chosen.unit, UNITS)
    options, latency = _columns(path, header(path), chosen)
    rows = [(arch, value * UNITS[chosen.unit]) for _, arch, (value,) in networks(path, options, (latency,))]
    if not rows:
        raise LutraError(f"{path} has no row below its header")
    archs, seconds = map(np.array, zip(*rows))
    return Measurements(archs, seconds, tuple(int(top) + 1 for top in archs.max(0)))


def _columns(path: Path, header: Sequence[str], chosen: Columns) -> tuple[str, str]:
    """The requested columns, or those of a known file."""
    given = (chosen.options, chosen.latency)
    if not any(given):
        for pair in KNOWN:
            if {*pair} <= {*header}:
                return pair
        raise LutraError(
            f"{path} is not one of the known files; its columns are {', '.join(header)}: choose two with "
            "fidelity.options=COLUMN fidelity.latency=COLUMN fidelity.unit=ms"
        )
    for key, column in zip(("options", "latency"), given):
        if not column:
            raise LutraError(f"give both columns: add fidelity.{key}=COLUMN; {path} has {', '.join(header)}")
        if column not in header:
            raise unknown(f"column of {path}", column, header)
    return given
