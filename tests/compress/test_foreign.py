"""Tests hand-made networks: their files compute what they compute, and pruning removes whole groups."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache, partial

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from compress.files.export import export
from compress.files.foreign import FOREIGN, Foreign, mobilenet_v2, shape_like, with_fast_depthwise
from compress.files.parity import check_parity, file_logits
from compress.pruning.depgraph import prune_groups, size
from compress.quantization.quantize import quantize
from experiments.config import Config
from experiments.setup.cache import remembering
from experiments.stages import quantizing
from search_spaces.costs import macs, parameters
from search_spaces.errors import LutraError
from search_spaces.networks.convolution import Conv2d
from search_spaces.networks.evaluation import predict
from search_spaces.networks.network import Network
from search_spaces.spaces.tiny import tiny
from tests.commands import ONE_REGISTRY

SHAPE = (1, 16, 16)
TINY = tiny(*SHAPE[:2], 10)
OURS: Callable[[], Network] = partial(Network, [spec for spec in TINY.decode(TINY.reference) if spec.convs])
# The number of layers at the beginning that have every kind of block, and their width
BEGINNINGS = {"mobilenet_v2": (4, 24), "mobilenet_v3_small": (6, 40)}
PUBLISHED = {  # trainable parameters with ten classes and three channels, without the papers' classifiers
    "mobilenet_v2": 3_504_872 - 990 * 1281,
    "mobilenet_v3_small": 2_542_856 - 990 * 1025,
    "shufflenet_v2": 2_278_604 - 990 * 1025,
    "shufflenet_v2_half": 1_366_792 - 990 * 1025,
    "resnet8": 78_666 - 240 - 480,  # with biases under batch norms, and running statistics
}


def images(count: int = 64) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).standard_normal((count, *SHAPE)).astype(np.float32))


def network(name: str) -> nn.Module:
    """Returns the network in eval mode, with random batch norms; not calibrated, as random weights would be chaotic."""
    torch.manual_seed(0)
    made = OURS() if name == "ours" else Foreign(name, 10, SHAPE[0])
    for module in made.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.3)
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.1)
    return made.eval()


@cache
def pruned(name: str) -> nn.Module:
    return prune_groups(network(name), SHAPE, 0.6)


def shortened(model: nn.Module) -> nn.Module:
    """Removes residual blocks that have the same layers as an earlier block, and stages like an earlier stage.

    The export takes a tenth of a second per layer, and writes a kind of block in the same way everywhere.
    """
    assert isinstance(model, Foreign)
    inner = model.model
    if model.name in BEGINNINGS:
        count, width = BEGINNINGS[model.name]
        inner.features = nn.Sequential(*inner.features[:count], inner.features[-1])
        narrow(inner.features[-1], width)
    elif model.name in ("shufflenet_v2", "shufflenet_v2_half"):
        inner.stage3 = inner.stage4 = nn.Identity()
        narrow(inner.conv5, 116 if model.name == "shufflenet_v2" else 48)
    seen: set[tuple[object, ...]] = set()
    for stage in [module for module in model.modules() if isinstance(module, nn.Sequential)]:
        for name, block in [*stage.named_children()]:
            keeps = type(block).__name__ == "InvertedResidual" and getattr(block, "stride", 2) == 1  # in ShuffleNet
            if getattr(block, "use_res_connect", keeps):
                kind = tuple((type(layer), getattr(layer, "kernel_size", 0)) for layer in block.modules())
                if kind in seen:
                    setattr(stage, name, nn.Identity())
                seen.add(kind)
    return model


def narrow(block: nn.Sequential, width: int) -> None:
    """Replaces the 1x1 convolution at the beginning of a block by one of `width` input channels."""
    block[0] = nn.Conv2d(width, block[0].out_channels, 1, bias=False)
    nn.init.kaiming_normal_(block[0].weight)


@pytest.fixture(scope="module")
def one_registry() -> None:
    exec(ONE_REGISTRY, {})


@pytest.fixture(scope="module", params=["ours", *FOREIGN])
def exported(request: pytest.FixtureRequest, one_registry: None) -> tuple[nn.Module, bytes]:
    """A hand-made network with one block of each kind, or one of our networks after pruning, with its file."""
    made = pruned("ours") if request.param == "ours" else shortened(network(request.param))
    return made, export(made, SHAPE)


def test_the_file_answers_as_its_network(exported: tuple[nn.Module, bytes]) -> None:
    made, model = exported
    for count in (1, 5):
        check_parity(made, model, images(count))


def test_the_file_is_plain(exported: tuple[nn.Module, bytes]) -> None:
    """Batch norms are folded, global means are pooling, and no shape is read at run time."""
    proto = onnx.load_from_string(exported[1])
    onnx.checker.check_model(proto, full_check=True)
    assert [opset.domain for opset in proto.opset_import] == [""]
    kinds = {node.op_type for node in proto.graph.node}
    assert not kinds & {"BatchNormalization", "ReduceMean", "Shape", "Gather"}
    assert kinds & {"GlobalAveragePool", "AveragePool"}


def test_int8_runs_and_agrees(exported: tuple[nn.Module, bytes]) -> None:
    """Every convolution has integer weights, and the file classifies as the network does."""
    model, pixels = exported[1], images().numpy()
    int8 = quantize(model, pixels)
    exact, rounded = file_logits(model, pixels), file_logits(int8, pixels)
    assert (exact.argmax(1) == rounded.argmax(1)).mean() > 0.8
    apart = [(logits - logits.mean(0)).ravel() for logits in (exact, rounded)]
    assert np.corrcoef(*apart)[0, 1] > 0.8
    assert len(int8) < 0.6 * len(model)
    convolutions = sum(node.op_type == "Conv" for node in onnx.load_from_string(model).graph.node)
    weights = [tensor for tensor in onnx.load_from_string(int8).graph.initializer if len(tensor.dims) == 4]
    assert sum(tensor.data_type == onnx.TensorProto.INT8 for tensor in weights) == convolutions


def test_a_command_exports_a_network_once(monkeypatch: pytest.MonkeyPatch) -> None:
    exports: list[nn.Module] = []
    monkeypatch.setattr(quantizing, "export", lambda network, shape: exports.append(network) or b"file")
    monkeypatch.setattr(quantizing, "check_parity", lambda *files: None)
    one, other = network("resnet8"), network("resnet8")
    nn.init.ones_(next(other.parameters()))
    with remembering():
        for made in (one, copy.deepcopy(one), other):
            assert quantizing.source_of(Config().data, 0, made).onnx == b"file"
    assert exports == [one, other]


@pytest.mark.parametrize("name", FOREIGN)
def test_widths_are_as_published(name: str) -> None:
    assert size(Foreign(name, 10, 3), (3, 32, 32)).parameters == PUBLISHED[name]


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(LutraError, match="mobilenet_v2"):
        Foreign("mobilenet_v4", 10, 3)


@pytest.mark.parametrize(("name", "blocks"), [("mobilenet_v2", 10), ("mobilenet_v3_small", 6), ("resnet8", 1)])
def test_residual_blocks_begin_as_the_identity(name: str, blocks: int) -> None:
    """There are as many as the papers have, and no other layer returns zero."""
    fresh, changed, silent = Foreign(name, 10, SHAPE[0]).eval(), [], []

    def note(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if output.shape == inputs[0].shape:
            changed.append(not torch.equal(output, inputs[0]))

    for module in fresh.modules():
        if type(module).__name__ in ("InvertedResidual", "Residual"):
            module.register_forward_hook(note)
        if isinstance(module, nn.BatchNorm2d):
            silent.append(not module.weight.any())
    fresh(images(2))
    assert changed == [False] * blocks
    assert sum(silent) == blocks


def test_quick_convolutions_change_nothing() -> None:
    torch.manual_seed(0)
    made = mobilenet_v2(10, 1)
    expected = predict(made, images(4))
    quick = with_fast_depthwise(made)
    assert sum(isinstance(module, Conv2d) for module in quick.modules()) == 17
    torch.testing.assert_close(predict(quick, images(4)), expected)


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
