"""Tests choices by name, which are read without importing their files."""

from __future__ import annotations

import dataclasses
import inspect
import typing

import pytest

from compress.files.foreign import FOREIGN
from compress.files.own_kinds import OWN_KINDS
from compress.quantization.calibration import METHODS
from compress.weights.sparsify import PATTERNS
from experiments import config
from experiments.config import choices, compression, registry
from experiments.config.compression import CompressConfig
from experiments.config.reference import Reference
from experiments.config.registry import DATASETS
from experiments.setup.devices import DEVICES
from predictors import costs
from predictors.board.simulated import SCENARIOS
from tests.commands import ROOT
from tests.experiments.test_start import COMPUTING


@pytest.mark.parametrize(
    "reference", [*choices.SPACES.values(), *choices.STRATEGIES.values(), *choices.RULES.values(), *DATASETS.values()]
)
def test_a_reference_names_a_function(reference: Reference) -> None:
    assert inspect.isfunction(reference.function)
    assert f"{reference.function.__module__}:{reference.function.__name__}" == reference.name


@pytest.mark.parametrize("strategy", choices.STRATEGIES)
def test_options_that_are_read_are_those_of_the_function(strategy: str) -> None:
    function = choices.STRATEGIES[strategy].function
    defaults = {name: one.default for name, one in [*inspect.signature(function).parameters.items()][2:]}
    hints = typing.get_type_hints(function, include_extras=True)
    assert choices.default_options(strategy) == defaults
    assert choices.option_hints(strategy) == {name: hints[name] for name in defaults}


@pytest.mark.parametrize(
    ("names", "there"),
    [
        (compression.METHODS, METHODS),
        (compression.PATTERNS, PATTERNS),
        (compression.MODELS, FOREIGN),
        (compression.OWN_KINDS, OWN_KINDS),
        (config.DEVICES, DEVICES),
        (config.SCENARIOS, SCENARIOS),
        (registry.COSTS, costs.NAMES),
    ],
)
def test_the_names_of_choices_are_those_that_there_are(names: tuple[str, ...], there: dict[str, object]) -> None:
    assert names == tuple(there)


def test_a_configuration_needs_no_library_that_computes() -> None:
    """No field's annotation imports one either."""
    kinds = typing.get_type_hints(CompressConfig).values()
    assert not {kind.__module__ for kind in kinds if dataclasses.is_dataclass(kind)} & {*COMPUTING}


def test_no_configuration_names_a_target() -> None:
    """Hydra 1.4 warns of `_target_` without a whitelist, and 1.5 refuses it."""
    paths = [*(ROOT / "hydra_conf").rglob("*.yaml")]
    assert paths
    assert [path for path in paths if "_target_" in path.read_text()] == []
