"""Tests specs, spaces, the entangled supernet, the ONNX writer, and evaluation."""

from __future__ import annotations

import csv
import json
import math
from itertools import pairwise
from random import Random

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import mobilenet_v2

from predictors.timing.blocks import computing
from search_spaces.costs import macs, parameters
from search_spaces.errors import LutraError
from search_spaces.layers import MBConv, Skip
from search_spaces.layers.json_specs import from_json, to_json
from search_spaces.networks import evaluation
from search_spaces.networks.evaluation import accuracy, calibrate, predict
from search_spaces.networks.network import Network, sized
from search_spaces.networks.onnx_writer import random_weights, write
from search_spaces.networks.supernet import Supernet
from search_spaces.space import Arch, SearchSpace
from search_spaces.spaces.edge import edge
from search_spaces.spaces.edge_imagenet import edge_imagenet
from search_spaces.spaces.mobile import mobile
from search_spaces.spaces.mobile_imagenet import mobile_imagenet
from search_spaces.spaces.nasbench_macro import nasbench_macro
from search_spaces.spaces.tiny import tiny
from tests.networks import nonzero, seasoned
from tests.published import published

SPACES = {
    "tiny": tiny(1, 16, 10),
    "mobile": mobile(3, 32, 10),
    "mobile_imagenet": mobile_imagenet(3, 32, 7),
    "nasbench_macro": nasbench_macro(3, 8, 10),
    "edge": edge(3, 16, 10),
}
every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
some_space = st.sampled_from(list(SPACES.values()))


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def archs(space: SearchSpace, draws: int = 2) -> list[Arch]:
    """Returns the corners of a space, and random architectures."""
    rng = Random(space.name)
    return [space.reference, space.largest, space.smallest, *(space.sample(rng) for _ in range(draws))]


def few(space: SearchSpace) -> list[Arch]:
    """Returns the corners and a random architecture; of a large space only the largest and that one."""
    found = archs(space, draws=1)
    return found if space.name == "tiny" else found[1::2]


def images(space: SearchSpace, count: int = 8) -> Tensor:
    first = space.layers[0][0]
    shape = (count, first.in_channels, first.resolution, first.resolution)
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


# the supernet: three forms of the same architecture


@every_space
def test_index_is_one_hot_is_extracted(space: SearchSpace) -> None:
    supernet = seasoned(Supernet(space))
    x = images(space, 4).double()
    for arch in few(space):
        extracted = supernet.float().extract(arch).double().train()
        by_index = supernet.double()(x, arch)
        one_hots = [F.one_hot(torch.tensor(pick), count).double() for pick, count in zip(arch, space.options)]
        torch.testing.assert_close(supernet(x, one_hots), by_index, rtol=1e-8, atol=1e-8)
        torch.testing.assert_close(extracted(x), by_index, rtol=1e-8, atol=1e-8)


@every_space
def test_architectures_together_are_each_alone(space: SearchSpace) -> None:
    """Logits are equal, and gradients are the sum of theirs; the same architecture may occur twice."""
    supernet = seasoned(Supernet(space)).double()
    several, x = [*few(space), space.largest], images(space, 4).double()
    together = supernet(x, *several)
    together.square().mean().backward()
    summed = [parameter.grad.clone() for parameter in supernet.parameters() if parameter.grad is not None]
    supernet.zero_grad()
    alone = torch.stack([supernet(x, arch) for arch in several])
    alone.square().mean().backward()
    torch.testing.assert_close(together, alone)
    torch.testing.assert_close(
        summed, [parameter.grad for parameter in supernet.parameters() if parameter.grad is not None]
    )


def test_different_architectures_answer_differently() -> None:
    space = SPACES["tiny"]
    supernet, x = Supernet(space), images(space)
    answers = [supernet(x, arch) for arch in archs(space, draws=0)[1:]]
    assert (answers[0] - answers[1]).abs().max() > 1e-3


@every_space
def test_gradient_flows_to_every_choice(space: SearchSpace) -> None:
    supernet = nonzero(Supernet(space))
    scores = [torch.zeros(count, requires_grad=True) for count in space.options]
    supernet(images(space), [score.softmax(0) for score in scores]).square().mean().backward()
    for score in scores:
        assert score.grad is not None
        assert len(score) == 1 or score.grad.abs().min() > 0
    assert all(parameter.grad is not None for parameter in supernet.parameters())


