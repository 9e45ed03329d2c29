"""Reports a run as one page, CSV files, figures and a table; with publish=true also for the paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.config import OFFLINE, Config
from experiments.config.choices import space_of
from experiments.config.compression import FASTER
from experiments.config.reference import Reference
from experiments.display.progress import console
from experiments.setup.devices import live
from experiments.setup.session_record import Session, read_rows, show_rows
from experiments.stages import int8_record
from experiments.steps.benchmark import benchmark
from experiments.steps.compress import compress, folder_of_search
from experiments.steps.finished_reports import deployed_in, given_report
from experiments.steps.plan import plan_of, train
from experiments.steps.settings import Search
from experiments.store import artefacts
from experiments.store.key_fields import FOLDER, implied, unless
from experiments.store.provenance import LINEAGE, load, verify
from experiments.store.step import Step
from paper.compression_rows import STAGE_NAMES, Stage
from paper.setup_file import setup
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
STEPS = {"train": train, "search": folder_of_search, "compress": compress, "benchmark": benchmark}


@dataclass(frozen=True)
class Settings:
    ignore: list[str]
    figures: list[str]
    title: str = unless("")  # of the data set
    deploy: str = unless(FASTER)
    search: Search = implied("search")
    label: str = implied(FOLDER)


def report(config: Config) -> Path:
    """The report's folder: CSV files, figures, and the file that is deployed. Prints the table.

    With run=FOLDER of a finished report, only shows it.
    """
    if config.run and (given := given_report(config)) is not None:
        show_given(given)
        return given
    folder = made(config)
    if config.publish:
        outputs = sorted(artefacts.manifest(folder)["outputs"])
        PUBLISH(config, [folder / name for name in outputs if name.endswith(".csv") or name == "pareto.png"])
    show(config, read_table(plan_of(config).table), benchmark(config), folder)
    return folder


def made(config: Config) -> Path:
    """The report's folder."""
    check_reportable(config)
    plan = plan_of(config)
    folders = {name: path if (path := step(config)).is_dir() else path.parent for name, step in STEPS.items()}
    files: dict[str, Path | str] = {name: folder / artefacts.MANIFEST for name, folder in folders.items()}
    searched = Search.read(artefacts.manifest(folders["search"])["config"], plan.space, plan.images)
    named = (config.space.name, config.data.label, config.strategy.name, config.objective.name)
    label = "-".join((*named, f"seed{config.seed}"))
    settings = Settings(config.ignore, [*FIGURES], config.data.title, config.compress.deploy, searched, label)
    return plan.folder(Step("report", settings, files | {"table": plan.table}, WORK))


def check_reportable(config: Config) -> None:
    """Raises LutraError, before any work, if no report can be made with this configuration."""
    live(config.device)
    if not is_reportable(config):
        raise LutraError(
            "a report is about the search's winner and the deployed file: leave model at winner, and let "
            "compress.stages end with quantize; python -m experiments.benchmark takes any stages and models"
        )


def is_reportable(config: Config) -> bool:
    """Whether a report can be made with this device, model and stages."""
    whole = config.compress.stages[-1:] == ["quantize"] and config.model == "winner"
    return whole and config.device.name not in OFFLINE


def labels(stages: Sequence[str]) -> dict[str, str]:
    """The rows' names for people: the stages that the winner has gone through; the last part is a precision."""
    own = [stage for stage in stages if stage not in LABELS]
    names = [*(STAGE_NAMES.get(stage, stage) for stage in own[:-1]), *(stage.upper() for stage in own[-1:])]
    return LABELS | {stage: ", ".join(["winner", *names[: end + 1]]) for end, stage in enumerate(own)}


def slower_layers(space: SearchSpace, table: LatencyTable, listed: Path) -> str:
    """A warning if layer options are significantly slower in INT8 on this device; the file `listed` has all of them."""
    slower = {spec: (fp32.seconds, int8.seconds) for spec, fp32, int8 in table.slower_in_int8()}
    options = [
        (layer, option, spec)
        for layer, specs in enumerate(space.layers)
        for option, spec in enumerate(specs)
        if spec.convs
    ]
    found = [one for one in options if one[2] in slower]
    if not found:
        return ""
    layer, option, spec = max(found, key=lambda one: slower[one[2]][1] / slower[one[2]][0])
    fp32, int8 = (1e6 * seconds for seconds in slower[spec])
    return (
        f"INT8 is slower than fp32 here in {len(found)} of {len(options)} layer options, most in layer {layer}, option "
        f"{option}, {spec}: {fp32:.1f} us in fp32, {int8:.1f} us in INT8; all of them: slower_in_int8 in {listed}"
    )


def show(config: Config, latencies: LatencyTable, benchmarked: Path, folder: Path) -> None:
    """Prints the table of all stages, and where to look next."""
    rows, session = read_rows(benchmarked)
    slower = slower_layers(space_of(config), latencies, folder / "table.csv")
    for line in filter(None, (slower, f"The latency table is {latencies.verdict.lines()[0]}")):
        console.print(line, highlight=False, soft_wrap=True)
    _show_rows(f"{config.data.names.title}, {config.space.name}, {config.device.name}", rows, session, folder)
    if config.ignore:
        console.print(f"The table was not checked against this device for {', '.join(config.ignore)}: ignore was set.")
    _show_files(folder)
    console.print(f"TensorBoard: tensorboard --logdir {config.runs}", soft_wrap=True)
    console.print(f"The page about this run: {folder / PAGE}", soft_wrap=True)


def show_given(folder: Path) -> None:
    """Prints the table of a finished report, after verifying it and all steps that it was made from."""
    last = verify(folder).line[-1]
    rows, session = read_rows(folder.parents[1] / last.folder)
    _show_rows(folder.name, rows, session, folder)
    _show_files(folder)
    if (folder / PAGE).exists():
        console.print(f"The page about this run: {folder / PAGE}", soft_wrap=True)


def _show_rows(title: str, rows: Sequence[Stage], session: Session, folder: Path) -> None:
    sha256 = load(folder / LINEAGE).row["sha256"]
    console.print(show_rows(rows, title, labels([row.stage for row in rows]), sha256))
    why = setup(folder).values.get("deployed_reason", "")
    for line in filter(None, (why, *session.lines(), *int8_record.load(folder).lines())):
        console.print(line, highlight=False, soft_wrap=True)


def _show_files(folder: Path) -> None:
    console.print(f"The deployed file: {deployed_in(folder)}\nFigures and CSV files: {folder}", soft_wrap=True)
