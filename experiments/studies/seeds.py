"""Repeats the search, the training and the compression with several seeds, on one supernet and one latency table.

Each seed searches, trains the winner, the reference and a random network from scratch, compresses and measures, as the
pipeline does; seeds.baselines=false leaves out the reference and the random network.
The rows of all seeds are in seeds.csv. Differences smaller than their spread may be chance.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.table import Table

from experiments.compute.parallel_training import Training, train_all
from experiments.config import Config
from experiments.config.reference import Reference
from experiments.display.progress import console
from experiments.display.publish import publish, write_verdict
from experiments.setup.session_record import RECORD, read_rows
from experiments.steps.benchmark import benchmark, trainings
from experiments.steps.compress import folder_of_search
from experiments.steps.plan import plan_of
from experiments.steps.report import check_reportable, labels
from experiments.store import artefacts
from experiments.store.step import Means, Step
from experiments.store.winner import WINNER, read_winner
from paper.compression_rows import Stage
from paper.rows import FILES, read
from paper.seed_rows import Seeded, by_stage
from predictors.timing.verdict import Verdict
from search_spaces.errors import LutraError
from search_spaces.space import SearchSpace
from search_spaces.trunks import whole

SEEDS = FILES[Seeded]


@dataclass(frozen=True)
class Settings:
    """The settings of the step `seeds`. Its files are named after the seeds."""

    space: SearchSpace
    seeds: list[int]

    @property
    def label(self) -> str:
        return f"{self.space.name}-{len(self.seeds)}seeds"


def seeds(config: Config) -> Path:
    """The folder of seeds.csv. Prints the mean and the range of each stage."""
    check_reportable(config)
    if config.run:
        raise LutraError("every seed has a search of its own: leave run= out")
    if config.publish and config.seeds.count < 2 and (Path(config.results) / FILES[Stage]).exists():
        raise LutraError(
            f"one run cannot replace the seeds of the paper in {config.results}: give seeds.count=2 or more, leave "
            "publish=true out, or publish it elsewhere, results=FOLDER"
        )
    plan, numbers = plan_of(config), [*range(config.seed, config.seed + config.seeds.count)]
    found: list[Training] = []
    for number in numbers:
        console.print(f"[bold]search with seed {number}[/bold]")
        found += trainings(replace(config, seed=number), config.seeds.baselines)
    train_all(found, config.jobs)
    files: dict[str, Path | str] = {}
    for number in numbers:
        console.print(f"[bold]seed {number}[/bold]")
        own = replace(config, seed=number)
        files[str(number)] = benchmark(own, config.seeds.baselines) / RECORD
        files[f"winner {number}"] = folder_of_search(own) / WINNER
    folder = plan.folder(Step("seeds", Settings(plan.space, numbers), files, Reference(f"{__name__}:work")))
    if config.publish:
        publish(config, folder, (SEEDS,), "seeds_setup.csv", 0)
    console.print(shown(read(folder, Seeded)))
    return folder


def work(settings: Settings, files: Mapping[str, Path], means: Means, folder: Path) -> None:
    """Writes seeds.csv, and the verdicts on the sessions."""
    records = {seed: read_rows(files[str(seed)].parent) for seed in settings.seeds}
    winners = {seed: read_winner(files[f"winner {seed}"].parent).arch for seed in settings.seeds}
    names = {seed: artefacts.arch_name(whole(arch, settings.space.kept)) for seed, arch in winners.items()}
    rows = [
        asdict(Seeded(**asdict(row), seed=seed, whole_arch=names[seed]))
        for seed, (own, _) in records.items()
        for row in own
    ]
    artefacts.write_csv(folder / SEEDS, rows)
    states = {f"seed {seed}": Verdict(one.state, (*one.reasons,), (), ()) for seed, (_, one) in records.items()}
    write_verdict(folder, states)


def shown(rows: Sequence[Seeded]) -> Table:
    """A line for each stage: mean, smallest and largest accuracy and latency over the seeds."""
    count = len({row.seed for row in rows})
    table = Table(
        "stage",
        "",
        "test %",
        "median ms",
        title="1 seed" if count == 1 else f"{count} seeds: mean (smallest to largest)",
    )
    names = labels([row.stage for row in rows if row.seed == rows[0].seed])
    for (stage, precision), own in by_stage(rows).items():
        accuracies, latencies = [row.test_accuracy for row in own], [row.latency_median_s for row in own]
        table.add_row(names.get(stage, stage), precision, spread(accuracies, 100, 2), spread(latencies, 1e3, 3))
    return table


def spread(values: Sequence[float], factor: float, places: int) -> str:
    """Mean, smallest and largest value, multiplied by `factor`; of one value, that value."""
    mean, low, high = (f"{factor * one:.{places}f}" for one in (statistics.fmean(values), min(values), max(values)))
    return f"{mean} ({low} to {high})" if len(values) > 1 else mean
