"""Tests quantization-aware training: it computes what the INT8 file computes, and it trains."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from compress.files.parity import file_logits
from compress.quantization.calibration import activation_ranges
from compress.quantization.qat import QuantizationAware, Rounded
from compress.quantization.quantize import quantize_within
from compress.quantization.sensitivity import sqnr
from search_spaces.layers import Spec
from search_spaces.networks.evaluation import calibrate, predict
from search_spaces.networks.network import Network
from search_spaces.networks.onnx_writer import write
from search_spaces.training.loop import Recipe, Training, cross_entropy, fit
from tests.networks import GRAPHS, REFERENCE, lively, pixels

PIXELS = pixels(64)


def fresh(specs: Sequence[Spec] = REFERENCE) -> Network:
    return lively(specs, len(PIXELS))


@pytest.mark.parametrize("kept", [(), (0,), (3,), (0, 6)])
@pytest.mark.parametrize("reduce_range", [False, True])
def test_it_answers_as_its_int8_file(kept: tuple[int, ...], reduce_range: bool) -> None:
    """They agree up to ties, which deep networks of random weights amplify: hence a shallow one."""
    network = fresh(GRAPHS["smallest"])
    kept = tuple(layer for layer in kept if network.specs[layer].convs)
    aware = calibrate(QuantizationAware(network, float_layers=kept, reduce_range=reduce_range), PIXELS)
    ours = predict(aware, PIXELS).numpy()
    fp32 = write(network.specs, network.folded())
    int8 = file_logits(quantize_within(fp32, aware.ranges(), kept, reduce_range), PIXELS.numpy())
    floats = file_logits(fp32, PIXELS.numpy())
    step = (floats.max() - floats.min()) / 255
    assert np.abs(ours - int8).max() < 4 * step
    assert np.abs(ours - int8).mean() < 0.5 * step
    assert sqnr(ours, int8) > sqnr(ours, floats) + 3  # nearer to the file than to the network without rounding


@pytest.mark.parametrize("kept", [(), (0,), (1,), (2,), (1, 2), (0, 1, 3), (5, 6), (6,)])
def test_the_file_rounds_in_the_learned_steps(kept: tuple[int, ...]) -> None:
    network = fresh()
    aware = calibrate(QuantizationAware(network, float_layers=kept), PIXELS)
    fp32 = write(network.specs, network.folded())
    file = onnx.load_from_string(quantize_within(fp32, aware.ranges(), kept)).graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in file.initializer}
    steps = {constants[node.input[1]].item() for node in file.node if node.op_type == "QuantizeLinear"}
    learned = [(high - low) / 255 for low, high in aware.ranges().values()]
    assert sorted(steps) == pytest.approx(sorted(set(np.float32(learned).tolist())))


@pytest.mark.parametrize("reduce_range", [False, True])
def test_weights_are_rounded_as_the_file_has_them(reduce_range: bool) -> None:
    network = fresh()
    aware = QuantizationAware(network, reduce_range=reduce_range)
    weight = network.layers[1].convs[0].conv.weight
    scale = weight.detach().abs().amax((1, 2, 3), keepdim=True) / aware.largest
    integers = (aware.weight(weight) / scale).round().flatten(1)
    folded = quantize_within(
        write(network.specs, network.folded()), calibrate(aware, PIXELS).ranges(), (), reduce_range
    )
    stored = [numpy_helper.to_array(tensor) for tensor in onnx.load_from_string(folded).graph.initializer]
    ours = {integers.abs().to(torch.int8).numpy().tobytes()}
    assert ours & {np.abs(array).reshape(len(array), -1).tobytes() for array in stored if array.ndim == 4}


def test_training_for_seven_bits_gains_what_seven_bits_cost() -> None:
    """A file of 7 bits is nearer to a network that was trained for 7 bits than to one that was trained for 8."""
    ratios = {}
    for trained in (False, True):
        network = fresh(GRAPHS["smallest"])
        aware = calibrate(QuantizationAware(network, reduce_range=trained), PIXELS)
        file = quantize_within(write(network.specs, network.folded()), aware.ranges(), (), reduce_range=True)
        ratios[trained] = sqnr(predict(aware, PIXELS).numpy(), file_logits(file, PIXELS.numpy()))
    assert ratios[True] > ratios[False] + 3


def test_with_many_bits_it_is_the_plain_network() -> None:
    network = fresh()
    aware = calibrate(QuantizationAware(network, bits=20), PIXELS)
    torch.testing.assert_close(predict(aware, PIXELS), predict(network, PIXELS), rtol=1e-3, atol=1e-3)


def test_every_rounded_tensor_has_a_range() -> None:
    network = fresh()
    ranges = calibrate(QuantizationAware(network), PIXELS).ranges()
    seen = activation_ranges(write(network.specs, network.folded()), PIXELS.numpy())
    assert set(ranges) == set(seen) - {"output"}
    for name, (low, high) in ranges.items():
        assert low <= 0 <= high
        if f"{name}.relu6" not in ranges:
            width = seen[name][1] - seen[name][0]
            assert low == pytest.approx(min(0, seen[name][0]), abs=0.1 * width)
            assert high == pytest.approx(max(0, seen[name][1]), abs=0.1 * width)


def test_ranges_stand_still_in_eval() -> None:
    aware = calibrate(QuantizationAware(fresh()), PIXELS)
    before = aware.ranges()
    predict(aware, 10 * PIXELS)
    assert aware.ranges() == before


def test_it_learns_and_every_weight_takes_part() -> None:
    network = fresh()
    aware = QuantizationAware(network)
    before = copy.deepcopy(network.state_dict())
    labels = torch.arange(64) % 10
    training = Training(aware, Recipe(15, 64, 0.05))
    losses = [step.loss for step in fit(training, lambda step: (PIXELS, labels), cross_entropy(aware, 0))]
    assert losses[-1] < 0.8 * losses[0]
    assert aware.network is network
    for name, parameter in network.named_parameters():
        assert torch.isfinite(parameter).all()
        assert not torch.equal(parameter, before[name])


def test_gradients_pass_where_the_range_does_not_clip() -> None:
    x = torch.tensor([-3.0, -0.9, 0.04, 0.26, 7.0], requires_grad=True)
    y = Rounded.apply(x, 0.1, -1.0, 2.0)
    torch.testing.assert_close(y, torch.tensor([-1.0, -0.9, 0.0, 0.3, 2.0]))
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0, 1, 1, 1, 0]
