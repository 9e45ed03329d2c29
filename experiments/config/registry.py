"""What a configuration chooses by name. None of it is imported before it is called."""

from __future__ import annotations

from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any

from experiments.config.reference import Reference
from predictors.agent import runtimes


def _modules(package: str) -> tuple[str, ...]:
    """The names of the files of a package, which is not imported."""
    spec = find_spec(package)
    assert spec is not None
    return tuple(sorted(module.name for module in iter_modules(spec.submodule_search_locations)))


def _functions(package: str) -> dict[str, Reference]:
    """From each file or folder of a package the function of the same name."""
    return {name: Reference(f"{package}.{name}:{name}") for name in _modules(package)}


SPACES = _functions("search_spaces.spaces")
STRATEGIES = _functions("strategies.algorithms")
LEARNING = tuple(name for name, one in STRATEGIES.items() if "problem.relax" in one.source)  # need weights to train
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
    """The strategy's keywords with a default: those beside the problem and the random numbers."""
    return {name: option.default for name, option in STRATEGIES[strategy].options.items()}


def option_hints(strategy: str) -> dict[str, Any]:
    """The annotations of those keywords: their types and ranges."""
    return {name: option.hint for name, option in STRATEGIES[strategy].options.items()}
