"""A run as one page, CSV files, figures and one table; publish=true also as the paper's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.config import Config
from experiments.config.choices import space_of
from experiments.config.reference import Reference
from experiments.display.progress import console
from experiments.setup.devices import live
from experiments.setup.session_record import read_rows, show_rows
from experiments.stages import int8_record
from experiments.steps.benchmark import benchmark
from experiments.steps.compress import Made, chain, compress, found_by
from experiments.steps.plan import plan_of, train
from experiments.steps.settings import Search
from experiments.store import artefacts
from experiments.store.key_fields import FOLDER, implied
from experiments.store.step import Step
from predictors.agent.runtimes import SUFFIXES
from predictors.tables.table import LatencyTable
from predictors.tables.table_file import read_table
from search_spaces.errors import LutraError
from search_spaces.space import SearchSpace

FIGURES = ("pareto", "prediction", "waterfall", "architecture", "heatmap")
LABELS = {
    "reference": "the space's hand-made reference",
    "random": "a random architecture",
    "inherited": "winner, inherited weights",
    "retrained": "winner, trained from scratch",
}
PUBLISH = Reference("experiments.display.publish:copy")
WORK = Reference("experiments.steps.report_files:work")
PAGE = "report.html"
STEPS = {"train": train, "search": found_by, "compress": compress, "benchmark": benchmark}


@dataclass(frozen=True)
class Settings:
    ignore: list[str]
    figures: list[str]
    search: Search = implied("search")
    label: str = implied(FOLDER)


def report(config: Config) -> Path:
    """The report's folder: CSV files, figures, and the file that is deployed. Prints the table."""
    check_reportable(config)
    plan = plan_of(config)
    folders = {name: made if (made := step(config)).is_dir() else made.parent for name, step in STEPS.items()}
    files: dict[str, Path | str] = {name: folder / artefacts.MANIFEST for name, folder in folders.items()}
    searched = Search.read(artefacts.manifest(folders["search"])["config"], plan.space, plan.images)
    label = f"{config.space.name}-{config.data.name}-{config.strategy.name}-{config.objective.name}-seed{config.seed}"
    settings = Settings(config.ignore, [*FIGURES], searched, label)
    folder = plan.folder(Step("report", settings, files | {"table": plan.table}, WORK))
    if config.publish:
        outputs = sorted(artefacts.manifest(folder)["outputs"])
        PUBLISH(config, [folder / name for name in outputs if name.endswith(".csv") or name == "pareto.png"])
    show(config, read_table(plan.table), folders["benchmark"], folder)
    return folder


def check_reportable(config: Config) -> None:
    """Raises LutraError, before any work, where no report can be made in the end."""
    live(config.device)
    if config.compress.stages[-1:] != ["quantize"] or config.model != "winner":
        raise LutraError(
            "a report is of the search's winner and ends in the file that is deployed: let compress.stages end with "
            "quantize; python -m experiments.benchmark answers for any stages and models"
        )


def labels(made: Sequence[Made]) -> dict[str, str]:
    """What people call the rows, by what was done to the winner until then."""
    names = [one.path.stem.upper() if one.path.suffix in SUFFIXES else one.name for one in made[1:]]
    rows = [one.path.stem if one.path.suffix in SUFFIXES else one.name for one in made[1:]]
    return LABELS | {row: ", ".join(["winner", *names[: end + 1]]) for end, row in enumerate(rows)}


def slower_layers(space: SearchSpace, table: LatencyTable) -> list[str]:
    """A warning for every layer option that INT8 makes slower on this device, beyond its interval."""
    slower = {spec: (1e6 * fp32.seconds, 1e6 * int8.seconds) for spec, fp32, int8 in table.slower_in_int8()}
    return [
        f"INT8 is slower here: layer {layer}, option {option}, {spec}: {slower[spec][0]:.1f} us in fp32, "
        f"{slower[spec][1]:.1f} us in INT8"
        for layer, options in enumerate(space.layers)
        for option, spec in enumerate(options)
        if spec in slower
    ]


def show(config: Config, latencies: LatencyTable, benchmarked: Path, folder: Path) -> None:
    """Prints the table of all stages, and where to look next."""
    rows, session = read_rows(benchmarked)
    warnings = slower_layers(space_of(config), latencies)
    for line in (*warnings, f"The latency table is {latencies.verdict.lines()[0]}"):
        console.print(line, highlight=False, soft_wrap=True)
    console.print(
        show_rows(rows, f"{config.data.name}, {config.space.name}, {config.device.name}", labels(chain(config)))
    )
    for line in (*session.lines(), *int8_record.load(folder).lines()):
        console.print(line, highlight=False, soft_wrap=True)
    if config.ignore:
        console.print(f"The table's {', '.join(config.ignore)} was not compared with this device's: ignore was set.")
    console.print(
        f"The deployed file: {folder / chain(config)[-1].path.name}\nFigures and CSV files: {folder}", soft_wrap=True
    )
    console.print(f"TensorBoard: tensorboard --logdir {config.runs}", soft_wrap=True)
    console.print(f"The page about this run: {folder / PAGE}", soft_wrap=True)
