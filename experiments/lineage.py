"""python -m experiments.lineage: the steps from the supernet to the deployed file as a tree, with every hash verified.

Shows the finished report of this configuration, or the one in run=FOLDER; does not run any step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.markup import escape
from rich.tree import Tree

from experiments.config import Config, command
from experiments.display.progress import console
from experiments.steps.finished_reports import finished_report
from experiments.store import artefacts
from experiments.store.provenance import FASTER_IN_FLOAT, LINEAGE, Lineage, verify
from experiments.store.step_index import Step
from experiments.store.winner import WINNER, read_winner
from predictors import costs
from search_spaces.documents import read_csv

SHORT = 12  # characters of a hash
SERVED = ("table", "teacher", "ranges", FASTER_IN_FLOAT)  # a stage's inputs other than the network
NAMES = {
    "train": "supernet",
    "retrain": "weights",
    "benchmark": "measured on the device",
    "measure": "latency table",
}


def lineage(config: Config) -> Path:
    """Prints the lineage as a tree; returns the path of lineage.json."""
    folder = Path(config.run).resolve() if config.run else finished_report(config)
    found = verify(folder)
    console.print(tree(found, folder), highlight=False)
    steps = len(found.line) + len(found.others) + 1
    console.print(f"All files of these {steps} steps match the sha256 in their manifests.", highlight=False)
    console.print(
        f"The deployed file, without its metadata, has {found.row['sha256']}.", highlight=False, soft_wrap=True
    )
    return folder / LINEAGE


def tree(found: Lineage, folder: Path) -> Tree:
    """The tree: each step below the one it was made from; the report with the deployed file is last."""
    runs = folder.parents[1]
    columns = ("stage", "precision", "sha256", "test_accuracy", "latency_median_s")
    rows = [row for _, row in read_csv(folder / "stages.csv", columns)]
    names = {sha256: name for name, sha256 in found.line[-1].inputs.items()}
    root = node = Tree(f"[bold]{artefacts.arch_name(found.arch)}[/bold]")
    for step in found.line:
        node = node.add(_described(step, _found(runs, step) or _measured(step, rows, names)))
    record, deployed = artefacts.manifest(folder), found.row["sha256"]
    own = Step("report", f"report/{folder.name}", "", deployed, "", {}, record["seconds"], record["git_commit"])
    node.add(_described(own, _measured(own, rows, names)))
    others = root.add("[bold]other steps and files that it used[/bold]")
    for step in found.others:
        others.add(_described(step, _measured(step, rows, names)))
    for path, sha256 in found.given.items():
        others.add(f"[bold]given[/bold]  {sha256[:SHORT]}\n{escape(path)}")
    return root


def _described(step: Step, more: str) -> str:
    read = [f"{name} {step.inputs[name][:SHORT]}" for name in SERVED if name in step.inputs]
    by = f"  by {', '.join(read)}" if read and step.what != "benchmark" else ""
    facts = f"{step.sha256[:SHORT]}  {step.seconds:.1f} s  commit {step.git_commit}"
    return f"[bold]{NAMES.get(step.what, step.what)}[/bold]  {facts}{more}\n[dim]{escape(step.folder)}{by}[/dim]"


def _found(runs: Path, step: Step) -> str:
    if step.file != WINNER:
        return ""
    winner = read_winner(runs / step.folder)
    return f"  {100 * winner.accuracy:.2f} % by the supernet, {costs.text(winner.costs)}"


def _measured(step: Step, rows: Sequence[Mapping[str, str]], names: Mapping[str, str]) -> str:
    """A file's accuracy and latency, from its own row in the report, or that of the file written from it."""
    for row in rows:
        written = row["stage"] == names.get(step.sha256) and row["precision"] == "fp32"
        if written or row["sha256"] == step.sha256:
            accuracy, seconds = float(row["test_accuracy"]), float(row["latency_median_s"])
            return f"  {100 * accuracy:.2f} % on test, {1e3 * seconds:.3f} ms"
    return ""


if __name__ == "__main__":
    command.run("experiments.lineage:lineage")
