"""Every stage's file on the device: accuracy, latency, size, memory, prediction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

from experiments.config import Config
from experiments.config.choices import space_of
from experiments.display.progress import console, track
from experiments.setup.devices import live
from experiments.setup.session import Item, session, session_key
from experiments.setup.session_record import read_rows, show_rows
from experiments.stages import int8_agreement
from experiments.stages.quantizing import fp32_file
from experiments.steps.compress import Made, alike, chain, found_by
from experiments.steps.plan import measure, plan_of, retrain
from experiments.steps.train import prepare
from experiments.store import artefacts
from experiments.store.keys import passport_key
from experiments.store.weights import load_network
from predictors.agent.runtimes import SUFFIXES
from predictors.tables.table_file import read_table
from search_spaces.space import Arch, SearchSpace

COMPARED = ("reference", "random")  # as the winner is before it is pruned: trained as long, and quantized alike


def benchmark(config: Config) -> Path:
    """The folder of benchmark.json and of every stage's ONNX file."""
    return plan_of(config).once("benchmark", lambda: _benchmark(config))


def _benchmark(config: Config) -> Path:
    live(config.device)
    made, others = chain(config), _others(config)
    tables = {"table": measure(config)} if config.model == "winner" else {}
    tables |= {f"table of {one.name}": one.table for one in made if one.table is not None}
    compared = {name: alike(config, others[name]) for name in COMPARED if name in others}
    compared["retrained"] = alike(config, made[0].path)
    files = {one.name: one.path for one in made} | others
    files |= {f"{name} quantized": ends[-1].path for name, ends in compared.items()}
    inputs = {name: artefacts.sha256(path) for name, path in {**tables, **files}.items()}
    inputs["passport"] = passport_key(config.device)
    label = f"{config.space.name if config.model == 'winner' else config.model}-{config.data.name}-seed{config.seed}"

    def work(folder: Path) -> None:
        prepare(config.threads, config.seed)
        items = list(track(_items(config, made, others, compared), "writing files", len(files)))
        session(config, items, [read_table(path) for path in tables.values()], folder)

    return artefacts.step(Path(config.runs), "benchmark", label, session_key(config), inputs, work)


def _others(config: Config) -> dict[str, Path]:
    """Networks to hold the winner against, by name. Retraining is the same for all architectures."""
    if config.model != "winner":
        return {}
    space = space_of(config)
    return {
        "reference": retrain(config, space.reference),
        "random": retrain(config, random_arch(config, space)),
        "inherited": found_by(config) / "inherited.safetensors",
    }


def random_arch(config: Config, space: SearchSpace) -> Arch:
    return space.sample(Random(f"a random architecture {config.seed}"))


def _items(
    config: Config, made: Sequence[Made], others: Mapping[str, Path], compared: Mapping[str, Sequence[Made]]
) -> Iterator[Item]:
    """fp32 of every network, the file that is deployed, and the quantized files of the networks beside it."""
    for name, path in others.items():
        steps = config.train.steps if name == "inherited" else config.retrain.steps
        network = load_network(path)
        yield Item(name, "fp32", network, fp32_file(config.data, config.seed, network, config.device.library), steps)
    for one in made:
        yield item(config, one)
    for name, stages in compared.items():
        yield replace(item(config, stages[-1]), name=name)


def item(config: Config, made: Made) -> Item:
    """What a stage has made, to be timed."""
    seconds = artefacts.manifest(made.path.parent)["seconds"]
    parent = "" if made.parent is None else artefacts.sha256(made.parent)
    if made.path.suffix in SUFFIXES:
        assert made.parent is not None
        name, network = made.path.stem, load_network(made.parent)
        in_float = [one.layer for one in int8_agreement.load(made.path.parent).in_float]
        return Item(name, name, network, made.path.read_bytes(), made.steps, seconds, parent, in_float)
    network = load_network(made.path)
    return Item(
        made.name,
        "fp32",
        network,
        fp32_file(config.data, config.seed, network, config.device.library),
        made.steps,
        seconds,
        parent,
    )


def told(config: Config) -> Path:
    """The folder, after its rows."""
    folder = benchmark(config)
    console.print(show_rows(read_rows(folder)[0], folder.name))
    return folder
