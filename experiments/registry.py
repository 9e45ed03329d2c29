"""What a configuration chooses by name. None of it is imported before it is called."""

from __future__ import annotations

from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any

from experiments.reference import Reference

SPACES = {
    "tiny": Reference("search_spaces.tiny:tiny"),
    "mobile": Reference("search_spaces.mobile:mobile"),
    "mobile_imagenet": Reference("search_spaces.mobile_imagenet:mobile_imagenet"),
    "nasbench_macro": Reference("search_spaces.nasbench_macro:nasbench_macro"),
}
STRATEGIES = {
    "random": Reference("strategies.random_search:random_search"),
    "evolution": Reference("strategies.regularized_evolution:regularized_evolution"),
    "nsga2": Reference("strategies.nsga2:nsga2"),
    "surrogate": Reference("strategies.surrogate:surrogate"),
    "darts": Reference("strategies.darts:darts"),
}
LEARNING = ("darts",)  # strategies that need weights to train
RULES = {
    "sandwich": Reference("search_spaces.sandwich:sandwich"),
    "single_path": Reference("search_spaces.single_path:single_path"),
}
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


def _modules(package: str) -> tuple[str, ...]:
    """The names of the files of a package, which is not imported."""
    spec = find_spec(package)
    assert spec is not None
    return tuple(sorted(module.name for module in iter_modules(spec.submodule_search_locations)))


COSTS = _modules("predictors.costs")
