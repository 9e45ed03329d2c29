"""Tests specs, the ONNX writer, and evaluation."""

from __future__ import annotations

import csv
import json
import math
from random import Random

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import mobilenet_v2

from search_spaces.costs import macs, parameters
from search_spaces.errors import LutraError
from search_spaces.layers import MBConv, Skip
from search_spaces.layers.json_specs import from_json, to_json
from search_spaces.networks import evaluation
from search_spaces.networks.evaluation import accuracy, calibrate, predict
from search_spaces.networks.network import Network, sized
from search_spaces.networks.onnx_writer import random_weights, write
from search_spaces.networks.supernet import Supernet
from search_spaces.space import SearchSpace
from search_spaces.spaces.edge import edge
from search_spaces.spaces.edge_imagenet import edge_imagenet
from search_spaces.spaces.mobile_imagenet import mobile_imagenet
from search_spaces.spaces.nasbench_macro import nasbench_macro
from tests.networks import seasoned
from tests.published import published
from tests.search_spaces.spaces import SPACES, archs, every_space, few, images


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


# specs


@every_space
def test_json_round_trip(space: SearchSpace) -> None:
    for spec in {spec for options in space.layers for spec in options}:
        assert from_json(json.loads(json.dumps(to_json(spec)))) == spec


BLOCK = to_json(MBConv(8, 24, 8, 3, 1, 16))


@pytest.mark.parametrize(
    ("record", "says"),
    [
        (BLOCK | {"type": "MBconv"}, "did you mean 'MBConv'"),
        ({"kernel": 3}, "layer type"),
        ({key: BLOCK[key] for key in BLOCK if key != "kernel"}, "has the fields"),
        (BLOCK | {"expand": 3}, "expand"),
        *((BLOCK | {"kernel": bad}, "positive integer") for bad in (0, -3, 3.0, "3", True, None)),
    ],
)
def test_bad_records_are_refused(record: dict[str, object], says: str) -> None:
    with pytest.raises(LutraError, match=says):
        from_json(record)


def counted(module: nn.Module, x: Tensor) -> tuple[int, int]:
    """Torch's own count of a module's multiply-accumulates at run time, and its parameters."""
    with FlopCounterMode(display=False) as counter:
        module.eval()(x)
    return counter.get_total_flops() // 2, sum(parameter.numel() for parameter in module.parameters())


@every_space
def test_specs_count_what_torch_counts(space: SearchSpace) -> None:
    for arch in archs(space):
        specs = space.decode(arch)
        assert counted(Network(specs), images(space, 1)) == (macs(specs), parameters(specs))


def test_mobile_is_for_small_devices() -> None:
    space = SPACES["mobile"]
    assert 3e6 <= macs(space.decode(space.smallest)) < macs(space.decode(space.largest)) <= 15e6


def test_the_imagenet_reference_is_mobilenet_v2() -> None:
    space = mobile_imagenet(3, 224, 1000)
    specs = space.decode(space.reference)
    with torch.device("meta"):
        published = counted(mobilenet_v2(weights=None), torch.zeros(1, 3, 224, 224))
    assert (macs(specs), parameters(specs)) == published
    assert parameters(specs) == 3_504_872


def test_all_networks_of_nasbench_macro_count_as_published() -> None:
    space = nasbench_macro(3, 32, 10)
    with published("nas_bench_macro_cifar10.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len({row["arch"] for row in rows}) == math.prod(space.options) == 6561
    for row in rows:
        specs = space.decode((0, *map(int, row["arch"]), 0))
        assert (parameters(specs), macs(specs)) == (int(row["params"]), int(row["flops"])), row["arch"]


# the ONNX writer


def session(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


@every_space
def test_onnxruntime_answers_as_torch_at_any_batch_size(space: SearchSpace) -> None:
    for arch in few(space):
        made = seasoned(Network(space.decode(arch)))
        calibrate(made, images(space, 32))
        ours = predict(made, images(space)).numpy()
        running = session(write(made.specs, made.folded()))
        for count in (1, 5):
            theirs = running.run(None, {"image": sized(images(space)[:count], made.specs).numpy()})[0]
            assert np.abs(theirs - ours[:count]).max() <= 1e-4 * max(1, np.abs(ours).max())


def test_same_weights_same_file() -> None:
    specs = SPACES["tiny"].decode(SPACES["tiny"].reference)
    model = write(specs, random_weights(specs))
    onnx.checker.check_model(model, full_check=True)
    assert write(specs, random_weights(specs)) == model
    assert write(specs, random_weights(specs, seed=1)) != model


@every_space
def test_bare_specs_run(space: SearchSpace) -> None:
    specs = sorted({spec for options in space.layers for spec in options if not isinstance(spec, Skip)}, key=repr)
    for spec in Random(0).sample(specs, min(len(specs), 12)):
        x = np.zeros((2, spec.in_channels, spec.resolution, spec.resolution), np.float32)
        output = session(write([spec], random_weights([spec]))).run(None, {"image": x})[0]
        assert output.shape == (2, *spec.out_shape)
        assert output.ndim == (2 if type(spec).__name__ == "Head" else 4)


def test_skips_are_not_deployed() -> None:
    space = SPACES["tiny"]
    specs = space.decode(space.smallest)
    assert any(isinstance(spec, Skip) for spec in specs)
    written = onnx.load_from_string(write(specs, random_weights(specs)))
    convs = [node for node in written.graph.node if node.op_type == "Conv"]
    assert len(convs) == sum(len(spec.convs) for spec in specs)
    assert not any(isinstance(spec, Skip) for spec in Supernet(space).extract(space.smallest).specs)


# evaluation


@pytest.mark.parametrize("batches", [1, 4])
def test_calibration_is_the_mean_over_the_images(batches: int, monkeypatch: pytest.MonkeyPatch) -> None:
    space = SPACES["tiny"]
    monkeypatch.setattr(evaluation, "BATCH", 32 // batches)
    x = images(space, 32)
    calibrated = calibrate(Network(space.decode(space.reference)), x)
    stem = calibrated.layers[0].convs[0]
    seen = stem.conv(x)
    torch.testing.assert_close(stem.norm.running_mean, seen.mean((0, 2, 3)), rtol=1e-4, atol=1e-5)
    assert not calibrated.training
    assert stem.norm.momentum == 0.1


def test_accuracy_is_a_fraction() -> None:
    logits = torch.eye(4)[[0, 1, 2, 2]]
    assert accuracy(logits, torch.arange(4)) == 0.75


def test_edge_is_as_large_as_its_docstring_says() -> None:
    for made, pixels in ((edge, 32), (edge_imagenet, 224)):
        space = made(3, pixels, 10)
        least, most = (macs(space.decode(arch)) / 1e6 for arch in (space.smallest, space.largest))
        assert f"{space.size:.1e}".replace("e+", "e") in str(made.__doc__)
        assert f"{least:.0f} to {most:.0f} MMACs" in str(made.__doc__)
        assert 1 < space.trunks <= 12
    space = edge(3, 32, 10)
    kinds = {type(spec).__name__ for options in space.layers for spec in options}
    assert kinds >= {"FusedMBConv", "ResidualBlock", "MBConv", "SqueezeExciteMBConv", "Attention", "Skip"}
