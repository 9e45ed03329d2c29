"""DepGraph (Fang et al. 2023): prunes interdependent channels together, in any torch network.

Uses torch-pruning with one threshold for all groups (`global_pruning`). Ignores the device.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence

import torch
import torch_pruning
from torch import Tensor, nn
from torch_pruning.pruner.importance import Importance

from compress.files.foreign import Foreign
from compress.pruning.prune import check_keep
from search_spaces.layers.nodes import Reshape
from search_spaces.networks.network import Layer, Network, device_of, image_shape, sized

MULTIPLE = 8  # channels; int8 kernels process eight at a time


@dataclasses.dataclass(frozen=True)
class Size:
    """The cost of a network for one image."""

    macs: int  # multiply-accumulates of convolutions and linear layers
    parameters: int


def prune_groups(
    model: nn.Module, shape: tuple[int, int, int], keep: float, importance: Importance | None = None
) -> nn.Module:
    """A pruned copy of the model for images [N, *shape], with about the fraction `keep` of its channels.

    Changed widths become multiples of 8; a group that would become 0 stays whole, and so does the output. By default
    the importance of a group is its magnitude. Running statistics are copied unchanged: `calibrate` the result, or
    finetune it first. A `Network` becomes a plain sequence of its layers, because they no longer match its specs.
    """
    check_keep(keep)
    shape = image_shape(model, shape)
    slim = Regrouped(model) if isinstance(model, Network) else copy.deepcopy(model)
    slim.eval()
    split = SeparateParts(slim, shape)
    torch_pruning.pruner.BasePruner(
        split,
        torch.zeros(1, *shape, device=device_of(model)),
        importance=importance or torch_pruning.importance.GroupMagnitudeImportance(p=2),
        global_pruning=True,
        pruning_ratio=1 - keep,
        round_to=MULTIPLE,
        ignored_layers=[*(_last(part) for part in split.parts), *_reshaped(slim)],
    ).step()
    return slim.train(model.training).to(memory_format=torch.channels_last)


class Regrouped(nn.Module):
    """A network's layers as a sequence, whose widths may differ from the `specs` that they were built from."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.specs = network.specs
        self.layers = nn.Sequential(*copy.deepcopy(network).layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(sized(x, self.specs))


class SeparateParts(nn.Module):
    """The parts of a network that are pruned separately, on their own inputs: the whole network, if it can be traced.

    For ShuffleNetV2, whose shuffle torch-pruning cannot trace: the inside of every block, and the classifier.
    """

    def __init__(self, model: nn.Module, shape: tuple[int, int, int]) -> None:
        from torchvision.models import ShuffleNetV2  # takes seconds

        super().__init__()
        self.parts: Sequence[nn.Module] = nn.ModuleList([model])  # type: ignore[assignment]
        self.shapes = [shape]
        model = model.model if isinstance(model, Foreign) else model
        if isinstance(model, ShuffleNetV2):
            blocks = [block.branch2 for stage in (model.stage2, model.stage3, model.stage4) for block in stage]
            tail = nn.Sequential(model.conv5, nn.AdaptiveAvgPool2d(1), nn.Flatten(), model.fc)
            self.parts = nn.ModuleList([*blocks, tail])  # type: ignore[assignment]
            self.shapes = [(_first(part).in_channels, *shape[1:]) for part in self.parts]

    def forward(self, x: Tensor) -> list[Tensor]:
        return [part(x.new_zeros(1, *shape)) for part, shape in zip(self.parts, self.shapes)]


def _first(part: nn.Module) -> nn.Conv2d:
    return next(module for module in part.modules() if isinstance(module, nn.Conv2d))


def _last(part: nn.Module) -> nn.Module:
    """The layer whose output width must not change."""
    return [module for module in part.modules() if isinstance(module, (nn.Conv2d, nn.Linear))][-1]


def _reshaped(model: nn.Module) -> list[nn.Module]:
    """The convolutions whose channels the graph reshapes with a fixed count, such as attention heads."""
    layers = [layer for layer in model.modules() if isinstance(layer, Layer)]
    shaped = [(layer, node) for layer in layers for node in layer.spec.graph.nodes if isinstance(node, Reshape)]
    return [layer.conv(name) for layer, node in shaped for name in node.inputs if name in layer.numbers]


@torch.no_grad()
def size(model: nn.Module, shape: tuple[int, int, int]) -> Size:
    """The size of a network for images [N, *shape]."""
    macs = 0

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal macs
        macs += layer.weight.numel() * (output[0, 0].numel() if output.ndim == 4 else 1)  # type: ignore[operator]

    counted = copy.deepcopy(model).eval()
    for layer in counted.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            layer.register_forward_hook(count)
    counted(torch.zeros(1, *shape, device=device_of(model)))
    return Size(macs, sum(parameter.numel() for parameter in model.parameters()))
