"""Weight sharing: each layer's weights take k values, learned by k-means (Han et al. 2016, Deep Compression).

A convolution or linear layer is then a codebook of k floats and a short index per weight. Weights are shared before
batch-norm folding, which multiplies every output channel by its own scale; so the deployed tensor has k values per
channel, of which INT8 keeps those that its steps distinguish. `entropy_coded_bytes` is the size of the network if it
were stored before folding.
"""

from __future__ import annotations

import copy
import heapq
from collections.abc import Sequence

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from search_spaces.costs import parameters
from search_spaces.errors import LutraError
from search_spaces.networks.network import Network
from search_spaces.training.loop import Backward


def cluster(network: Network, k: int) -> Network:
    """A copy of the network whose layers have at most k distinct weights each, including zero if it occurs.

    Layers with at most k distinct weights are unchanged, so clustering is idempotent. Deterministic.
    """
    if k < 2:
        raise LutraError(f"a layer's weights must share at least 2 values, not {k}: try 16")
    shared = copy.deepcopy(network)
    for layer in weighted_layers(shared):
        values = layer.weight.detach().cpu().numpy()
        layer.weight.data.copy_(torch.from_numpy(nearest_centroids(values, k)))
    return shared


def nearest_centroids(weight: np.ndarray, k: int) -> np.ndarray:
    """A layer's weights, each replaced by the centroid of its cluster; float32, of the same shape.

    Zeros are a cluster of their own. Centroids start evenly spaced between the extremes ("linear initialization",
    section 3.2), because the few large weights matter most; so the error is at most that of k evenly spaced levels.
    """
    from sklearn.cluster import KMeans  # it takes a second to import

    if len(np.unique(weight)) <= k:
        return weight
    alive = weight != 0
    points = weight[alive].astype(np.float64)[:, None]
    count = k if alive.all() else k - 1
    start = np.linspace(points.min(), points.max(), count)[:, None]
    with threadpool_limits(1):  # the order of sums depends on the number of threads
        found = KMeans(count, init=start, n_init=1, tol=0).fit(points)
    shared = np.zeros_like(weight)
    shared[alive] = found.cluster_centers_[found.labels_, 0]
    return shared


def sharing(backward: Backward, network: nn.Module) -> Backward:
    """`backward`, with the same gradient for a layer's equal weights, and none for zeros.

    So equal weights stay equal under momentum, weight decay and averaging, and the centroids are learned (section 3.3).
    The paper's gradient of a centroid is the sum over its weights; here it is their mean, which projects the weights'
    gradient on networks with shared weights, so steps have the usual size at the same learning rate (with the sum,
    finetuning diverges). `cluster` with the same k after training changes nothing, unless a CPU has rounded equal
    numbers differently.
    """
    layers = weighted_layers(network)
    members = [torch.unique(layer.weight.detach(), return_inverse=True) for layer in layers]

    def tied(step: int, images: Tensor, labels: Tensor) -> float:
        loss = backward(step, images, labels)
        for layer, (values, index) in zip(layers, members):
            gradient = layer.weight.grad
            if gradient is not None:
                layer.weight.grad = _means(gradient, index, len(values)).masked_fill_(values == 0, 0)[index]
        return loss

    return tied


def _means(gradient: Tensor, index: Tensor, count: int) -> Tensor:
    """The mean over the weights of each cluster [count]."""
    sums = gradient.new_zeros(count).index_add_(0, index.flatten(), gradient.flatten())
    return sums / torch.bincount(index.flatten(), minlength=count)


def entropy_coded_bytes(network: Network) -> int:
    """The network's size with each layer's weights Huffman-coded (section 4), everything else in float32.

    A coded layer consists of its indices and, for each distinct value (including zero), four bytes and one byte for the
    length of its canonical code. A layer that is smaller in float32 stays in float32. The rest is two numbers per
    channel (batch norm as scale and shift) and the linear layer's bias. Without sharing: 4 bytes per parameter.
    """
    weights = [layer.weight.detach().cpu().numpy() for layer in weighted_layers(network)]
    plain = sum(weight.size for weight in weights)
    rest = 4 * (parameters(network.specs) - plain)
    return rest + sum(coded_bytes(weight) for weight in weights)


def coded_bytes(weight: np.ndarray) -> int:
    """The bytes of one layer's indices, values and code lengths; or of its float32 weights, if fewer."""
    counts = np.unique(weight, return_counts=True)[1].tolist()
    if 5 * len(counts) >= 4 * weight.size:
        return 4 * weight.size
    bits = sum(count * length for count, length in zip(counts, huffman_lengths(counts)))
    return min(-(-bits // 8) + 5 * len(counts), 4 * weight.size)


def huffman_lengths(counts: Sequence[int]) -> list[int]:
    """Code lengths in bits of each symbol in the shortest prefix code (Huffman 1952); 0 if there is one symbol."""
    lengths = [0] * len(counts)
    heap = [(count, symbol, [symbol]) for symbol, count in enumerate(counts)]
    heapq.heapify(heap)
    while len(heap) > 1:
        (one, order, left), (other, _, right) = heapq.heappop(heap), heapq.heappop(heap)
        for symbol in (*left, *right):
            lengths[symbol] += 1
        heapq.heappush(heap, (one + other, order, left + right))
    return lengths


def weighted_layers(network: nn.Module) -> list[nn.Conv2d | nn.Linear]:
    """All convolutions and linear layers, including depthwise ones."""
    return [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
