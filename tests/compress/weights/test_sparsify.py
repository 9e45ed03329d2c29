"""Tests training towards a sparsity: every layer reaches it, and zeros stay."""

from __future__ import annotations

import copy
import itertools

import pytest
import torch
from torch import Tensor, nn

from compress.weights.sparsify import (
    Pattern,
    Schedule,
    holding_zeros,
    layers_to_prune,
    smallest,
    sparsified,
    sparsify,
    sparsifying,
    sparsity,
    two_of_four,
)
from search_spaces.networks.evaluation import predict
from search_spaces.networks.network import Network
from search_spaces.training.loop import Recipe, Training, cross_entropy, fit
from tests.compress.weights.short_training import RECIPE, fours, train
from tests.networks import batch

SCHEDULE = Schedule(0.75, RECIPE.steps, begin=0.1, end=0.7, every=2)


def trained(network: Network, schedule: Schedule = SCHEDULE, pattern: Pattern = smallest) -> Network:
    train(network, sparsifying(cross_entropy(network, 0.1), network, schedule, pattern))
    return sparsified(network)


def zeros_of(network: nn.Module) -> dict[str, Tensor]:
    return {name: parameter.detach() == 0 for name, parameter in network.named_parameters() if parameter.ndim > 1}


@pytest.mark.parametrize("final", [0.5, 0.75, 0.9])
def test_every_cut_layer_reaches_the_sparsity(network: Network, final: float) -> None:
    sparse = trained(network, Schedule(final, RECIPE.steps))
    layers = layers_to_prune(sparse)
    for layer in layers:
        assert int((layer.weight == 0).sum()) == round(final * layer.weight.numel())
    assert sparsity(sparse) == pytest.approx(final, abs=0.5 * len(layers) / sum(x.weight.numel() for x in layers))
    assert list(sparse.state_dict()) == list(Network(sparse.specs).state_dict())
    dense = [module.weight for module in sparse.modules() if isinstance(module, nn.Conv2d) and module not in layers]
    assert len(dense) > 1
    assert all((weight != 0).all() for weight in dense)


@pytest.mark.parametrize("pattern", [smallest, two_of_four])
def test_what_is_cut_stays_cut_and_has_no_part_in_the_loss(network: Network, pattern: Pattern) -> None:
    seen = []
    inner = cross_entropy(network, 0.1)

    def watching(step: int, images: Tensor, labels: Tensor) -> float:
        seen.append({name: gone for name, gone in zeros_of(network).items() if gone.any()})
        return inner(step, images, labels)

    train(network, sparsifying(watching, network, Schedule(0.5, RECIPE.steps, 0.1, 0.7, 2), pattern))
    assert not seen[0]
    assert len(seen[-1]) == len(layers_to_prune(network))
    for before, after in itertools.pairwise(seen):
        assert all((after[name] >= gone).all() for name, gone in before.items())


def test_two_of_four_survives_training_and_the_average(network: Network) -> None:
    sparse = trained(network, Schedule(0.5, 5, end=0), two_of_four)
    train(sparse, holding_zeros(cross_entropy(sparse, 0.1), sparse), Recipe(5, 16, 0.1, weight_decay=0.01))
    for layer in layers_to_prune(sparse):
        assert (fours(layer.weight) == 0).sum(1).unique().tolist() == [2]


def test_a_killed_schedule_goes_on_bit_for_bit(network: Network) -> None:
    whole = trained(copy.deepcopy(network))
    halves = copy.deepcopy(network)
    backward = sparsifying(cross_entropy(halves, 0.1), halves, SCHEDULE)
    training = Training(halves, RECIPE)
    for _ in itertools.islice(fit(training, batch, backward), 4):
        pass
    state = copy.deepcopy(training.state_dict())
    again = copy.deepcopy(network)
    backward = sparsifying(cross_entropy(again, 0.1), again, SCHEDULE)
    rest = Training(again, RECIPE)
    rest.load_state_dict(state)
    for _ in fit(rest, batch, backward):
        pass
    torch.testing.assert_close(sparsified(again).state_dict(), whole.state_dict(), rtol=0, atol=0)


def test_without_cuts_it_is_the_same_training(network: Network) -> None:
    plain = copy.deepcopy(network)
    train(plain, holding_zeros(cross_entropy(plain, 0.1), plain))
    torch.testing.assert_close(
        trained(network, Schedule(0, RECIPE.steps)).state_dict(), plain.state_dict(), rtol=0, atol=0
    )


@pytest.mark.parametrize("amp", [False, True])
def test_zeros_survive_momentum_weight_decay_and_the_average(network: Network, amp: bool) -> None:
    sparse = sparsify(network, 0.6)
    before = copy.deepcopy(sparse)
    train(sparse, holding_zeros(cross_entropy(sparse, 0.1), sparse), Recipe(6, 16, 0.1, weight_decay=0.01, amp=amp))
    for name, gone in zeros_of(before).items():
        assert torch.equal(zeros_of(sparse)[name], gone), name
        assert not torch.equal(sparse.get_parameter(name), before.get_parameter(name)), name
    assert all((bias != 0).any() for name, bias in sparse.named_parameters() if name.endswith("norm.bias"))


def test_zeros_do_not_survive_by_themselves(network: Network) -> None:
    sparse = sparsify(network, 0.6)
    train(sparse, cross_entropy(sparse, 0.1))
    assert sparsity(sparse) < 0.1


def test_nothing_to_cut_is_the_identity(network: Network) -> None:
    assert torch.equal(predict(sparsify(network, 0), batch(1)[0]), predict(network, batch(1)[0]))
