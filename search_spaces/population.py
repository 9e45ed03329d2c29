"""The accuracies of a population with inherited weights: networks that begin alike share what they begin with.

The batch-norm statistics of a layer depend on the layers before it alone. So a population is a trie of convolutions, in
which each stands behind one prefix of others, and every batch of images goes through it depth first. What a network
gets is the same in every population, bit for bit.

Statistics are calibrated, not the judged batch's own: of 16 networks of a briefly trained `mobile` supernet, those of
2,000 images kept the order that those of 20,000 gave better (tau 0.80; of 500, 0.71; batches of 200, 0.68), and only a
calibrated batch norm folds into its convolution. Judging in bfloat16 as well took three quarters of the time, but moved
accuracies by more than 0.1 points: too much where neighbours differ by as little.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from search_spaces.evaluation import Images, accuracy, batches
from search_spaces.network import Classifier, ConvBN
from search_spaces.space import Arch
from search_spaces.supernet import Slices, Supernet


class Node:
    """A convolution behind one prefix of convolutions, and the statistics that its batch norm has there.

    `opens` and `closes`: the first and the last convolution of a layer that adds its input to its output.
    """

    def __init__(self, whole: ConvBN, region: Slices) -> None:
        self.weight = whole.conv.weight[region].contiguous(memory_format=torch.channels_last)
        self.bias: Tensor | None = None
        self.scale, self.shift = whole.norm.weight[region[0]], whole.norm.bias[region[0]]
        self.mean, self.variance, self.batches = torch.zeros_like(self.scale), torch.zeros_like(self.scale), 0
        self.epsilon, self.stride, self.relu = whole.norm.eps, whole.conv.stride, isinstance(whole.activation, nn.ReLU6)
        self.groups = len(self.weight) if whole.conv.groups > 1 else 1
        self.opens = self.closes = False
        self.classifier: Classifier | None = None
        self.next = Trie()

    def __call__(self, x: Tensor) -> Tensor:
        y = F.conv2d(x, self.weight, self.bias, self.stride, self.weight.shape[-1] // 2, 1, self.groups)
        if self.bias is None:
            y = self._normalised(y)
        return F.relu6(y, inplace=True) if self.relu else y

    def _normalised(self, y: Tensor) -> Tensor:
        """By the batch's statistics, which count into the mean of all batches."""
        self.batches += 1
        kept, share = (self.mean, self.variance), 1 / self.batches
        return F.batch_norm(y, *kept, self.scale, self.shift, training=True, momentum=share, eps=self.epsilon)

    def fold(self) -> None:
        """From here on normalised by those means: an affine map, which goes into the convolution."""
        scale = self.scale * torch.rsqrt(self.variance + self.epsilon)
        self.weight = self.weight * scale[:, None, None, None]
        self.bias = self.shift - self.mean * scale


Trie = dict[Any, Node]


def accuracies(
    supernet: Supernet,
    calibration: Tensor | Images,
    validation: tuple[Tensor | Images, Tensor],
    archs: Sequence[Arch],
) -> list[float]:
    """Fractions of the images [N, C, H, W] whose labels [N] each network finds, calibrated on `calibration`."""
    images, labels = validation
    return [accuracy(answer, labels) for answer in logits(supernet, calibration, images, archs)]


@torch.no_grad()
def logits(
    supernet: Supernet, calibration: Tensor | Images, images: Tensor | Images, archs: Sequence[Arch]
) -> list[Tensor]:
    """Of each architecture [N, classes], with the mean batch-norm statistics over `calibration` [M, C, H, W]."""
    trie = Trie()
    ends = [_insert(trie, supernet, arch) for arch in archs]
    for batch in batches(calibration):
        for _ in _walk(trie, batch.contiguous(memory_format=torch.channels_last)):
            pass
    for node in _nodes(trie):
        node.fold()
    answers: dict[Node, list[Tensor]] = {end: [] for end in ends}
    for batch in batches(images):
        for end, features in _walk(trie, batch.contiguous(memory_format=torch.channels_last)):
            assert end.classifier is not None
            answers[end].append(end.classifier.classify(features))
    return [torch.cat(answers[end]) for end in ends]


def _insert(trie: Trie, supernet: Supernet, arch: Arch) -> Node:
    """The node that an architecture ends in. Options of a layer share a first convolution that is the same in both."""
    path: list[Node] = []
    for index, (layer, pick) in enumerate(zip(supernet.layers, supernet.space.check(arch))):
        if layer.computes(pick):
            spec = layer.options[pick]
            whole, first = layer.largest[type(spec).__name__], len(path)
            for place, conv in enumerate(spec.convs):
                key = index, type(spec), place, conv
                if key not in trie:
                    trie[key] = Node(whole.convs[place], layer.regions[pick][place])
                path.append(trie[key])
                trie = path[-1].next
            path[first].opens = path[-1].closes = whole.residual
            path[-1].classifier = whole if isinstance(whole, Classifier) else None
    return path[-1]


def _nodes(trie: Trie) -> Iterator[Node]:
    for node in trie.values():
        yield node
        yield from _nodes(node.next)


def _walk(trie: Trie, x: Tensor, entry: Tensor | None = None) -> Iterator[tuple[Node, Tensor]]:
    """Last nodes and what comes out of them, depth first. `entry`: the input of the layer that is open."""
    for node in trie.values():
        opened = x if node.opens else entry
        y = node(x)
        if node.closes:
            assert opened is not None
            y += opened
        if node.next:
            yield from _walk(node.next, y, opened)
        else:
            yield node, y
