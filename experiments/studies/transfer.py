"""The transfer matrix: what a target loses by deploying the network that was chosen for another one.

A target is a device, a runtime, a precision and a number of threads. One supernet serves the searches of all targets;
each target has a table and a search of its own. The candidates of all searches are pooled. A target's winner is the one
that its table says is the fastest, among those that are as accurate as the least accurate of the searches' winners.
Every winner, and the networks of fewest MACs and fewest parameters, are then timed on every target, interleaved.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table

from experiments.comparison.pooled_candidates import Pool
from experiments.config import Config, MeasureConfig
from experiments.config.reference import Reference
from experiments.display import events
from experiments.display.progress import console, track
from experiments.display.publish import publish, write_verdict
from experiments.setup.deployment_targets import targets_of
from experiments.setup.devices import board_of
from experiments.steps.device_settings import Device
from experiments.steps.measure import followed, timing_files
from experiments.steps.plan import plan_of
from experiments.store import artefacts
from experiments.store.keys import passport_key
from experiments.store.step import Means, Step
from experiments.store.winner import WINNER
from paper import rows as results
from paper.figures import transfer as figure
from paper.transfer_rows import MACS, PARAMETERS, Transferred
from predictors.board.fingerprint import PRECISIONS, runtime_of
from predictors.tables.assembly import file_name
from predictors.timing.blocks import computing
from predictors.timing.rounds import summarize
from predictors.timing.values import Value
from predictors.timing.verdict import Verdict, verdict
from search_spaces.published import number, picks, records
from search_spaces.space import Arch, SearchSpace

LATENCIES, TRANSFER = "latencies.csv", "transfer.csv"
SECONDS, FACTS = ("seconds", "low", "high"), ("device", "runtime", "session")


@dataclass(frozen=True)
class Session:
    """The settings of the step `transfer_timing`: networks that are timed side by side on one device."""

    space: SearchSpace
    device: Device
    measure: MeasureConfig
    archs: list[Arch]

    @property
    def label(self) -> str:
        return f"{self.space.name}-{self.device.name}-{self.device.library}"


@dataclass(frozen=True)
class Settings:
    """The settings of the step `transfer`. Its files are named after the targets."""

    space: SearchSpace
    precisions: Mapping[str, str]  # by target

    @property
    def label(self) -> str:
        return self.space.name


def transfer(config: Config) -> Path:
    """The folder of transfer.csv. Prints it as a matrix."""
    targets = targets_of(config)
    files: dict[str, Path] = {}
    for name, one in targets.items():
        plan = plan_of(one)
        files |= {f"table of {name}": plan.table, f"candidates of {name}": plan.search / "candidates.csv"}
        files[f"winner of {name}"] = plan.search / WINNER
    settings = Settings(plan_of(config).space, {name: one.precision for name, one in targets.items()})
    pool = Pool.of(settings.space, settings.precisions, files)
    archs = sorted({pool.archs[index] for index in pool.winners.values()})
    for name, one in targets.items():
        session = Session(settings.space, Device.of(one.device), one.measure, archs)
        step = Step("transfer_timing", session, {"passport": passport_key(one.device)}, Reference(f"{__name__}:timed"))
        files[f"latencies of {name}"] = plan_of(one).folder(step) / LATENCIES
    folder = plan_of(config).folder(Step("transfer", settings, files, Reference(f"{__name__}:work")))
    if config.publish:
        publish(config, folder, (TRANSFER,), "transfer_setup.csv", 0)
    console.print(shown(results.read(folder, Transferred)))
    return folder


def timed(settings: Session, files: Mapping[str, Path], means: Means, folder: Path) -> None:
    """Leaves latencies.csv: the seconds of each network in each precision, with 95 % intervals."""
    networks = [computing(settings.space.decode(tuple(arch))) for arch in settings.archs]
    written = dict(timing_files(track(networks, "writing files", len(networks)), settings.device.library))
    with board_of(settings.device.at(means), folder) as board:
        rounds = list(followed(board, written, settings.measure, "timing"))
        passport = board.passport
    session = verdict(rounds, settings.measure, {name: name for name in written})
    write_verdict(folder, {"timing": session})
    values, runtime = summarize(rounds), runtime_of(passport)
    facts = {
        "device": passport.get("model") or passport.get("cpu"),
        "runtime": f"{runtime} {passport[runtime]}",
        "session": session.state,
    }
    rows = [
        {"arch": artefacts.arch_name(arch), "precision": precision, **asdict(values[file_name(precision, at)]), **facts}
        for at, arch in enumerate(settings.archs)
        for precision in PRECISIONS
    ]
    artefacts.write_csv(folder / LATENCIES, rows)


def work(settings: Settings, files: Mapping[str, Path], means: Means, folder: Path) -> None:
    """Leaves transfer.csv, its figure, and the verdict on the sessions."""
    rows = list(matrix(settings, files))
    artefacts.write_csv(folder / TRANSFER, [asdict(row) for row in rows])
    states = {row.target: row.session for row in rows}
    write_verdict(folder, {name: Verdict(state, (state,), (), ()) for name, state in states.items()})
    with events.writer(folder) as board:
        events.show_figure(board, folder, "transfer", figure.draw(folder))


def matrix(settings: Settings, files: Mapping[str, Path]) -> Iterator[Transferred]:
    """A row for each target and each network: its latency there, and what it loses against the target's own winner."""
    pool = Pool.of(settings.space, settings.precisions, files)
    for target, precision in settings.precisions.items():
        measured = latencies(files[f"latencies of {target}"], precision)
        own, _ = measured[pool.archs[pool.winners[target]]]
        for chosen_for, index in pool.winners.items():
            arch, (seconds, facts) = pool.archs[index], measured[pool.archs[index]]
            yield Transferred(
                target,
                chosen_for,
                artefacts.arch_name(arch),
                pool.accuracies[index].item(),
                pool.costs[MACS][index].item(),
                pool.costs[PARAMETERS][index].item(),
                pool.costs[target][index].item(),
                *(seconds.seconds, seconds.low, seconds.high),
                *lost(seconds, own),
                *facts,
            )


