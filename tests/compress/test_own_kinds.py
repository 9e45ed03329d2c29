"""Tests hand-made networks of our own kinds of layers."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torchvision.models import mobilenet_v2

from compress.files.own_kinds import OWN_KINDS
from compress.files.parity import file_logits
from compress.files.source import Source
from compress.quantization.calibration import activation_ranges
from compress.runtimes import RUNTIMES
from experiments.config import Config, compression
from experiments.config.validation import check_runtime
from search_spaces.costs import macs, parameters
from search_spaces.layers import Attention
from search_spaces.networks.evaluation import calibrate, predict
from search_spaces.networks.network import Network
from tests.networks import seasoned


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
    """MobileNetV2's are torchvision's; the ViT is about as large as CCT-2/3x2, which has 0.28 M and 33 MMACs."""
    half = parameters(OWN_KINDS["mobilenet_v2_half"](3, 32, 10))
    with torch.device("meta"):
        assert half == sum(weight.numel() for weight in mobilenet_v2(num_classes=10, width_mult=0.5).parameters())
    specs = OWN_KINDS["vit"](3, 32, 10)
    assert parameters(specs) == pytest.approx(0.28e6, rel=0.1)
    assert macs(specs) == pytest.approx(33e6, rel=0.1)
    for name, encoders in (("vit", 2), ("hybrid", 2), ("mobilenet_v2_half", 0)):
        assert sum(isinstance(spec, Attention) for spec in OWN_KINDS[name](3, 32, 10)) == encoders


def test_litert_refuses_none_of_them() -> None:
    for name in compression.OWN_KINDS:
        check_runtime(replace(Config(), model=name, device=replace(Config().device, library="litert")))
