"""The strategies that a comparison runs, and warnings about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from experiments.config import Config, StrategyConfig
from experiments.config.choices import LEARNING, STRATEGIES, default_options
from paper.comparison import BASELINE
from search_spaces.errors import LutraError

INITIAL = {"population", "initial"}  # options with the number of random architectures that a search begins with


def contestants(config: Config) -> list[StrategyConfig]:
    """Random search comes first. The configured strategy has its configured options, all others their defaults.

    Raises LutraError if nothing is left to compare.
    """
    names = [name for name in _wanted(config) if not (config.compare.csv and name in LEARNING)]
    if len(names) < 2:
        raise LutraError(
            f"a comparison needs a strategy besides {BASELINE}, such as compare.strategies=[evolution]; "
            f"there are: {', '.join(STRATEGIES)}"
        )
    given = {config.strategy.name: config.strategy.options}
    return [StrategyConfig(name, default_options(name) | given.get(name, {})) for name in names]


def _wanted(config: Config) -> list[str]:
    return list(dict.fromkeys([BASELINE, *(config.compare.strategies or STRATEGIES)]))


def left_out(config: Config) -> Iterator[str]:
    """A line for each strategy that trains the supernet, which published networks do not have."""
    if config.compare.csv:
        names = [name for name in _wanted(config) if name in LEARNING]
        yield from (f"{name} is left out: {config.compare.csv} has no weights to train" for name in names)


def unguided(strategies: Sequence[StrategyConfig], budget: int) -> Iterator[str]:
    """A warning for each strategy whose initial random population uses up the budget."""
    for one in strategies:
        for name in INITIAL & {*one.options}:
            if budget <= one.options[name]:
                yield (
                    f"search.budget={budget} ends within {one.name}'s first population of {one.options[name]} random "
                    f"architectures ({one.name}'s option {name}), so here it is random search: add search.budget="
                    f"{4 * one.options[name]}, or more"
                )
