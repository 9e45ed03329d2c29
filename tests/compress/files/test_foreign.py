"""Tests hand-made networks: they are as published, and their files compute what they compute."""

from __future__ import annotations

import copy

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from compress.files.export import export
from compress.files.foreign import FOREIGN, Foreign, mobilenet_v2, with_fast_depthwise
from compress.files.parity import check_parity, file_logits
from compress.pruning.depgraph import size
from compress.quantization.quantize import quantize
from experiments.config import Config
from experiments.setup.cache import remembering
from experiments.stages import quantizing
from search_spaces.errors import LutraError
from search_spaces.networks.convolution import Conv2d
from search_spaces.networks.evaluation import predict
from tests.compress.files.hand_made import SHAPE, images, network, pruned

# The number of layers at the beginning that have every kind of block, and their width
BEGINNINGS = {"mobilenet_v2": (4, 24), "mobilenet_v3_small": (6, 40)}
PUBLISHED = {  # trainable parameters with ten classes and three channels, without the papers' classifiers
    "mobilenet_v2": 3_504_872 - 990 * 1281,
    "mobilenet_v3_small": 2_542_856 - 990 * 1025,
    "shufflenet_v2": 2_278_604 - 990 * 1025,
    "shufflenet_v2_half": 1_366_792 - 990 * 1025,
    "resnet8": 78_666 - 240 - 480,  # with biases under batch norms, and running statistics
}


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
