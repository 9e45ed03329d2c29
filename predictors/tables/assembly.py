"""Assembles a table from finished rounds: medians of files, latencies of blocks, and the correction."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np

from predictors.board.fingerprint import PRECISIONS
from predictors.tables.correction import Correction, cross_validated
from predictors.tables.table import LatencyTable, NetworkRow, Timed
from predictors.timing.blocks import Specs, block_value, computing, table_rows
from predictors.timing.rounds import Protocol, Round, files_to_time, summarize
from predictors.timing.values import Row, Value
from predictors.timing.verdict import Verdict, verdict
from search_spaces.errors import LutraError
from search_spaces.layers import Pointwise, Spec
from search_spaces.space import Arch, SearchSpace


def file_name(precision: str, index: int) -> str:
    """The name of the index-th timed network's file on the board."""
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
    """The table of `blocks`, corrected with whole networks. `specs[i]` was timed as `file_name(precision, i)`."""
    return derive(space, blocks, archs, timed_files(files, specs), rounds, passport, asdict(protocol))


def timed_files(files: Mapping[str, bytes], specs: Sequence[Specs]) -> list[Timed]:
    """The network in each file. `specs[i]` is timed as `file_name(precision, i)`."""
    held = {
        file_name(precision, index): (one, precision) for precision in PRECISIONS for index, one in enumerate(specs)
    }
    return [Timed(name, *held[name], hashlib.sha256(file).hexdigest()) for name, file in files.items()]


def derive(
    space: SearchSpace,
    blocks: Sequence[Spec],
    archs: Sequence[Arch],
    timed: Sequence[Timed],
    rounds: Sequence[Round],
    passport: Mapping[str, Any],
    protocol: Mapping[str, Any],
) -> LatencyTable:
    """Computes a table from raw rounds. From a table's own rounds, it computes the same table again."""
    values = summarize(rounds)
    decoded = [computing(space.decode(arch)) for arch in archs]
    worth = judged(blocks, decoded, timed, rounds, settings(protocol))
    rows: dict[tuple[str, Spec], Value] = {}
    corrections: dict[str, Correction] = {}
    networks: list[NetworkRow] = []
    for precision in sorted({item.precision for item in timed}):
        known = {item.specs: values[item.name] for item in timed if item.precision == precision}
        rows |= {(precision, spec): _positive(spec, precision, block_value(spec, known), worth) for spec in blocks}
        naive = np.array([sum(rows[precision, spec].seconds for spec in network) for network in decoded])
        measured = np.array([known[network].seconds for network in decoded])
        layers = np.array([len(network) for network in decoded])
        corrections[precision], left_out = cross_validated(naive, measured, layers)
        columns = zip(archs, naive.tolist(), left_out.tolist(), measured.tolist())
        networks += [NetworkRow(arch, precision, *numbers) for arch, *numbers in columns]
    return LatencyTable(
        space=space.name,
        layers=space.layers,
        reference=space.reference,
        passport=dict(passport),
        protocol=dict(protocol),
        verdict=worth,
        corrections=corrections,
        rows=rows,
        networks=tuple(networks),
        timed=tuple(timed),
        rounds=tuple(replace(r, singles=()) for r in rounds),
    )


def judged(
    blocks: Sequence[Spec],
    networks: Sequence[Specs],
    timed: Sequence[Timed],
    rounds: Sequence[Round],
    protocol: Protocol,
) -> Verdict:
    """The verdict on the rounds, based on the rows of the table."""
    labels = {item.name: f"{_label(item.specs)} in {item.precision}" for item in timed}
    return verdict(rounds, protocol, labels, rows_of_table(blocks, networks, timed))


def rows_of_table(blocks: Sequence[Spec], networks: Sequence[Specs], timed: Sequence[Timed]) -> dict[str, Row]:
    """The rows of the table, whose intervals decide when enough rounds have been measured."""
    return table_rows(blocks, networks, {(item.precision, item.specs): item.name for item in timed})


def unfinished(table: LatencyTable, protocol: Protocol) -> bool:
    """Whether the table is noisy and this protocol allows more rounds."""
    space = SearchSpace(table.space, table.layers, table.reference)
    networks = [computing(space.decode(arch)) for arch in dict.fromkeys(row.arch for row in table.networks)]
    rows = rows_of_table(list(dict.fromkeys(spec for _, spec in table.rows)), networks, table.timed)
    names = [item.name for item in table.timed]
    return len(table.rounds) < protocol.max_rounds and bool(files_to_time(names, rows, table.rounds, protocol))


def again(table: LatencyTable) -> LatencyTable:
    """Recomputes the table from its raw samples."""
    blocks = list(dict.fromkeys(spec for _, spec in table.rows))
    archs = list(dict.fromkeys(row.arch for row in table.networks))
    space = SearchSpace(table.space, table.layers, table.reference)
    return derive(space, blocks, archs, table.timed, table.rounds, table.passport, table.protocol)


def settings(protocol: Mapping[str, Any]) -> Protocol:
    """The protocol with which a table was measured; ignores other entries."""
    return Protocol(**{field.name: protocol[field.name] for field in fields(Protocol)})


def _label(specs: Specs) -> str:
    """A short description of a timed network: its block, or its number of layers."""
    blocks = [spec for spec in specs if not isinstance(spec, Pointwise)]
    if len(blocks) > 1:
        return f"a network of {len(specs)} layers"
    return str(blocks[0] if blocks else specs[0])


def _positive(spec: Spec, precision: str, value: Value, worth: Verdict) -> Value:
    if value.seconds <= 0:
        raise LutraError(
            f"{spec} in {precision} takes {1e6 * value.seconds:.1f} +-{1e6 * value.half_width:.1f} us more than the "
            f"convolutions around it, which is impossible ({worth.lines()[0]}); all rounds are kept: add more on a "
            "quieter machine with a larger measure.max_rounds, or start again with measure.sample_seconds=0.1"
        )
    return value