def latencies(path: Path, precision: str) -> dict[Arch, tuple[Value, tuple[str, str, str]]]:
    """Each network's seconds in one precision, and their device, runtime, and the verdict on their session."""
    return {
        picks(where, "arch", row["arch"], 0): (
            Value(*(number(where, column, row[column], 0) for column in SECONDS)),
            (row["device"], row["runtime"], row["session"]),
        )
        for where, row in records(path, ("arch", "precision", *SECONDS, *FACTS))
        if row["precision"] == precision
    }


def lost(one: Value, own: Value) -> tuple[float, float, float]:
    """How much longer one network takes than the target's own winner, as a fraction, and its 95 % interval.

    Errors are independent, so their logarithms add as squares. The winner itself loses exactly nothing.
    """
    if one == own:
        return 0.0, 0.0, 0.0
    ratio = one.seconds / own.seconds
    below = math.hypot(math.log(one.seconds / one.low), math.log(own.high / own.seconds))
    above = math.hypot(math.log(one.high / one.seconds), math.log(own.seconds / own.low))
    return ratio - 1, ratio * math.exp(-below) - 1, ratio * math.exp(above) - 1


def shown(rows: Sequence[Transferred]) -> Table:
    """A line for each network, a column for each target."""
    targets = list(dict.fromkeys(row.target for row in rows))
    table = Table("chosen for", *targets, title="latency lost against the target's own winner, %")
    for chosen_for in dict.fromkeys(row.chosen_for for row in rows):
        own = {row.target: f"{100 * row.loss:+.1f}" for row in rows if row.chosen_for == chosen_for}
        table.add_row(chosen_for, *(own[target] for target in targets))
    return table
