"""Tests hand-made networks of our own kinds of layers."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torchvision.models import mobilenet_v2

from compress.files.foreign import resnet8
from compress.files.own_kinds import OWN_KINDS
from compress.files.parity import file_logits
from compress.files.source import Source
from compress.quantization.calibration import activation_ranges
from compress.runtimes import RUNTIMES
from experiments.config import Config, compression
from experiments.config.validation import check_runtime
from experiments.studies.hand_made import models_of
from search_spaces.costs import macs, parameters
from search_spaces.layers import Attention
from search_spaces.networks.evaluation import calibrate, predict
from search_spaces.networks.network import Network
from tests.networks import seasoned

SHORTCUTS = 32 + 64  # more parameters: in the 1x1 shortcuts ours have a batch norm, theirs a bias


@pytest.mark.parametrize("name", OWN_KINDS)
@pytest.mark.parametrize("pixels", [8, 16, 28, 32])
def test_layers_fit_one_another(name: str, pixels: int) -> None:
    specs = OWN_KINDS[name](3, pixels, 7)
    for before, after in pairwise(specs):
        assert (after.in_channels, after.resolution) == (before.out_channels, before.out_resolution)
    assert (specs[0].in_channels, specs[0].resolution, specs[-1].out_channels) == (3, pixels, 7)


def small_branches(network: Network) -> Network:
    """Makes residual branches small, as early in training: else rounding errors of untrained layers grow with depth."""
    for layer in network.layers:
        branch = layer.spec.graph.branch
        if branch in layer.numbers:
            layer.conv(branch).norm.weight.data *= 0.1
            layer.conv(branch).norm.bias.data *= 0.1
    return network


@pytest.mark.parametrize("name", OWN_KINDS)
def test_every_runtime_has_them_in_fp32_and_int8(name: str) -> None:
    torch.manual_seed(0)
    x = torch.randn(64, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    network = calibrate(small_branches(seasoned(Network(OWN_KINDS[name](1, 16, 5)))), x)
    ours, source = predict(network, x).numpy(), Source.of(network)
    ranges, int8 = activation_ranges(source.onnx, x.numpy()), []
    for runtime in RUNTIMES.values():
        theirs = file_logits(runtime.fp32(source), x.numpy())
        assert np.abs(theirs - ours).max() <= 1e-4 * max(1, np.abs(ours).max())
        int8.append(file_logits(runtime.int8(source, ranges), x.numpy()).ravel())
        assert np.corrcoef(int8[-1], ours.ravel())[0, 1] > 0.9
    assert np.corrcoef(int8).min() > 0.999  # the runtimes round alike


def test_sizes_are_as_published() -> None:
    """MobileNetV2's are torchvision's; the ViT is about as large as CCT-2/3x2, which has 0.28 M and 33 MMACs.

    MobileNetV4-Conv-Small has 3.77 M with its 1,000 classes and the second of its two wide layers.
    """
    half = parameters(OWN_KINDS["mobilenet_v2_half"](3, 32, 10))
    with torch.device("meta"):
        assert half == sum(weight.numel() for weight in mobilenet_v2(num_classes=10, width_mult=0.5).parameters())
    specs = OWN_KINDS["vit"](3, 32, 10)
    assert parameters(specs) == pytest.approx(0.28e6, rel=0.1)
    assert macs(specs) == pytest.approx(33e6, rel=0.1)
    published = 3.77e6 - 960 * 1280 - 2 * 1280 - 1281 * 1000
    assert parameters(OWN_KINDS["mobilenet_v4_small"](3, 32, 10)) == pytest.approx(published, rel=0.02)
    blocks = OWN_KINDS["resnet8_blocks"](3, 32, 10)
    assert parameters(blocks[:-1]) == sum(w.numel() for w in resnet8(10, 3).parameters()) - 65 * 10 + SHORTCUTS
    for name, encoders in (("vit", 2), ("hybrid", 2), ("mobilenet_v2_half", 0)):
        assert sum(isinstance(spec, Attention) for spec in OWN_KINDS[name](3, 32, 10)) == encoders


def test_every_runtime_has_the_same_kinds_of_hand_made_networks_beside_a_space_with_trunks() -> None:
    edge = replace(Config(), space=replace(Config().space, name="edge"))
    litert = replace(edge, device=replace(edge.device, library="litert"))
    ours, theirs = models_of(edge), models_of(litert)
    assert {"vit", "hybrid", "mobilenet_v2_half", "mobilenet_v4_small", "shufflenet_v2_half"} < {*ours}
    assert {*theirs} == {*ours} - {*compression.MODELS} | {"resnet8_blocks"}
    for config in (edge, litert):
        for name in models_of(config):
            check_runtime(replace(config, model=name))
    assert models_of(Config()) == ["mobilenet_v2", "mobilenet_v3_small", "shufflenet_v2", "resnet8"]


def test_litert_refuses_none_of_them() -> None:
    for name in compression.OWN_KINDS:
        check_runtime(replace(Config(), model=name, device=replace(Config().device, library="litert")))
