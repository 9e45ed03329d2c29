"""Lower bounds on a command's memory and time, checked before it begins: this machine's memory, and a year.

The bounds are low, so that nothing is refused that could work: they assume the smallest network's activations in 16
bits, and a machine faster than any that exists.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from experiments.compute.gpu import computes_on
from experiments.config import Config
from experiments.config.choices import STRATEGIES, chosen_space
from experiments.config.reference import Reference
from experiments.data import COUNTS, SHAPES
from experiments.setup.recipes import check_batches, recipes
from predictors.board.fingerprint import PRECISIONS
from predictors.timing.blocks import block_specs
from search_spaces.costs import kept_activations, macs
from search_spaces.errors import LutraError
from search_spaces.layers import Spec
from search_spaces.space import SearchSpace

YEAR = 365 * 86_400.0  # seconds
STEP = 1e-3  # seconds of the shortest training step
EVALUATION = 1e-3  # seconds of the shortest evaluation of a network
SPEED = {"cpu": 1e14, "cuda": 1e16}  # multiply-accumulates per second, beyond any current machine
ACTIVATION = 2  # bytes, in bfloat16
CGROUP = Path("/sys/fs/cgroup/memory.max")
GPU_MEMORY = Reference("experiments.compute.accelerator:memory")  # bytes


class Need(NamedTuple):
    """A lower bound on bytes or seconds that a setting needs."""

    what: str
    amount: float
    keys: str  # the settings to lower


def check(config: Config) -> None:
    """Raises LutraError for a configuration that needs more memory than there is, or more than a year."""
    space = _space(config)
    if space is None:
        return
    memory = machine_memory(config)
    for need in bytes_needed(config, space):
        if need.amount > memory:
            raise LutraError(
                f"{need.what} at least {need.amount / 2**30:,.1f} GiB, but this machine has {memory / 2**30:,.1f} GiB: "
                f"lower {need.keys}"
            )
    for need in seconds_needed(config, space):
        if need.amount > YEAR:
            raise LutraError(
                f"{need.what} at least {need.amount / YEAR:,.1f} years, even on a machine faster than any that exists: "
                f"lower {need.keys}"
            )
    if config.data.name in COUNTS:
        images = COUNTS[config.data.name].train
        check_batches(config, int(images * (1 - config.data.validation)))


def bytes_needed(config: Config, space: SearchSpace) -> Iterator[Need]:
    channels, size = _channels(config), config.data.size
    if config.data.name in COUNTS:
        images = sum(COUNTS[config.data.name])
        yield Need(f"{images:,} images at {size} px need", images * channels * size**2, "data.size")
    for key, recipe in recipes(config):
        image = 4 * channels * size**2 + ACTIVATION * kept_activations(_trained(config, key, space))
        yield Need(f"a batch of {recipe.batch:,} images at {size} px needs", recipe.batch * image, f"{key}.batch")


def seconds_needed(config: Config, space: SearchSpace) -> Iterator[Need]:
    speed = SPEED[computes_on(config.accelerator)]
    spent: dict[str, float] = {}
    for key, recipe in recipes(config):
        work = 3 * macs(_trained(config, key, space))  # forward, and twice that backward
        spent[key] = recipe.steps * max(STEP, recipe.batch * work / speed)
        steps = f"{key}.steps={recipe.steps} of batches of {recipe.batch}"
        yield Need(f"{steps} take", spent[key], f"{key}.steps or {key}.batch")
    one = config.measure.min_rounds * config.measure.sample_seconds * len(PRECISIONS)
    rows = len(block_specs(space)) + min(config.measure.networks, space.size)
    yield Need(f"measuring {rows:,} networks takes", one * rows, "measure.sample_seconds or measure.min_rounds")
    yield Need("timing the fresh networks twice takes", 2 * one * config.fidelity.networks, "fidelity.networks")
    if not config.compare.csv:
        runs = config.compare.seeds * len(config.compare.strategies or STRATEGIES)
        evaluations = runs * min(config.search.budget, space.size)
        yield Need(f"{evaluations:,} evaluations take", EVALUATION * evaluations, "compare.seeds or search.budget")
    if config.ranking.networks and not config.ranking.csv and not config.ranking.passes:
        alone = config.ranking.networks * config.ranking.seeds
        seconds = alone * spent["retrain"] / config.jobs
        yield Need(f"training {alone:,} networks takes", seconds, "ranking.networks or ranking.seeds")
    yield Need("showing the images takes", config.demo.frames / config.demo.pace, "demo.frames")


def machine_memory(config: Config) -> float:
    """Bytes of the GPU's memory, or of the memory that this process may use."""
    if computes_on(config.accelerator) == "cuda":
        return float(GPU_MEMORY())
    installed = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    try:
        return min(installed, float(CGROUP.read_text()))
    except (OSError, ValueError):  # no control group, or "max"
        return installed


def _space(config: Config) -> SearchSpace | None:
    """The space for the data's size; None if there is none, an error that the command itself reports."""
    try:
        return chosen_space(config.space, _channels(config), config.data.size, 2)
    except LutraError:
        return None


def _channels(config: Config) -> int:
    return SHAPES.get(config.data.name, (3, 2))[0]


def _trained(config: Config, key: str, space: SearchSpace) -> tuple[Spec, ...]:
    """A network no larger than what the recipe trains: the sandwich rule always trains the largest network."""
    largest = key == "train" and config.train.rule == "sandwich"
    return space.decode(space.largest if largest else space.smallest)
