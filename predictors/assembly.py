"""From finished rounds to a table: each file's median, the blocks out of their contexts, the correction."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from predictors.blocks import Specs, block_value, computing
from predictors.correction import Correction, fit, leave_one_out
from predictors.rounds import Protocol, Round, Value, speeds, summarize
from predictors.table import LatencyTable, NetworkRow, Timed
from search_spaces.errors import LutraError
from search_spaces.space import Arch, SearchSpace
from search_spaces.spec import Spec


def file_name(precision: str, index: int) -> str:
    """The name under which the board knows the file of the index-th timed network."""
    return f"{precision}/{index}"


def assemble(
    space: SearchSpace,
    blocks: Sequence[Spec],
    archs: Sequence[Arch],
    specs: Sequence[Specs],
    files: Mapping[str, bytes],
    rounds: Sequence[Round],
    passport: Mapping[str, Any],
    protocol: Protocol,
) -> LatencyTable:
    """The table of `blocks`, corrected by whole networks. `specs[i]` was timed as `file_name(precision, i)`."""
    samples = [(r.order, r.seconds) for r in rounds]
    values = summarize(samples)
    rows: dict[tuple[str, Spec], Value] = {}
    corrections: dict[str, Correction] = {}
    networks: list[NetworkRow] = []
    timed: list[Timed] = []
    for precision in sorted({name.split("/")[0] for name in files}):
        names = {specs_: file_name(precision, index) for index, specs_ in enumerate(specs)}
        known = {specs_: values[name] for specs_, name in names.items()}
        rows |= {(precision, spec): _positive(spec, block_value(spec, known)) for spec in blocks}
        decoded = [computing(space.decode(arch)) for arch in archs]
        naive = np.array([sum(rows[precision, spec].seconds for spec in network) for network in decoded])
        measured = np.array([known[network].seconds for network in decoded])
        corrections[precision] = fit(naive, measured)
        columns = zip(archs, naive.tolist(), leave_one_out(naive, measured).tolist(), measured.tolist())
        networks += [NetworkRow(arch, precision, *numbers) for arch, *numbers in columns]
        timed += [_timed(specs_, precision, name, files[name], samples) for specs_, name in names.items()]
    states = [
        {"before": dict(r.before), "after": dict(r.after), "speed": speed} for r, speed in zip(rounds, speeds(samples))
    ]
    return LatencyTable(
        space=space.name,
        passport=dict(passport),
        protocol=asdict(protocol),
        rounds=tuple(states),
        timed=tuple(timed),
        rows=rows,
        corrections=corrections,
        networks=tuple(networks),
    )


def _positive(spec: Spec, value: Value) -> Value:
    if value.seconds <= 0:
        raise LutraError(
            f"{spec} took no longer than the convolutions around it: the machine is too noisy now; "
            f"try again when it is quiet, or with measure.sample_seconds=0.1"
        )
    return value


def _timed(
    specs: Specs, precision: str, name: str, onnx: bytes, samples: Sequence[tuple[Sequence[str], Sequence[float]]]
) -> Timed:
    found = [(i, seconds[list(order).index(name)]) for i, (order, seconds) in enumerate(samples) if name in order]
    rounds, times = zip(*found)
    return Timed(specs, precision, hashlib.sha256(onnx).hexdigest(), rounds, times)
