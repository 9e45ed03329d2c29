"""Fair training of single paths: Chu et al. 2021, "FairNAS", section 3.2, for kinds of blocks, depths and trunks."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from search_spaces.space import Arch, SearchSpace
from search_spaces.training.loop import Backward


def fair(supernet: nn.Module, space: SearchSpace, smoothing: float, seed: int, paths: int = 4) -> Backward:
    """`paths` networks per step learn the labels, and their gradients are added. Returns their mean loss.

    The kinds of blocks of a layer are drawn equally often: none twice before all others once. So are the options of a
    kind, which share weights. A layer that is left out because of the depth misses its turn, so the kinds of such
    layers are trained equally often on average. All activations are held until one joint backward pass.
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

    Each layer has a pack of cards with the kinds of its blocks, each kind a pack with its options, and each stack a
    pack with its depths. A pack is shuffled when it is used up. A combination that is no network of the space is
    replaced by a random one.
    """
    if space.listed:
        return space.listed[card(seed, "network", number, len(space.listed))]
    inside = {layer: stack for stack in space.stacks for layer in range(stack.layers.start, stack.layers.stop)}
    picks = [card(seed, "layer 0", number, space.options[0])]  # the stem, or the trunk
    for layer in range(1, len(space.layers)):
        stack = inside.get(layer)
        blocks: Sequence[int] = stack.blocks if stack else range(space.options[layer])
        pick = block(space, seed, layer, number, blocks)
        if stack:
            depth = card(seed, f"depth from {stack.layers.start}", number, stack.height + 1)
            pick = pick if layer < stack.layers.start + depth else stack.skip
        picks.append(pick)
    arch = tuple(picks)
    return arch if space.valid(arch) else space.sample(Random(f"fair {seed} {number}"))


def block(space: SearchSpace, seed: int, layer: int, number: int, blocks: Sequence[int]) -> int:
    """One of the options `blocks` of a layer: every kind equally often, and every option of a kind."""
    kinds: dict[type, list[int]] = {}
    for pick in blocks:
        kinds.setdefault(type(space.layers[layer][pick]), []).append(pick)
    kind = list(kinds)[card(seed, f"kind in layer {layer}", number, len(kinds))]
    options = kinds[kind]
    return options[card(seed, f"{kind.__name__} in layer {layer}", number // len(kinds), len(options))]


def card(seed: int, pack: str, number: int, count: int) -> int:
    """The card that is drawn as this one, from 0 on, from a pack of `count` cards, shuffled anew for each pass."""
    times, place = divmod(number, count)
    return Random(f"fair {seed} {pack} {times}").sample(range(count), count)[place]
