"""The winner, or a hand-made network, through the stages that the config lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments import artefacts, journal
from experiments.candidate_records import with_costs
from experiments.config import Config
from experiments.json_records import record
from experiments.keys import accelerator_key, data_key, space_key
from experiments.provenance import whole
from experiments.stage_order import CLUSTER, FINETUNE, LOWRANK, PRUNE, QUANTIZE, SPARSIFY
from experiments.stages import NETWORK, STAGES, Task
from experiments.steps.search import CANDIDATES, search
from experiments.steps.train import prepare, retrain, retrain_foreign
from experiments.winner import WINNER, read_winner
from search_spaces.errors import LutraError
from strategies.problem import Candidate, best


@dataclass(frozen=True)
class Made:
    """What a stage has made: a network's file, or the ONNX file that is deployed."""

    name: str  # of the network now
    path: Path
    parent: Path | None = None  # the file that it was made from
    table: Path | None = None  # of the latencies that it was chosen by
    steps: int = 0  # of training until now, from random weights on


def compress(config: Config) -> Path:
    """The folder of the last stage."""
    return chain(config)[-1].path.parent


def chain(config: Config) -> list[Made]:
    """The network that is trained from scratch, then what each stage has made of the one before."""
    root = (
        retrain(config, read_winner(found_by(config)).arch)
        if config.model == "winner"
        else retrain_foreign(config, config.model)
    )
    return list(through(config, root, config.compress.stages))


def alike(config: Config, root: Path) -> list[Made]:
    """A network that the deployed file is compared with: trained for as many steps, quantized alike, nothing cut."""
    trained = {SPARSIFY: FINETUNE, CLUSTER: FINETUNE}  # as long as those, without zeros and shared values
    stages = [trained.get(name, name) for name in config.compress.stages if name not in (PRUNE, LOWRANK)]
    return list(through(config, root, [*(name for name in stages if name != QUANTIZE), QUANTIZE], "compared-"))


def through(config: Config, root: Path, stages: Sequence[str], prefix: str = "") -> Iterator[Made]:
    """A network that was trained from scratch, then what each stage makes of the one before.

    `prefix` is put before the name of the last folder, that of the ONNX file.
    """
    parent = Made("retrained", root, steps=config.retrain.steps)
    yield parent
    taken = {parent.name: 1}
    for name in stages:
        made = STAGES[name].made
        taken[made] = taken.get(made, 0) + 1
        label = made if taken[made] == 1 else f"{made} {taken[made]}"
        parent = _stage(config, name, label, root, parent, prefix)
        yield parent


def found_by(config: Config) -> Path:
    """The search's folder: that of the configuration, or the given one after verifying it."""
    if not config.run:
        return search(config)
    folder, space = Path(config.run).resolve(), space_key(config)
    read_winner(folder)
    manifest = whole(folder)
    if manifest["step"] != "search":
        raise LutraError(
            f"{folder} is of the step {manifest['step']}: "
            "run= takes the folder that python -m experiments.search prints"
        )
    _check_winner(folder)
    searched = manifest["config"].get("space")
    if searched != space:
        name = searched.get("name") if isinstance(searched, dict) else searched
        raise LutraError(
            f"{folder} is a search of space={name}, whose layers are not those of space={config.space.name} with these "
            f"images: add space={name} and the data it was made with"
        )
    return folder


def _check_winner(folder: Path) -> None:
    """Raises LutraError unless the winner is the best of its candidates, with the numbers that it has among them."""
    winner, log = read_winner(folder), folder / CANDIDATES
    found = [record(Candidate, with_costs(one), log) for one in journal.read(log)]
    own, first = next((one for one in found if one.arch == winner.arch), None), best(found) if found else None
    proven = own is not None and first is not None and (own.feasible, own.score) == (first.feasible, first.score)
    if not proven or any(getattr(own, key) != getattr(winner, key) for key in ("accuracy", "costs", "score")):
        raise LutraError(f"{folder / WINNER} is not the best of its {CANDIDATES}; delete {folder} and search again")


def _stage(config: Config, name: str, label: str, root: Path, made: Made, prefix: str) -> Made:
    stage, parent = STAGES[name], made.path
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
        stage.run(Task(config, parent, needs, folder, root))

    whose = config.space.name if config.model == "winner" else config.model
    title = f"{prefix if stage.last else ''}{name}-{whose}-{config.data.name}-seed{config.seed}"
    folder = artefacts.step(Path(config.runs), "compress", title, settings, inputs, work)
    outputs = artefacts.manifest(folder)["outputs"]
    path = folder / (next(name for name in outputs if name.endswith(".onnx")) if stage.last else NETWORK)
    return Made(label, path, parent, needs.get("table"), made.steps + stage.steps(config))
