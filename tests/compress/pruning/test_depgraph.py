"""Tests pruning of any network by groups of dependent channels."""

from __future__ import annotations

import copy

import pytest
import torch

from compress.files.foreign import FOREIGN, Foreign, shape_like
from compress.pruning.depgraph import prune_groups, size
from search_spaces.costs import macs, parameters
from search_spaces.errors import LutraError
from search_spaces.networks.evaluation import predict
from tests.compress.files.hand_made import OURS, SHAPE, images, network, pruned


@pytest.mark.parametrize("name", ["ours", *FOREIGN])
def test_pruning(name: str) -> None:
    """Keeping all channels is the identity; keeping fewer gives a smaller network that trains."""
    made = network(name)
    before = {key: tensor.clone() for key, tensor in made.state_dict().items()}
    torch.testing.assert_close(predict(prune_groups(made, SHAPE, 1.0), images(4)), predict(made, images(4)))
    whole, sizes = size(made, SHAPE), [size(slim, SHAPE) for slim in (prune_groups(made, SHAPE, 0.8), pruned(name))]
    assert whole.macs > sizes[0].macs > sizes[1].macs
    assert whole.parameters > sizes[0].parameters > sizes[1].parameters
    slim = copy.deepcopy(pruned(name)).train()
    assert slim(images(4)).shape == (4, 10)
    slim(images(4)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in slim.parameters())
    assert all(torch.equal(tensor, before[key]) for key, tensor in made.state_dict().items())


@pytest.mark.parametrize("name", FOREIGN)
def test_a_pruned_network_is_built_again_from_its_weights(name: str) -> None:
    slim = pruned(name)
    again = Foreign(name, 10, SHAPE[0])
    shape_like(again, slim.state_dict())
    again.load_state_dict(slim.state_dict())
    torch.testing.assert_close(predict(again, images(4)), predict(slim, images(4)))


@pytest.mark.parametrize("keep", [0, 1.1, float("nan")])
def test_pruning_keeps_a_fraction(keep: float) -> None:
    with pytest.raises(LutraError, match="above 0 and at most 1"):
        prune_groups(OURS(), SHAPE, keep)


def test_sizes_are_those_of_the_specs() -> None:
    ours = OURS()
    found = size(ours, SHAPE)
    assert (found.macs, found.parameters) == (macs(ours.specs), parameters(ours.specs))
