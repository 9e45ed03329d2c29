"""Measures the latency table of the space on the device, in fp32 and INT8."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from compress.files.source import Source
from compress.quantization.calibration import activation_ranges
from compress.runtimes import RUNTIMES
from experiments.display import events
from experiments.display.progress import console, track
from experiments.setup.devices import ROUNDS, board_of, hand_over
from experiments.steps.device_settings import TABLE, Table
from experiments.store import artefacts, journal
from experiments.store.step import Means
from paper.figures import heatmap, prediction
from paper.rows import Whole
from predictors.board.answer_validation import plain
from predictors.board.device import Board
from predictors.board.fingerprint import PRECISIONS
from predictors.tables.assembly import assemble, file_name, rows_of_table, timed_files
from predictors.tables.table import LatencyTable
from predictors.tables.table_file import dump, read_table
from predictors.timing.blocks import Specs, all_specs, block_specs, computing, networks_to_time
from predictors.timing.judgement import judge
from predictors.timing.rounds import Protocol, Round, open_rows
from predictors.timing.rounds import measure as measure_rounds
from predictors.timing.values import Row, rows_of
from predictors.timing.verdict import quietness
from search_spaces.networks.onnx_writer import random_weights
from search_spaces.space import SearchSpace

EARLIER = "table-{}-rounds.json"


def work(settings: Table, files: Mapping[str, Path], means: Means, folder: Path) -> None:
    """Measures the table, or continues an unfinished one."""
    space, device, measure = settings.space, settings.device.at(means), settings.protocol(means)
    archs = networks_to_time(space, measure.networks, measure.seed)
    blocks = block_specs(space)
    networks = [computing(space.decode(arch)) for arch in archs]
    specs = all_specs(blocks, networks)
    timed = dict(timing_files(track(specs, "writing files", len(specs)), device.library))
    rows = rows_of_table(blocks, networks, timed_files(timed, specs))
    before = read_table(folder / TABLE) if (folder / TABLE).exists() else None
    for path in folder.glob(EARLIER.format("*")):
        artefacts.declare(path)
    known = len(journal.read(folder / ROUNDS))
    protocol = replace(measure, max_rounds=max(measure.max_rounds, known))
    hand_over(device, timed, protocol, folder, rows)
    with board_of(device, folder) as board:
        artefacts.reopen(folder)
        on = f", resuming after {known} rounds" if known else ""
        message = f"timing {len(timed)} networks on {plain(board.passport['cpu'])}{on}"
        console.print(message, markup=False, highlight=False, soft_wrap=True)
        rounds = list(followed(board, timed, protocol, "rounds", False, rows))
    table = assemble(space, blocks, archs, specs, timed, rounds, board.passport, protocol)
    if before is not None and len(before.rounds) < len(rounds):  # so that results made with it can still be verified
        artefacts.write(folder / EARLIER.format(len(before.rounds)), (folder / TABLE).read_bytes())
    console.print("\n".join(table.verdict.lines()), highlight=False, soft_wrap=True)
    _save(space, table, folder)


def _save(space: SearchSpace, table: LatencyTable, folder: Path) -> None:
    """Writes the table as JSON and CSV files, and to TensorBoard."""
    artefacts.write_csv(folder / "table.csv", table_rows(space, table))
    artefacts.write_csv(folder / "networks.csv", network_rows(table))
    with events.writer(folder) as tensorboard:
        events.show_figure(tensorboard, folder, "heatmap", heatmap.draw(folder))
        events.show_figure(tensorboard, folder, "prediction", prediction.draw(folder))
    artefacts.write(folder / TABLE, dump(table))


def timing_files(
    networks: Iterable[Specs], runtime: str, precisions: Collection[str] = PRECISIONS
) -> Iterator[tuple[str, bytes]]:
    """The file of every network in each precision, with random weights, by the name that `assemble` expects."""
    written = RUNTIMES[runtime]
    for index, specs in enumerate(networks):
        source = Source.with_weights(specs, random_weights(specs))
        first = specs[0]
        shape = (4, first.in_channels, first.resolution, first.resolution)
        images = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
        if "fp32" in precisions:
            yield file_name("fp32", index), written.fp32(source)
        if "int8" in precisions:
            yield file_name("int8", index), written.int8(source, activation_ranges(source.onnx, images))


def followed(
    board: Board,
    files: Mapping[str, bytes],
    protocol: Protocol,
    description: str,
    each: bool = False,
    rows: Mapping[str, Row] | None = None,
) -> Iterator[Round]:
    """Yields each finished round; a progress bar shows how quiet the machine is, and how many rows are unfinished."""
    rounds: list[Round] = []
    wanted = rows_of(files) if rows is None else rows
    what = "files" if rows is None else "rows"

    def progress(done: Round) -> str:
        rounds.append(done)
        judgement = judge(rounds)
        left = len(open_rows(wanted, judgement, protocol))
        return f"samples {100 * quietness(judgement):.1f} % apart, {left} of {len(wanted)} {what} unfinished"

    return track(measure_rounds(board, files, protocol, each, wanted), description, protocol.max_rounds, progress)


def table_rows(space: SearchSpace, table: LatencyTable) -> list[dict[str, Any]]:
    """One row per layer, option and precision; Skips are left out."""
    slower = {spec for spec, _, _ in table.slower_in_int8()}
    return [
        {"layer": layer, "option": option, "spec": str(spec), "precision": precision}
        | {f"{key}_s" if key != "seconds" else key: value for key, value in vars(table.rows[precision, spec]).items()}
        | {"relative_half_width": table.rows[precision, spec].relative_half_width}
        | {"slower_in_int8": spec in slower}
        for precision in PRECISIONS
        for layer, options in enumerate(space.layers)
        for option, spec in enumerate(options)
        if spec.convs and options.index(spec) == option  # trunks may have blocks in common
    ]


def network_rows(table: LatencyTable) -> list[dict[str, Any]]:
    rows = (
        Whole(row.precision, row.naive, row.held_out, row.measured, arch=artefacts.arch_name(row.arch))
        for row in table.networks
    )
    return [asdict(row) for row in rows]
