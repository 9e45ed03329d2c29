"""python -m experiments.compress: the winner, or a hand-made network, through the stages that the config lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from experiments import artefacts, command
from experiments.config import Config
from experiments.keys import accelerator_key, data_key
from experiments.search import read_winner, search
from experiments.stages import NETWORK, STAGES, Task
from experiments.train import prepare, retrain, retrain_foreign


@dataclass(frozen=True)
class Made:
    """What a stage has made: a network's file, or the ONNX file that is deployed."""

    name: str  # of the network now
    path: Path
    parent: Path | None = None  # the file that it was made from
    table: Path | None = None  # of the latencies that it was chosen by


def compress(config: Config) -> Path:
    """The folder of the last stage."""
    return chain(config)[-1].path.parent


def chain(config: Config) -> list[Made]:
    """The network that is trained from scratch, then what each stage has made of the one before."""
    return list(_chain(config))


def _chain(config: Config) -> Iterator[Made]:
    root = (
        retrain(config, read_winner(found_by(config)).arch)
        if config.model == "winner"
        else retrain_foreign(config, config.model)
    )
    parent = Made("retrained", root)
    yield parent
    taken = {parent.name: 1}
    for name in config.compress.stages:
        made = STAGES[name].made
        taken[made] = taken.get(made, 0) + 1
        label = made if taken[made] == 1 else f"{made} {taken[made]}"
        parent = _stage(config, name, label, root, parent.path)
        yield parent


def found_by(config: Config) -> Path:
    """The search's folder: the given one, or that of the configuration."""
    return Path(config.run) if config.run else search(config)


def _stage(config: Config, name: str, label: str, root: Path, parent: Path) -> Made:
    stage = STAGES[name]
    needs = stage.needs(config, root, parent)
    settings = {
        "stage": name,
        **stage.settings(config),
        "data": data_key(config.data),
        "seed": config.seed,
        "threads": config.threads,
        **({} if stage.last else accelerator_key(config)),  # the file that is deployed is made by the CPU
    }
    inputs = {"parent": artefacts.sha256(parent)} | {key: artefacts.sha256(path) for key, path in needs.items()}

    def work(folder: Path) -> None:
        prepare(config.threads, config.seed)
        stage.run(Task(config, parent, needs, folder))

    whose = config.space.name if config.model == "winner" else config.model
    title = f"{name}-{whose}-{config.data.name}-seed{config.seed}"
    folder = artefacts.step(Path(config.runs), "compress", title, settings, inputs, work)
    path = next(folder.glob("*.onnx")) if stage.last else folder / NETWORK
    return Made(label, path, parent, needs.get("table"))


if __name__ == "__main__":
    command.run(compress)
