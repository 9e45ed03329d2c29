"""Fair training of single paths: Chu et al. 2021, "FairNAS", section 3.2, with depths and trunks drawn as fairly."""

from __future__ import annotations

from random import Random

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from search_spaces.space import Arch, SearchSpace
from search_spaces.training.loop import Backward


def fair(supernet: nn.Module, space: SearchSpace, smoothing: float, seed: int, paths: int = 4) -> Backward:
    """`paths` networks per step learn the labels, and their gradients are added. Returns their mean loss.

    All options of a layer are drawn equally often: none is drawn again before all others were. A layer that is left out
    because of the depth misses its turn, so the options of such layers are trained equally often on average. All
    activations are held until one joint backward pass.
    """

    def backward(step: int, images: Tensor, labels: Tensor) -> float:
        drawn = [network(space, seed, step * paths + path) for path in range(paths)]
        losses = [F.cross_entropy(one, labels, label_smoothing=smoothing) for one in supernet(images, *drawn)]
        total = torch.stack(losses).sum()
        total.backward()
        return total.item() / paths

    return backward


def network(space: SearchSpace, seed: int, number: int) -> Arch:
    """The network with this number, from 0 on, in the sequence of a seed.

    Each layer, and the depth of each stack, has a pack of cards of its own, which is shuffled when it is used up. A
    combination that is no network of the space is replaced by a random one.
    """
    if space.listed:
        return space.listed[card(seed, "network", number, len(space.listed))]
    picks = [card(seed, f"layer {layer}", number, count) for layer, count in enumerate(space.options)]
    for stack in space.stacks:
        depth = card(seed, f"depth from {stack.layers.start}", number, stack.height + 1)
        for layer in range(stack.layers.start, stack.layers.stop):
            block = stack.blocks[card(seed, f"layer {layer}", number, len(stack.blocks))]
            picks[layer] = block if layer < stack.layers.start + depth else stack.skip
    arch = tuple(picks)
    return arch if space.valid(arch) else space.sample(Random(f"fair {seed} {number}"))


def card(seed: int, pack: str, number: int, count: int) -> int:
    """The card that is drawn as this one, from 0 on, from a pack of `count` cards, shuffled anew for each pass."""
    times, place = divmod(number, count)
    return Random(f"fair {seed} {pack} {times}").sample(range(count), count)[place]
