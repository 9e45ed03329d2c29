"""What a step's result depends on, as JSON: parts of the key that its folder is named by."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from experiments import artefacts
from experiments.choices import space_of
from experiments.config import Config, DataConfig, DeviceConfig, ObjectiveConfig, SearchConfig
from experiments.data import DECODER
from experiments.data.image_hashes import contents
from experiments.devices import passport_of
from experiments.gpu import computes_on
from predictors.costs import LATENCY
from predictors.fingerprint import DECIDING
from search_spaces.space import SearchSpace

# Keys of the device that say where it is, and files that are keyed by their content
REACHED = ("host", "hosts", "user", "port", "python", "folder", "ssh_config", "patience", "results", "table")


def space_key(config: Config) -> dict[str, Any]:
    return layers_key(space_of(config))


def layers_key(space: SearchSpace) -> dict[str, Any]:
    """The space by its layers, not by its name alone: a space that is edited is another one."""
    layers = [[str(spec) for spec in options] for options in space.layers]
    return {"name": space.name, "layers": artefacts.digest([layers, space.reference])}


def accelerator_key(config: Config) -> dict[str, str]:
    """Where torch computed, as its processors round otherwise; nothing where it is the CPU, which is the rule."""
    kind = computes_on(config.accelerator)
    return {} if kind == "cpu" else {"accelerator": kind}


def search_key(search: SearchConfig) -> dict[str, Any]:
    """How long and by which images, not how the work is spread: that changes no result."""
    return {key: value for key, value in asdict(search).items() if key not in ("jobs", "backend")}


def objective_key(objective: ObjectiveConfig) -> dict[str, Any]:
    """Costs and their targets are named where there are others than latency: keys from before there were stay valid."""
    plain = objective.costs == [LATENCY] and objective.target_kb is None
    more = {} if plain else {"costs": objective.costs, "target_kb": objective.target_kb}
    return {key: value for key, value in asdict(objective).items() if key not in ("costs", "target_kb")} | more


@cache
def data_key(data: DataConfig) -> dict[str, Any]:
    """The user's own images by the reader's list: names, classes, splits and contents; not by where they are."""
    key = {name: value for name, value in asdict(data).items() if name not in ("path", "cache")}
    if data.name != "image_folder":
        return key
    return {**key, "files": contents(data.path, data.cache).key, "decoder": DECODER}


def device_key(device: DeviceConfig) -> dict[str, Any]:
    """How the device is asked to compute. Which one it is, its passport says, however it is reached."""
    simulated = device.name == "simulated"
    left_out = {*REACHED, *(() if simulated else ("scenario", "seed"))}
    key = {name: value for name, value in asdict(device).items() if name not in left_out}
    return {**key, "table": artefacts.sha256(Path(device.table))} if simulated and device.table else key


def passport_key(device: DeviceConfig) -> str:
    """The device by what decides its latencies."""
    passport = passport_of(device)
    return artefacts.digest({key: passport.get(key) for key in DECIDING})
