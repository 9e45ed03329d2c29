"""Tests weight sharing: k learned values per layer, which last through later stages, and the size of their code."""

from __future__ import annotations

import copy
import heapq
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from compress.weights.cluster import (
    cluster,
    coded_bytes,
    entropy_coded_bytes,
    huffman_lengths,
    nearest_centroids,
    sharing,
    weighted_layers,
)
from compress.weights.sparsify import sparsify, sparsity
from search_spaces.costs import parameters
from search_spaces.errors import LutraError
from search_spaces.networks.evaluation import predict
from search_spaces.networks.network import Network
from search_spaces.training.loop import Recipe, cross_entropy
from tests.compress.weights.short_training import train
from tests.networks import batch


def indices(network: nn.Module) -> list[Tensor]:
    return [torch.unique(layer.weight.detach(), return_inverse=True)[1] for layer in weighted_layers(network)]


def values(network: nn.Module) -> list[int]:
    """Returns the number of distinct weights of each layer."""
    return [len(layer.weight.detach().unique()) for layer in weighted_layers(network)]


def draw(seed: int, count: int = 500) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(count) * rng.choice([0.1, 1, 3])).astype(np.float32)


def evenly(weight: np.ndarray, k: int) -> np.ndarray:
    """Rounds each weight to the nearest of k evenly spaced levels (linear quantization)."""
    levels = np.linspace(weight.min(), weight.max(), k)
    return levels[np.abs(weight[:, None] - levels).argmin(1)]


# k-means


@pytest.mark.parametrize("k", [2, 3, 16, 64])
@pytest.mark.parametrize("seed", range(6))
def test_the_error_is_at_most_that_of_even_levels(k: int, seed: int) -> None:
    weight = draw(seed)
    shared = nearest_centroids(weight, k)
    assert shared.dtype == np.float32
    assert len(np.unique(shared)) <= k
    assert np.square(shared - weight).sum() <= np.square(evenly(weight, k) - weight).sum() * (1 + 1e-6)
    centroids = np.unique(shared)
    nearest = centroids[np.abs(weight[:, None].astype(np.float64) - centroids).argmin(1)]
    np.testing.assert_allclose(np.abs(nearest - weight), np.abs(shared - weight), atol=1e-5)
    assert [weight[shared == c].mean(dtype=np.float64) for c in centroids] == pytest.approx(centroids, abs=1e-5)


@pytest.mark.parametrize("k", [2, 5, 16])
def test_zero_is_a_centroid_of_its_own(k: int) -> None:
    weight = draw(0)
    weight[::3] = 0
    shared = nearest_centroids(weight, k)
    assert np.array_equal(shared == 0, weight == 0)
    assert len(np.unique(shared)) <= k


@pytest.mark.parametrize("k", [2, 16])
def test_every_layer_shares_k_values(network: Network, k: int) -> None:
    before = copy.deepcopy(network.state_dict())
    shared = cluster(network, k)
    assert max(values(shared)) <= k
    torch.testing.assert_close(cluster(network, k).state_dict(), shared.state_dict(), rtol=0, atol=0)
    torch.testing.assert_close(cluster(shared, k).state_dict(), shared.state_dict(), rtol=0, atol=0)
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)


def test_enough_values_are_the_identity(network: Network) -> None:
    shared = cluster(network, max(values(network)))
    assert torch.equal(predict(shared, batch(1)[0]), predict(network, batch(1)[0]))


@pytest.mark.parametrize("k", [1, 0])
def test_a_single_value_is_refused(network: Network, k: int) -> None:
    with pytest.raises(LutraError, match="at least 2"):
        cluster(network, k)


# training


@pytest.mark.parametrize("amp", [False, True])
@pytest.mark.parametrize("sparse", [0.0, 0.6])
def test_shared_weights_stay_shared_and_learn(network: Network, sparse: float, amp: bool) -> None:
    shared = cluster(sparsify(network, sparse), 16)
    before = copy.deepcopy(shared)
    train(shared, sharing(cross_entropy(shared, 0.1), shared), Recipe(8, 16, 0.05, weight_decay=0.01, amp=amp))
    assert max(values(shared)) <= 16
    for old, new, layer, was in zip(indices(before), indices(shared), weighted_layers(shared), weighted_layers(before)):
        pairs = torch.stack([old.flatten(), new.flatten()], 1).unique(dim=0)
        assert len(pairs) == len(pairs[:, 0].unique()), "a cluster came apart"
        assert torch.equal(layer.weight == 0, was.weight == 0)
        assert not torch.equal(layer.weight, was.weight)
    assert sparsity(shared) == pytest.approx(sparse, abs=1e-3)


def test_without_sharing_clusters_come_apart(network: Network) -> None:
    shared = cluster(network, 16)
    train(shared, cross_entropy(shared, 0.1), Recipe(8, 16, 0.05, weight_decay=0.01, amp=False))
    assert max(values(shared)) > 16


def test_a_centroid_goes_where_its_weights_pull_it(network: Network) -> None:
    """The gradient of every weight is the mean over its cluster of the gradients without sharing."""
    shared = cluster(network, 4)
    plain = copy.deepcopy(shared)
    cross_entropy(plain, 0.1)(0, *batch(0))
    sharing(cross_entropy(shared, 0.1), shared)(0, *batch(0))
    for free, tied, index in zip(weighted_layers(plain), weighted_layers(shared), indices(plain)):
        assert free.weight.grad is not None
        assert tied.weight.grad is not None
        for value in index.unique():
            mean = free.weight.grad[index == value].mean()
            torch.testing.assert_close(
                tied.weight.grad[index == value], mean.expand(int((index == value).sum())), rtol=1e-4, atol=1e-6
            )


# size


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=40))
def test_the_code_is_a_prefix_code_between_its_bounds(counts: list[int]) -> None:
    lengths = huffman_lengths(counts)
    if len(counts) == 1:
        assert lengths == [0]
        return
    assert sum(2.0**-length for length in lengths) == 1  # Kraft: a complete prefix code
    bits = sum(count * length for count, length in zip(counts, lengths))
    total = sum(counts)
    shannon = sum(count * math.log2(total / count) for count in counts)
    assert shannon * (1 - 1e-9) <= bits <= min(shannon + total, total * math.ceil(math.log2(len(counts))))
    assert bits == merged(counts)


def merged(counts: list[int]) -> int:
    """Returns the bits that Huffman's code takes: the sum of all inner nodes."""
    heap, bits = list(counts), 0
    heapq.heapify(heap)
    while len(heap) > 1:
        node = heapq.heappop(heap) + heapq.heappop(heap)
        bits += node
        heapq.heappush(heap, node)
    return bits


def test_a_coded_layer_is_its_indices_and_its_codebook() -> None:
    weight = np.repeat(np.float32([0, 1, 2, 3]), [80, 40, 20, 20])
    assert coded_bytes(weight) == -(-(80 * 1 + 40 * 2 + 20 * 3 + 20 * 3) // 8) + 4 * (4 + 1)


def test_without_sharing_the_size_is_that_of_all_parameters(network: Network) -> None:
    assert entropy_coded_bytes(network) == 4 * parameters(network.specs)


def test_fewer_values_and_more_zeros_are_fewer_bytes(network: Network) -> None:
    sizes = [entropy_coded_bytes(cluster(network, k)) for k in (64, 16, 4)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] < entropy_coded_bytes(network)
    sparse = [entropy_coded_bytes(cluster(sparsify(network, fraction), 16)) for fraction in (0, 0.5, 0.8)]
    assert sparse == sorted(sparse, reverse=True)
    assert len(set(sparse)) == 3