@every_space
def test_a_residual_block_begins_as_a_skip(space: SearchSpace) -> None:
    """It trains from the first step on: the scale of its last batch norm has a gradient."""
    supernet, x = Supernet(space), images(space, 2)
    residual = [[spec.residual for spec in options] for options in space.layers]
    deep = tuple(options.index(True) if any(options) else 0 for options in residual)
    skips = [[bool(spec.convs) for spec in options] for options in space.layers]
    shallow = tuple(computes.index(False) if not all(computes) else pick for computes, pick in zip(skips, deep))
    assert shallow != deep
    deepest = supernet(x, deep)
    torch.testing.assert_close(supernet(x, shallow), deepest)
    deepest.square().sum().backward()
    for layer, pick in enumerate(deep):
        if residual[layer][pick]:
            block = supernet.layers[layer].largest[type(space.layers[layer][pick]).__name__]
            scale = block.convs[-1].norm.weight
            assert scale.grad is not None
            assert scale.grad.any()
            assert not scale.any()


def test_extracted_network_owns_its_weights() -> None:
    space = SPACES["tiny"]
    supernet = Supernet(space)
    extracted = supernet.extract(space.largest)
    before = supernet(images(space), space.largest)
    for parameter in extracted.parameters():
        parameter.data.zero_()
    assert torch.equal(supernet(images(space), space.largest), before)


# architectures


@given(some_space, st.integers())
def test_mutation_changes_exactly_one_pick(space: SearchSpace, seed: int) -> None:
    rng = Random(seed)
    arch = space.check(space.sample(rng))
    child = space.check(space.mutate(arch, rng))
    before, after = computing(space.decode(arch)), computing(space.decode(child))
    assert before != after
    assert arch[0] != child[0] or abs(len(before) - len(after)) <= 1
    if arch[0] != child[0]:  # another trunk, which gives all layers another shape
        assert arch[1:] == child[1:]
    elif len(before) == len(after):
        assert sum(a != b for a, b in zip(before, after)) == 1
    else:  # a layer is skipped or no longer skipped
        shorter, longer = sorted((before, after), key=len)
        assert shorter in {longer[:i] + longer[i + 1 :] for i in range(len(longer))}


@given(some_space, st.integers())
def test_crossover_takes_picks_from_the_parents(space: SearchSpace, seed: int) -> None:
    rng = Random(seed)
    mother, father = space.sample(rng), space.sample(rng)
    child = space.check(space.crossover(mother, father, rng))
    parents = [space.decode((child[0], *parent[1:])) for parent in (mother, father)]  # under the child's trunk
    assert {*space.decode(child)} <= {*parents[0], *parents[1]}
    assert space.crossover(mother, mother, rng) == mother
    stacked = {layer for stack in space.stacks for layer in range(len(space.layers))[stack.layers]}
    alone = [layer for layer in range(len(space.layers)) if layer not in stacked]
    assert all(child[layer] in (mother[layer], father[layer]) for layer in alone)


@every_space
def test_every_option_is_drawn_and_reached(space: SearchSpace) -> None:
    rng = Random(0)
    drawn = {pair for _ in range(1000) for pair in enumerate(space.sample(rng))}
    mutated = {pair for _ in range(3000) for pair in enumerate(space.mutate(space.sample(rng), rng))}
    assert drawn == mutated == {(layer, pick) for layer, count in enumerate(space.options) for pick in range(count)}


def test_invalid_architectures_are_never_born() -> None:
    space = SearchSpace("pairs", (("a", "b", "c"),) * 3, (0, 1, 2), valid=lambda arch: sum(arch) % 2 == 1)
    rng, arch = Random(0), (0, 0, 1)
    for _ in range(100):
        assert space.valid(space.sample(rng))
        other = space.mutate(arch, rng)
        assert space.valid(other)
        arch = space.crossover(arch, other, rng)
        assert space.valid(arch)


@pytest.mark.parametrize(("arch", "says"), [((0,) * 3, "7 layers"), ((0, 9, 0, 0, 0, 0, 0), "0 to 3, not 9")])
def test_what_is_no_architecture_is_refused(arch: Arch, says: str) -> None:
    with pytest.raises(LutraError, match=says):
        SPACES["tiny"].check(arch)


@every_space
def test_sizes_of_the_corners(space: SearchSpace) -> None:
    costs = [macs(space.decode(arch)) for arch in archs(space, draws=20)]
    assert costs[1] == max(costs)
    assert costs[2] == min(costs)


def test_layers_fit_one_another() -> None:
    for space in SPACES.values():
        for trunk in range(space.trunks):
            layers = [options[part] for options, part in zip(space.layers, space.within(trunk))]
            for before, after in pairwise(layers):
                assert len({spec.out_channels for spec in before}) == 1
                assert {spec.in_channels for spec in after} == {before[0].out_channels}
                assert {spec.resolution for spec in after} == {spec.out_resolution for spec in before}


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
