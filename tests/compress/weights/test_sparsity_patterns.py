"""Tests which weights are cut: the smallest, or two of every four."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from compress.weights.sparsify import Schedule, smallest, sparsify, sparsifying, two_of_four
from search_spaces.errors import LutraError
from search_spaces.networks.network import Network
from search_spaces.training.loop import cross_entropy
from tests.compress.weights.short_training import fours


@given(st.integers(1, 50), st.integers(1, 50), st.floats(0, 1), st.integers(0, 9))
def test_the_smallest_go(outputs: int, inputs: int, fraction: float, seed: int) -> None:
    weight = torch.randn(outputs, inputs, 1, 1, generator=torch.Generator().manual_seed(seed))
    mask = smallest(weight, fraction)
    assert int((~mask).sum()) == round(fraction * weight.numel())
    if mask.any() and not mask.all():
        assert weight[~mask].abs().max() <= weight[mask].abs().min()


@given(st.integers(1, 8), st.integers(1, 8), st.sampled_from([1, 3]), st.integers(0, 9), st.booleans())
def test_of_every_four_inputs_the_two_largest_stay(
    outputs: int, groups: int, kernel: int, seed: int, equal: bool
) -> None:
    weight = torch.randn(outputs, 4 * groups, kernel, kernel, generator=torch.Generator().manual_seed(seed))
    weight = torch.ones_like(weight) if equal else weight
    mask = two_of_four(weight, 0.5)
    assert fours(mask).sum(1).unique().tolist() == [2]
    kept, gone = (torch.where(fours(mask) == stay, fours(weight).abs(), end) for stay, end in ((1, 9), (0, 0)))
    assert (kept.min(1).values >= gone.max(1).values).all()
    assert torch.equal(two_of_four(weight * mask, 0.5), mask) or equal


def test_inputs_that_are_no_fours_stay_dense() -> None:
    assert two_of_four(torch.randn(8, 6), 0.5).all()


def test_another_sparsity_than_a_half_is_refused(network: Network) -> None:
    with pytest.raises(LutraError, match="exactly half"):
        sparsifying(cross_entropy(network, 0), network, Schedule(0.75, 10), two_of_four)
    with pytest.raises(LutraError, match="exactly half"):
        sparsify(network, 0.75, two_of_four)
