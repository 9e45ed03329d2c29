"""The names that a configuration can choose from. What they stand for is imported only when called."""

from __future__ import annotations

from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any

from experiments.config.reference import Reference
from predictors.agent import runtimes


def _modules(package: str) -> tuple[str, ...]:
    """The names of a package's files; the package is not imported."""
    spec = find_spec(package)
    assert spec is not None
    return tuple(sorted(module.name for module in iter_modules(spec.submodule_search_locations)))


def _functions(package: str) -> dict[str, Reference]:
    """The function with the same name as its file or folder, for each in a package."""
    return {name: Reference(f"{package}.{name}:{name}") for name in _modules(package)}


SPACES = _functions("search_spaces.spaces")
STRATEGIES = _functions("strategies.algorithms")
LEARNING = tuple(name for name, one in STRATEGIES.items() if "problem.relax" in one.source)  # need trainable weights
RULES = _functions("search_spaces.training.rules")
COSTS = _modules("predictors.costs")
RUNTIMES = tuple(runtimes.RUNTIMES)  # that execute networks
OBJECTIVES = ("bounded", "mnasnet", "pareto")
LATENCY = "latency"  # the cost that every result has
# (path, size in pixels, validation fraction of the training images, seed of that split, progress, cache) -> Dataset
DATASETS = {
    "digits": Reference("experiments.data.published:digits"),
    "cifar10": Reference("experiments.data.published:cifar10"),
    "fashion_mnist": Reference("experiments.data.published:fashion_mnist"),
    "image_folder": Reference("experiments.data.image_folder:image_folder"),
}


def default_options(strategy: str) -> dict[str, Any]:
    """The strategy's options and their defaults: its parameters other than the problem and the random generator."""
    return {name: option.default for name, option in STRATEGIES[strategy].options.items()}


def option_hints(strategy: str) -> dict[str, Any]:
    """The annotations of the options: their types and ranges."""
    return {name: option.hint for name, option in STRATEGIES[strategy].options.items()}
