"""Writes the files of a report: CSV files, figures, the page, the lineage, and the deployed file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from compress.files.metadata import with_metadata
from experiments.config.reference import Reference
from experiments.config.stage_order import QUANTIZE
from experiments.display import events
from experiments.display.architecture import layer_rows, text
from experiments.display.model_card import card, description
from experiments.display.page.commands import commands
from experiments.display.page.document import Run, page
from experiments.display.run_setup import setup
from experiments.setup.images import dataset_of
from experiments.setup.predicted_classes import load
from experiments.setup.session_record import read_rows
from experiments.stages import int8_record
from experiments.steps.deployment import deployed
from experiments.steps.finished_reports import deployed_in
from experiments.steps.measure import network_rows, table_rows
from experiments.steps.report import FIGURES, PAGE, Settings
from experiments.steps.settings import Search
from experiments.steps.winner_files import best_metrics
from experiments.store import artefacts, provenance
from experiments.store.step import Means
from experiments.store.step_index import Index, index
from experiments.store.winner import Winner, read_winner
from paper import rows as results
from paper.compression_rows import Stage
from paper.figures import waterfall
from paper.figures.heatmap import short
from predictors.tables.table_file import read_table
from search_spaces.documents import sha256
from search_spaces.space import SearchSpace

CARD = "model_card.md"


def work(settings: Settings, files: Mapping[str, Path], means: Means, folder: Path) -> None:
    """Writes CSV files, figures, the page, the lineage and the model card, and copies the deployed file."""
    searched, latencies = settings.search, read_table(files["table"])
    space, steps = searched.space, index(means.runs)
    folders = {name: path.parent for name, path in files.items() if path.name == artefacts.MANIFEST}
    rows, session = read_rows(folders["benchmark"])
    quantized = deployed_in(folders["compress"])
    chosen = deployed(quantized, folders["benchmark"], rows, session, searched.objective.costs, settings.deploy)
    final, name = chosen.row, f"{chosen.row.precision}{chosen.path.suffix}"
    inputs = {name: artefacts.sha256(path) for name, path in files.items()}
    given = [files["table"], Path(means.address.results)]
    origin = provenance.trace(steps, inputs, given, asdict(final))
    facts = setup(searched, means, files["table"], steps, inputs, origin, session) | {
        "ignored": " ".join(settings.ignore),
        "data_title": settings.title,
        "deployed": final.precision,
        "deployed_reason": chosen.why,
    }
    artefacts.write_csv(folder / "setup.csv", [{"key": key, "value": value} for key, value in facts.items()])
    artefacts.write_csv(folder / "stages.csv", [asdict(row) for row in rows])
    artefacts.write_csv(folder / "table.csv", table_rows(space, latencies))
    artefacts.write_csv(folder / "networks.csv", network_rows(latencies))
    winner = read_winner(folders["search"])
    layers = layer_rows(space.decode(winner.arch), latencies, searched.precision)
    artefacts.write_csv(folder / "architecture.csv", layers)
    artefacts.write(folder / "candidates.csv", (folders["search"] / "candidates.csv").read_bytes())
    artefacts.write(folder / int8_record.ANSWERS, (folders["compress"] / int8_record.ANSWERS).read_bytes())
    lineage = provenance.dump(origin)
    artefacts.write(folder / provenance.LINEAGE, lineage)
    data, hashed = dataset_of(searched.data.at(means)), sha256(lineage.encode())
    file = chosen.path.read_bytes()
    file = with_metadata(file, description(file, final, facts, data, hashed))
    artefacts.write(folder / name, file)
    artefacts.write(folder / CARD, card(name, file, final, facts, data, hashed))
    elsewhere = steps.origin(inputs["table"]) is None or bool(settings.ignore)
    lines = commands(_repeated(origin, steps, inputs, chosen.path == quantized), _own(settings, elsewhere), facts)
    run = Run(folder, name, final.sha256, data, load(folders["benchmark"]), partial(_described, space), lines)
    artefacts.write(folder / PAGE, page(run))
    _show(searched, winner, final, folder)


def _repeated(
    origin: provenance.Lineage, steps: Index, inputs: Mapping[str, str], quantized: bool
) -> list[tuple[str, Any]]:
    """The steps that the page's commands repeat, with their settings. `quantized`: whether that file is deployed."""
    made = [(step.what, steps.records[step.manifest]["config"]) for step in origin.line]
    if not quantized:
        made.append((QUANTIZE, steps.records[inputs["compress"]]["config"]))
    if (table := steps.origin(inputs["table"])) is not None:
        made.append(("measure", steps.records[table]["config"]))
    return made


def _own(settings: Settings, elsewhere: bool) -> dict[str, object]:
    """The settings of the configuration that no manifest of the steps spells out, by their keys.

    `elsewhere`: whether the table is a given file.
    """
    trunks, table = [*settings.search.space.kept], {"table": "FILE"} if elsewhere else {}
    return {"ignore": settings.ignore, "compress.deploy": settings.deploy, "space.trunks": trunks, **table}


def _described(space: SearchSpace, arch: str) -> str:
    """The layers of an architecture in words."""
    return ", ".join(short(str(spec)) for spec in space.decode(tuple(map(int, arch.split("-")))))


def _show(searched: Search, winner: Winner, final: Stage, folder: Path) -> None:
    """Draws the figures, and shows the results in TensorBoard."""
    with events.writer(folder) as board:
        for name in FIGURES:
            events.show_figure(board, folder, name, Reference(f"paper.figures.{name}:draw")(folder))
        board.add_text("winner", text(results.read(folder, results.Layer)))
        events.show_stages(board, waterfall.chain(results.read(folder, results.Stage)))
        metrics = {"final/test_accuracy": final.test_accuracy, "final/latency_ms": 1e3 * final.latency_median_s}
        events.show_hparams(board, searched, best_metrics(winner) | metrics)
