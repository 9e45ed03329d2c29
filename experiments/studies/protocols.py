"""Compares ways of timing blocks by how well they predict whole networks, on this machine.

All ways of `predictors.timing.block_protocols` that the runtime allows are timed in one session. Each is corrected with
the same whole networks of that session, and judged on the same new ones. publish=true publishes the result for the
paper.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from experiments.comparison.fresh_networks import fresh_archs
from experiments.config import Config, MeasureConfig
from experiments.config.reference import Reference
from experiments.display.progress import console, say, track
from experiments.display.publish import publish, write_verdict
from experiments.setup.devices import ROUNDS
from experiments.steps.device_settings import Device
from experiments.steps.measure import followed, timing_files
from experiments.steps.plan import plan_of
from experiments.store import artefacts, journal
from experiments.store.keys import passport_key
from experiments.store.step import Means, Step
from paper.rows import Summed
from predictors.board.device import Board
from predictors.board.fingerprint import PRECISIONS
from predictors.board.local_device import local
from predictors.board.profiler import PARTS
from predictors.board.resumable import resumable
from predictors.metrics.agreement import agreement
from predictors.tables.assembly import file_name
from predictors.tables.correction import fit
from predictors.timing.block_protocols import INFERENCE, BlockProtocol, Seconds, protocols_for
from predictors.timing.blocks import Specs, block_specs, computing, networks_to_time
from predictors.timing.rounds import summarize
from predictors.timing.verdict import verdict
from search_spaces.documents import read_csv
from search_spaces.errors import LutraError
from search_spaces.space import Arch, SearchSpace

PROFILER = ("-m", "predictors.board.profiler")
RESULT = "protocols.csv"
WORK = Reference("experiments.studies.protocols:work")
SECONDS = ("naive_s", "affine_s", "predicted_s", "measured_s")


@dataclass(frozen=True)
class Settings:
    space: SearchSpace
    device: Device
    measure: MeasureConfig
    networks: int
    seed: int

    @property
    def label(self) -> str:
        return f"{self.space.name}-seed{self.seed}"


def protocols(config: Config) -> Path:
    """The folder of protocols.csv. Prints it as a table."""
    if config.device.name != "local":
        raise LutraError(
            f"device={config.device.name} cannot compare protocols, which are only timed on this machine: add "
            "device=local"
        )
    plan, device = plan_of(config), Device.of(config.device)
    settings = Settings(plan.space, device, config.measure, config.fidelity.networks, config.seed)
    folder = plan.folder(Step("protocols", settings, {"passport": passport_key(config.device)}, WORK))
    if config.publish:
        publish(config, folder, (RESULT,), "protocols_setup.csv", len(_fitted(settings)))
    for precision in PRECISIONS:
        console.print(shown(folder / RESULT, precision))
    return folder


def work(settings: Settings, files: Mapping[str, Path], means: Means, folder: Path) -> None:
    """Times blocks by every protocol, and whole networks, in one session."""
    space, fitted = settings.space, _fitted(settings)
    fresh = fresh_archs(space, {*fitted}, settings.networks, settings.seed)
    ways = protocols_for(settings.device.library)
    wanted = to_time(space, ways, [*fitted, *fresh])
    networks = list(dict.fromkeys(network for _, network in wanted))
    number = {network: index for index, network in enumerate(networks)}
    written = dict(timing_files(track(networks, "writing files", len(networks)), settings.device.library))
    names = {
        (precision, clock, network): f"{clock}/{file_name(precision, number[network])}"
        for precision in PRECISIONS
        for clock, network in wanted
    }
    timed = {name: written[file_name(precision, number[network])] for (precision, _, network), name in names.items()}
    parts = {name: clock for (_, clock, _), name in names.items() if clock in PARTS}
    path = folder / ROUNDS
    connect = partial(_connect, settings.device, parts)
    with resumable(connect, journal.read(path), partial(journal.append, path), say) as board:
        rounds = list(followed(board, timed, settings.measure, "rounds"))
    values = summarize(rounds)
    write_verdict(folder, {"session": verdict(rounds, settings.measure, {name: name for name in timed})})
    rows = []
    for precision in PRECISIONS:
        known = {(clock, network): values[names[precision, clock, network]].seconds for clock, network in wanted}
        for name, way in ways.items():
            rows += [asdict(Summed(precision, name, **row)) for row in judged(space, way, known, fitted, fresh)]
    artefacts.write_csv(folder / RESULT, rows)


def _fitted(settings: Settings) -> list[Arch]:
    return networks_to_time(settings.space, settings.measure.networks, settings.measure.seed)


@contextmanager
def _connect(device: Device, parts: Mapping[str, str], again: bool) -> Iterator[Board]:
    with local(device.threads, PROFILER, cores=device.cores, runtime=device.library) as board:
        board.lock(say)
        board.ask("clocks", parts=parts)
        yield board


def to_time(space: SearchSpace, ways: Mapping[str, BlockProtocol], archs: Sequence[Arch]) -> list[tuple[str, Specs]]:
    """The distinct clocks and networks that the protocols need for every block, and the whole networks."""
    blocks = [item for way in ways.values() for spec in block_specs(space) for item in way.timed(spec)]
    return list(dict.fromkeys(blocks + [(INFERENCE, computing(space.decode(arch))) for arch in archs]))


def judged(
    space: SearchSpace, way: BlockProtocol, known: Seconds, fitted: Sequence[Arch], fresh: Sequence[Arch]
) -> Iterator[dict[str, Any]]:
    """A row for each new network: the sum of its blocks, corrected without and with a term per layer, and its time."""
    seconds = {spec: way.seconds(spec, known) for spec in block_specs(space)}
    networks = [computing(space.decode(arch)) for arch in (*fitted, *fresh)]
    naive = np.array([sum(seconds[spec] for spec in network) for network in networks])
    measured = np.array([known[INFERENCE, network] for network in networks])
    layers, known_ones = np.array([len(network) for network in networks]), slice(len(fitted))
    affine = fit(naive[known_ones], measured[known_ones])(naive)
    predicted = fit(naive[known_ones], measured[known_ones], layers[known_ones])(naive, layers)
    columns = {"naive_s": naive, "affine_s": affine, "predicted_s": predicted, "measured_s": measured}
    for index, arch in enumerate(fresh, len(fitted)):
        yield {"arch": artefacts.arch_name(arch), **{name: float(column[index]) for name, column in columns.items()}}


def shown(path: Path, precision: str) -> Table:
    """The rows of one precision, summed up by protocol."""
    rows = [row for _, row in read_csv(path, ("precision", "protocol", *SECONDS)) if row["precision"] == precision]
    titles = ("block protocol", "sum: bias %", "affine: MAPE %", "term per layer: MAPE %", "within 5 %", "tau-b")
    names = dict.fromkeys(row["protocol"] for row in rows)
    table = Table(*titles, title=f"{precision}: {len(rows) // len(names)} held-out networks")
    for name in names:
        own = [row for row in rows if row["protocol"] == name]
        *predicted, measured = (np.array([float(row[column]) for row in own]) for column in SECONDS)
        plain, affine, corrected = (agreement(one, measured) for one in predicted)
        shares = (plain.bias, affine.mape, corrected.mape, corrected.within_5)
        table.add_row(name, *(f"{100 * share:.2f}" for share in shares), f"{corrected.tau:.4f}")
    return table
