"""Tests the entangled supernet: three forms of the same architecture, and gradients."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from search_spaces.networks.supernet import Supernet
from search_spaces.space import SearchSpace
from search_spaces.spaces.edge import edge
from search_spaces.spaces.mobile import mobile
from search_spaces.spaces.tiny import tiny
from tests.networks import nonzero, seasoned
from tests.search_spaces.spaces import SPACES, archs, few, images

SMALLER = {**SPACES, "tiny": tiny(1, 8, 10), "mobile": mobile(3, 8, 10), "edge": edge(3, 8, 10).under((0, 6, 11))}
every_smaller_space = pytest.mark.parametrize("space", SMALLER.values(), ids=SMALLER)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@every_smaller_space
def test_index_is_one_hot_is_extracted(space: SearchSpace) -> None:
    supernet = seasoned(Supernet(space))
    x = images(space, 4).double()
    for arch in few(space):
        extracted = supernet.float().extract(arch).double().train()
        by_index = supernet.double()(x, arch)
        one_hots = [F.one_hot(torch.tensor(pick), count).double() for pick, count in zip(arch, space.options)]
        torch.testing.assert_close(supernet(x, one_hots), by_index, rtol=1e-8, atol=1e-8)
        torch.testing.assert_close(extracted(x), by_index, rtol=1e-8, atol=1e-8)


@every_smaller_space
def test_architectures_together_are_each_alone(space: SearchSpace) -> None:
    """Logits are equal, and gradients are the sum of theirs; the same architecture may occur twice."""
    supernet = seasoned(Supernet(space)).double()
    several, x = [*few(space), space.largest], images(space, 4).double()
    together = supernet(x, *several)
    together.square().mean().backward()
    summed = [parameter.grad.clone() for parameter in supernet.parameters() if parameter.grad is not None]
    supernet.zero_grad()
    alone = torch.stack([supernet(x, arch) for arch in several])
    alone.square().mean().backward()
    torch.testing.assert_close(together, alone)
    torch.testing.assert_close(
        summed, [parameter.grad for parameter in supernet.parameters() if parameter.grad is not None]
    )


def test_different_architectures_answer_differently() -> None:
    space = SPACES["tiny"]
    supernet, x = Supernet(space), images(space)
    answers = [supernet(x, arch) for arch in archs(space, draws=0)[1:]]
    assert (answers[0] - answers[1]).abs().max() > 1e-3


@every_smaller_space
def test_gradient_flows_to_every_choice(space: SearchSpace) -> None:
    supernet = nonzero(Supernet(space))
    scores = [torch.zeros(count, requires_grad=True) for count in space.options]
    supernet(images(space), [score.softmax(0) for score in scores]).square().mean().backward()
    for score in scores:
        assert score.grad is not None
        assert len(score) == 1 or score.grad.abs().min() > 0
    assert all(parameter.grad is not None for parameter in supernet.parameters())


@every_smaller_space
def test_a_residual_block_begins_as_a_skip(space: SearchSpace) -> None:
    """It trains from the first step on: the scale of its last batch norm has a gradient."""
    supernet, x = Supernet(space), images(space, 2)
    residual = [[spec.residual for spec in options] for options in space.layers]
    deep = tuple(options.index(True) if any(options) else 0 for options in residual)
    skips = [[bool(spec.convs) for spec in options] for options in space.layers]
    shallow = tuple(computes.index(False) if not all(computes) else pick for computes, pick in zip(skips, deep))
    assert shallow != deep
    deepest = supernet(x, deep)
    torch.testing.assert_close(supernet(x, shallow), deepest)
    deepest.square().sum().backward()
    for layer, pick in enumerate(deep):
        if residual[layer][pick]:
            block = supernet.layers[layer].largest[type(space.layers[layer][pick]).__name__]
            scale = block.convs[-1].norm.weight
            assert scale.grad is not None
            assert scale.grad.any()
            assert not scale.any()


def test_extracted_network_owns_its_weights() -> None:
    space = SPACES["tiny"]
    supernet = Supernet(space)
    extracted = supernet.extract(space.largest)
    before = supernet(images(space), space.largest)
    for parameter in extracted.parameters():
        parameter.data.zero_()
    assert torch.equal(supernet(images(space), space.largest), before)
