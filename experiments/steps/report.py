"""A run as CSV files, figures and one table; publish=true also as the paper's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from experiments.config import Config
from experiments.config.choices import space_of
from experiments.display import events
from experiments.display.architecture import layer_rows, text
from experiments.display.progress import console
from experiments.display.publish import copy
from experiments.display.run_setup import setup
from experiments.setup.devices import live
from experiments.setup.session_record import read_rows, show_rows
from experiments.stages import int8_agreement
from experiments.steps.benchmark import benchmark
from experiments.steps.compress import Made, chain, compress, found_by
from experiments.steps.measure import network_rows, table_rows
from experiments.steps.plan import measure, train
from experiments.steps.search import best_metrics
from experiments.store import artefacts, provenance
from experiments.store.winner import read_winner
from paper import rows as results
from paper.figures import architecture, heatmap, pareto, prediction, waterfall
from predictors.agent.runtimes import SUFFIXES
from predictors.tables.table import LatencyTable
from predictors.tables.table_file import read_table
from search_spaces.errors import LutraError
from search_spaces.space import SearchSpace

FIGURES = {
    "pareto": pareto.draw,
    "prediction": prediction.draw,
    "waterfall": waterfall.draw,
    "architecture": architecture.draw,
    "heatmap": heatmap.draw,
}
LABELS = {
    "reference": "hand-made reference (k3 e6, full depth)",
    "random": "a random architecture",
    "inherited": "winner, inherited weights",
    "retrained": "winner, trained from scratch",
}
STEPS = {"train": train, "search": found_by, "compress": compress, "benchmark": benchmark}


def report(config: Config) -> Path:
    """The report's folder: CSV files, figures, and the file that is deployed. Prints the table."""
    check_reportable(config)
    table = measure(config)
    folders = {name: made if (made := step(config)).is_dir() else made.parent for name, step in STEPS.items()}
    inputs = {name: artefacts.sha256(folder / artefacts.MANIFEST) for name, folder in folders.items()}
    inputs["table"] = artefacts.sha256(table)
    label = f"{config.space.name}-{config.data.name}-{config.strategy.name}-{config.objective.name}-seed{config.seed}"
    folder = artefacts.step(
        Path(config.runs),
        "report",
        label,
        {"ignore": config.ignore, "figures": list(FIGURES)},
        inputs,
        lambda folder: _report(config, table, folders, inputs, folder),
    )
    if config.publish:
        outputs = sorted(artefacts.manifest(folder)["outputs"])
        copy(config, [folder / name for name in outputs if name.endswith(".csv") or name == "pareto.png"])
    show(config, read_table(table), folders["benchmark"], folder)
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


def _report(config: Config, table: Path, folders: dict[str, Path], inputs: dict[str, str], folder: Path) -> None:
    rows, session = read_rows(folders["benchmark"])
    steps, latencies = provenance.index(Path(config.runs)), read_table(table)
    made_from = [steps.records[key] for key, _ in steps.ancestors(inputs)]
    facts = setup(config, table, folders, session, made_from)
    artefacts.write_csv(folder / "setup.csv", [{"key": key, "value": value} for key, value in facts.items()])
    artefacts.write_csv(folder / "stages.csv", [asdict(row) for row in rows])
    artefacts.write_csv(folder / "table.csv", table_rows(space_of(config), latencies))
    artefacts.write_csv(folder / "networks.csv", network_rows(latencies))
    winner = read_winner(folders["search"])
    layers = layer_rows(space_of(config).decode(winner.arch), latencies, config.precision)
    artefacts.write_csv(folder / "architecture.csv", layers)
    artefacts.write(folder / "candidates.csv", (folders["search"] / "candidates.csv").read_bytes())
    deployed = chain(config)[-1].path
    for path in (deployed, folders["compress"] / int8_agreement.ANSWERS):
        artefacts.write(folder / path.name, path.read_bytes())
    final = next(row for row in rows if row.sha256 == artefacts.sha256(deployed))
    given = map(Path, filter(None, (config.table, config.device.results)))
    origin = provenance.trace(steps, inputs, given, asdict(final))
    artefacts.write(folder / provenance.LINEAGE, provenance.dump(origin))
    with events.writer(folder) as board:
        for name, draw in FIGURES.items():
            events.show_figure(board, folder, name, draw(folder))
        events.show_config(board, config)
        board.add_text("winner", text(results.read(folder, results.Layer)))
        events.show_stages(board, waterfall.chain(results.read(folder, results.Stage)))
        metrics = {"final/test_accuracy": final.test_accuracy, "final/latency_ms": 1e3 * final.latency_median_s}
        events.show_hparams(board, config, best_metrics(winner) | metrics)


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
    for line in (*session.lines(), *int8_agreement.load(folder).lines()):
        console.print(line, highlight=False, soft_wrap=True)
    if config.ignore:
        console.print(f"The table's {', '.join(config.ignore)} was not compared with this device's: ignore was set.")
    console.print(
        f"The deployed file: {folder / chain(config)[-1].path.name}\nFigures and CSV files: {folder}", soft_wrap=True
    )
    console.print(f"TensorBoard: tensorboard --logdir {config.runs}", soft_wrap=True)
