"""Tests that algorithms run where their model and its images lie, whatever torch's default device is.

No GPU is needed. With `meta` as the default device, a tensor that is made without naming a device has no values: it
cannot be combined with the model's, or the result is wrong. And what lies on `meta` must stay there.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from compress.pruning.depgraph import prune_groups, size
from compress.pruning.importance import batch_norm_scale, l1, taylor
from compress.pruning.prune import global_widths, narrow, strongest, uniform_widths
from compress.quantization.qat import QuantizationAware
from compress.weights.cluster import cluster, sharing
from compress.weights.finetune import distillation
from compress.weights.lowrank import energy_ranks, lowrank
from compress.weights.sparsify import Schedule, holding_zeros, sparsified, sparsify, sparsifying, two_of_four
from experiments.compute.resumable_training import restore, save
from experiments.config import Config
from experiments.setup.images import dataset_of
from predictors.models.naswot import naswot
from search_spaces.networks.evaluation import calibrate, predict
from search_spaces.networks.network import Network, device_of
from search_spaces.networks.population import logits
from search_spaces.networks.supernet import Supernet
from search_spaces.spaces.tiny import tiny
from search_spaces.training.loop import Backward, Recipe, Training, cross_entropy, fit
from search_spaces.training.rules.fair import fair
from search_spaces.training.rules.sandwich import sandwich
from search_spaces.training.rules.single_path import single_path

SPACE = tiny(1, 8, 2)
ARCHS = (SPACE.reference, SPACE.largest, SPACE.smallest)
META = torch.device("meta")
Results = Sequence[Tensor | float]


def network() -> Network:
    torch.manual_seed(0)
    return Network(SPACE.decode(SPACE.reference))


def supernet() -> Supernet:
    torch.manual_seed(0)
    return Supernet(SPACE)


def images() -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(0)
    return torch.randn(16, 1, 8, 8, generator=draw), torch.randint(2, (16,), generator=draw)


def trained(model: nn.Module, backward: Backward, x: Tensor, y: Tensor) -> Results:
    losses = [step.loss for step in fit(Training(model, Recipe(3, 16, 0.05)), lambda step: (x, y), backward)]
    return [*losses, *weights(model)]


def weights(model: nn.Module) -> list[Tensor]:
    return list(model.state_dict().values())


def finetuned(model: Network, x: Tensor, y: Tensor) -> Results:
    return trained(model, distillation(model, copy.deepcopy(model), 2.0, 0.5, 0.1), x, y)


def shared(model: Network, x: Tensor, y: Tensor) -> Results:
    clustered = cluster(model, 4)
    return trained(clustered, sharing(cross_entropy(clustered, 0.1), clustered), x, y)


def sparse(model: Network, x: Tensor, y: Tensor) -> Results:
    return [
        *trained(model, sparsifying(cross_entropy(model, 0.1), model, Schedule(0.5, 3)), x, y),
        *weights(sparsified(model)),
    ]


def aware(model: Network, x: Tensor, y: Tensor) -> Results:
    rounding = QuantizationAware(model)
    return trained(rounding, holding_zeros(cross_entropy(rounding, 0.1), rounding), x, y)


def pruned(model: Network, x: Tensor, y: Tensor) -> Results:
    widths = global_widths(batch_norm_scale(model), model.specs, 0.5)
    return [*weights(narrow(model, strongest(taylor(model, [(x, y)]), widths))), *taylor(model, [(x, y)]).values()]


def uniform(model: Network, x: Tensor, y: Tensor) -> Results:
    return weights(narrow(model, strongest(l1(model), uniform_widths(model.specs, 0.5))))


def grouped(model: Network, x: Tensor, y: Tensor) -> Results:
    slim = prune_groups(model, (1, 8, 8), 0.5)
    return [*weights(slim), size(slim, (1, 8, 8)).macs]


def mixed(model: Supernet, x: Tensor, y: Tensor) -> Results:
    return [model(x, [torch.full((count,), 1 / count, device=x.device) for count in SPACE.options])]


ALONE: dict[str, Callable[[Network, Tensor, Tensor], Results]] = {
    "cross_entropy": lambda model, x, y: trained(model, cross_entropy(model, 0.1), x, y),
    "calibrate": lambda model, x, y: [predict(calibrate(model, x), x)],
    "finetune": finetuned,
    "cluster": shared,
    "sparsify": sparse,
    "two_of_four": lambda model, x, y: weights(sparsify(model, 0.5, two_of_four)),
    "qat": aware,
    "prune": pruned,
    "uniform": uniform,
    "depgraph": grouped,
    "lowrank": lambda model, x, y: weights(lowrank(model, energy_ranks(model, 0.5))),
    "naswot": lambda model, x, y: [naswot(model, x)],
}
SHARED: dict[str, Callable[[Supernet, Tensor, Tensor], Results]] = {
    "sandwich": lambda model, x, y: trained(model, sandwich(model, SPACE, 0.1, 0), x, y),
    "single_path": lambda model, x, y: trained(model, single_path(model, SPACE, 0.1, 0), x, y),
    "fair": lambda model, x, y: trained(model, fair(model, SPACE, 0.1, 0), x, y),
    "population": lambda model, x, y: logits(model, x, x, ARCHS),
    "extract": lambda model, x, y: weights(model.extract(SPACE.largest)),
    "mixture": mixed,
}
NUMBERLESS = ("two_of_four", "uniform", "extract")  # they read no values


def work(name: str) -> tuple[nn.Module, Callable[..., Results]]:
    return (network(), ALONE[name]) if name in ALONE else (supernet(), SHARED[name])


@pytest.mark.parametrize("name", [*ALONE, *SHARED])
def test_an_algorithm_makes_its_tensors_where_its_model_lies(name: str) -> None:
    model, algorithm = work(name)
    expected = algorithm(model, *images())
    model, algorithm = work(name)
    x, y = images()
    with META:
        found = algorithm(model, x, y)
    for one, other in zip(expected, found, strict=True):
        assert torch.equal(torch.as_tensor(one), torch.as_tensor(other))


@pytest.mark.parametrize("name", NUMBERLESS)
def test_what_lies_elsewhere_stays_there(name: str) -> None:
    model, algorithm = work(name)
    expected = algorithm(model, *images())
    found = algorithm(copy.deepcopy(model).to("meta"), *(part.to("meta") for part in images()))
    assert [(one.shape, "meta") for one in expected] == [(one.shape, one.device.type) for one in found]  # type: ignore[union-attr]


def test_batches_are_made_where_the_images_lie() -> None:
    data = replace(dataset_of(Config().data), flip=True)
    ours, elsewhere = data.batch(3, 8, 0), data.to(META).batch(3, 8, 0)
    with META:
        same = data.batch(3, 8, 0)
    for one, other, there in zip(ours, same, elsewhere, strict=True):
        assert torch.equal(one, other)
        assert (one.shape, one.stride(), "meta") == (there.shape, there.stride(), there.device.type)
    assert data.to(META).fixed(data.to(META).validation, 5, 0)[0].shape == data.fixed(data.validation, 5, 0)[0].shape


def test_a_checkpoint_is_restored_where_its_model_lies(tmp_path: Path) -> None:
    training = Training(network(), Recipe(3, 16, 0.05))
    next(fit(training, lambda step: images(), cross_entropy(training.model, 0.1)))
    save(training, tmp_path / "checkpoint")
    again = Training(network(), training.recipe)
    with META:
        restore(again, tmp_path / "checkpoint")
    assert device_of(again.model).type == "cpu"
    for one, other in zip(weights(training.model), weights(again.model), strict=True):
        assert torch.equal(one, other)
