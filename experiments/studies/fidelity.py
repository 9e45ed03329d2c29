"""Tests how well latency is predicted for networks that no predictor has seen.

New random networks of the space are timed twice on the device: the first pass is the truth, the second shows how well
it can be repeated. With csv=PATH, predictors train on more and more of a file's published measurements instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from experiments.comparison.fresh_networks import fresh_archs
from experiments.comparison.learning_curves import of_published, point, read_points, shown
from experiments.config import Config, MeasureConfig
from experiments.config.reference import Reference
from experiments.display import events
from experiments.display.progress import console, say, track
from experiments.display.publish import publish, write_verdict
from experiments.setup.devices import board_of, live
from experiments.setup.reference_networks import reference_networks
from experiments.steps.device_settings import Device
from experiments.steps.measure import followed, timing_files
from experiments.steps.plan import plan_of
from experiments.store import artefacts
from experiments.store.keys import passport_key
from experiments.store.step import Means, Step
from paper import rows as results
from paper.figures import fidelity as figure
from paper.rows import Fresh as Predicted
from paper.rows import Judged
from predictors.metrics.prediction_interval import margin
from predictors.models.learned import LEARNERS
from predictors.tables.assembly import file_name
from predictors.tables.table import LatencyTable
from predictors.tables.table_file import read_table
from predictors.timing.blocks import block_specs, computing
from predictors.timing.rounds import Value, summarize
from predictors.timing.slowdown import slowdowns
from predictors.timing.verdict import verdict
from search_spaces.costs import macs
from search_spaces.errors import LutraError
from search_spaces.space import Arch, SearchSpace

NOTHING = 1e-9  # seconds; the smallest prediction
RETEST = "re-test"  # the second pass, as a predictor of the first
CORRECTED = "corrected table"
ALONE = "sum of blocks alone"  # each timed as a network of its own, in the first pass


@dataclass(frozen=True)
class Fresh:
    space: SearchSpace
    device: Device
    measure: MeasureConfig
    networks: int
    ignore: list[str]  # with it, the table and its predictions may be for another device
    seed: int

    @property
    def label(self) -> str:
        return f"{self.space.name}-{self.device.name}-seed{self.seed}"


def fidelity(config: Config) -> Path:
    """The folder of fidelity.csv. Prints it as a table."""
    for key, value, least in (("networks", config.fidelity.networks, 2), ("seeds", config.fidelity.seeds, 1)):
        if value < least:
            raise LutraError(f"fidelity.{key} must be at least {least}, not {value}")
    folder = _of_fresh(config) if config.csv is None else of_published(config, Path(config.csv))
    found = read_points(folder / "fidelity.csv")
    if config.publish and config.csv is None:
        fitted = next(one.trained_on for one in found if one.predictor == CORRECTED)  # of the table
        publish(config, folder, ("fresh.csv", "fidelity.csv"), "fidelity_setup.csv", fitted)
    for data in dict.fromkeys(one.data for one in found):
        console.print(shown(found, data))
    if config.csv is None:
        for line in covered(read_table(plan_of(config).table), results.read(folder, Predicted)):
            say(line)
    console.print(f"CSV files and figures: {folder}", soft_wrap=True)
    return folder


def covered(table: LatencyTable, rows: Sequence[Predicted]) -> Iterator[str]:
    """How many of the new networks lie in the 95 % interval that the table states for one, in each precision."""
    for precision in table.corrections:
        factor = margin(table, precision)
        ratios = [
            max(one.measured_s / one.predicted_s, one.predicted_s / one.measured_s)
            for one in rows
            if (one.precision, one.predictor) == (precision, CORRECTED)
        ]
        yield (
            f"{precision}: by its leave-one-out errors, the table is off by less than a factor of {factor:.3g} for "
            f"95 % of new networks; this holds for {sum(ratio <= factor for ratio in ratios)} of these {len(ratios)}"
        )


def _of_fresh(config: Config) -> Path:
    live(config.device)
    plan, device = plan_of(config), Device.of(config.device)
    settings = Fresh(plan.space, device, config.measure, config.fidelity.networks, config.ignore, config.seed)
    inputs: dict[str, Path | str] = {"table": plan.table, "passport": passport_key(config.device)}
    return plan.folder(Step("fidelity", settings, inputs, Reference("experiments.studies.fidelity:of_fresh")))


def of_fresh(settings: Fresh, files: Mapping[str, Path], means: Means, folder: Path) -> None:
    """Times new networks and predicts their latencies."""
    table, space, seed = read_table(files["table"]), settings.space, settings.seed
    archs = fresh_archs(space, {row.arch for row in table.networks}, settings.networks, seed)
    timed = _timed(settings, means, table, archs, folder)
    rows, found = [], []
    for precision in table.corrections:
        measured, again, alone = timed[precision]
        for predictor, trained_on, predicted in (
            (RETEST, 0, again),
            (ALONE, 0, alone),
            *predictions(table, space, precision, archs),
        ):
            found.append(point(precision, predictor, trained_on, seed, predicted, measured))
            rows += [
                Predicted(precision, predictor, guess, truth, arch=artefacts.arch_name(arch))
                for arch, guess, truth in zip(archs, predicted.tolist(), measured.tolist())
            ]
    _write(folder, rows, found)


def _write(folder: Path, rows: Sequence[Predicted], found: Sequence[Judged]) -> None:
    artefacts.write_csv(folder / "fresh.csv", [asdict(row) for row in rows])
    artefacts.write_csv(folder / "fidelity.csv", [asdict(one) for one in found])
    with events.writer(folder) as board:
        events.show_figure(board, folder, "fidelity", figure.draw(folder))
        for one in found:
            for column in ("mape", "within_5", "within_10", "tau"):
                board.add_scalar(f"{one.data} {column}/{one.predictor}", getattr(one, column), 0)


def _timed(
    settings: Fresh, means: Means, table: LatencyTable, archs: Sequence[Arch], folder: Path
) -> dict[str, list[np.ndarray]]:
    """By precision, seconds [n] of both passes and of the sums of blocks, at the machine's speed during the table."""
    space, measure, library = settings.space, settings.measure, settings.device.library
    networks, blocks = [computing(space.decode(arch)) for arch in archs], block_specs(space)
    files = dict(timing_files(track(networks, "writing files", len(networks)), library))
    alone = {
        f"alone {name}": file for name, file in timing_files(((spec,) for spec in blocks), settings.device.library)
    }
    again, then = reference_networks(table, len(table.networks))
    with board_of(settings.device.at(means), folder) as board:
        passes = {
            name: list(followed(board, {**chosen, **again}, measure, name))
            for name, chosen in (("first pass", files | alone), ("second pass", files))
        }
    labels = {name: name for name in files}
    write_verdict(folder, {name: verdict(rounds, measure, labels) for name, rounds in passes.items()})
    first, second = map(summarize, passes.values())
    timed = {}
    for precision in table.corrections:
        names = [file_name(precision, index) for index in range(len(networks))]
        of_block = {spec: first[f"alone {file_name(precision, i)}"].seconds for i, spec in enumerate(blocks)}
        sums = np.array([sum(of_block[spec] for spec in network) for network in networks])
        columns = ((first, _seconds(first, names)), (second, _seconds(second, names)), (first, sums))
        timed[precision] = [slowdowns(values, then)[precision].then(seconds) for values, seconds in columns]
    return timed


def _seconds(values: Mapping[str, Value], names: Sequence[str]) -> np.ndarray:
    return np.array([values[name].seconds for name in names])


def predictions(
    table: LatencyTable, space: SearchSpace, precision: str, archs: Sequence[Arch]
) -> Iterator[tuple[str, int, np.ndarray]]:
    """Yields each predictor's name, its number of training networks, and its predicted seconds [n]."""
    rows = [row for row in table.networks if row.precision == precision]
    known, seconds = np.array([row.arch for row in rows]), np.array([row.measured for row in rows])
    picks = np.array(archs)
    yield "sum of blocks in context", 0, table.sums(space, precision).of(picks)
    yield CORRECTED, len(rows), table.predictor(space, precision).of(picks)
    effort, given = (np.array([macs(space.decode(arch)) for arch in some], float) for some in (archs, known.tolist()))
    work = given / seconds
    rate = work.sum() / (work @ work)  # least squares of the relative error
    yield "MACs", len(rows), rate * effort
    for name, learner in LEARNERS.items():
        yield name, len(rows), learner(known, seconds, space.options)(picks).clip(NOTHING)
