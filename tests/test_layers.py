"""Laws of every kind of layer, found by the registry: all interpreters of its graph say the same."""

from __future__ import annotations

import dataclasses
import json
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from compress.calibration import activation_ranges
from compress.depgraph import prune_groups, size
from compress.importance import batch_norm_scale, l1, taylor
from compress.parity import onnx_logits
from compress.prune import hidden_widths, narrow, prune, strongest, uniform_widths, width_space
from compress.qat import QuantizationAware
from compress.quantize import quantize, quantize_within
from compress.rounded_tensors import places
from compress.saturation import products, saturation
from compress.sensitivity import sqnr
from compress.units import tied, units
from predictors.blocks import contexts, in_context
from search_spaces.costs import kept_activations, macs, parameters, peak_activations, weight_bytes
from search_spaces.elastic import largest
from search_spaces.errors import LutraError
from search_spaces.evaluation import calibrate, predict
from search_spaces.layers import KINDS, Head, MBConv, Pointwise, Skip, Spec, Stem
from search_spaces.layers.nodes import INPUT, MatMul, Node, Shape
from search_spaces.layers.records import from_json, to_json
from search_spaces.layers.shapes import shapes
from search_spaces.network import Layer, Network
from search_spaces.onnx_writer import random_weights, write
from search_spaces.population import logits
from search_spaces.sandwich import sandwich
from search_spaces.space import SearchSpace
from search_spaces.supernet import Supernet
from search_spaces.training import cross_entropy, mixed_precision

torch.set_num_threads(1)
ROOT = Path(__file__).parents[1]
PIXELS, CLASSES = 6, 5
VALUES = {"in_channels": 16, "channels": 16, "hidden_channels": 32, "out_channels": 16, "heads": 4, "kernel": 5}
VALUES |= {"stride": 1, "resolution": PIXELS, "classes": CLASSES}  # other numbers are 8
CHANGING = {"stride": 2, "out_channels": 24, "resolution": PIXELS + 1}


def example(kind: type[Spec], **values: int) -> Spec:
    """A layer of a kind, whatever its fields."""
    known = VALUES | values
    return kind(**{field.name: known.get(field.name, 8) for field in dataclasses.fields(kind)})


EXAMPLES = list(dict.fromkeys(spec for kind in KINDS.values() for spec in (example(kind), example(kind, **CHANGING))))
COMPUTING = [spec for spec in EXAMPLES if spec.graph.nodes]
every_kind = pytest.mark.parametrize("spec", COMPUTING, ids=str)


def options(spec: Spec) -> list[Spec]:
    """The layer and smaller ones, in each elastic number and in all of them."""
    smaller = {name: 3 if name == "kernel" else getattr(spec, name) // 2 for name in spec.elastic}
    single = [dataclasses.replace(spec, **{name: value}) for name, value in smaller.items()]
    return list(dict.fromkeys([spec, *single, dataclasses.replace(spec, **smaller)]))


def around(spec: Spec) -> tuple[Spec, ...]:
    """A network of a stem, the layer and a head."""
    stem = Stem(3, spec.in_channels, 1, spec.resolution)
    return stem, spec, *([] if spec.classifies else [Head(spec.out_channels, 16, CLASSES, spec.out_resolution)])


def space_of(spec: Spec) -> SearchSpace:
    stem, _, *head = around(spec)
    skip = [Skip(spec.in_channels, spec.resolution)] if spec.residual else []
    layers = ((stem,), (*options(spec), *skip), *((layer,) for layer in head))
    return SearchSpace("one_layer", layers, (0,) * len(layers))


def images(spec: Spec, count: int = 8) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, 3, spec.resolution, spec.resolution, generator=generator)


def seasoned(model: nn.Module) -> nn.Module:
    """With batch norms that scale and shift, as after training, and weights of the classifier that say something."""
    generator = torch.Generator().manual_seed(0)
    for name, parameter in model.named_parameters():
        if parameter.ndim == 1:
            low = 0.5 if name.endswith("weight") else -0.5
            parameter.data = low + torch.rand(parameter.shape, generator=generator)
        if parameter.ndim == 2:
            parameter.data = 0.3 * torch.randn(parameter.shape, generator=generator)
    return model


def trained(spec: Spec) -> Network:
    torch.manual_seed(0)
    network = Network(around(spec))
    seasoned(network)
    return calibrate(network, images(spec, 64))


def supernet_of(spec: Spec) -> Supernet:
    torch.manual_seed(0)
    supernet = Supernet(space_of(spec))
    seasoned(supernet)
    return supernet


def every_arch(space: SearchSpace) -> list[tuple[int, ...]]:
    return [(0, pick, *(0,) * (len(space.layers) - 2)) for pick in range(space.options[1])]


# supernet and population


@every_kind
def test_index_is_one_hot_is_extracted(spec: Spec) -> None:
    supernet, x = supernet_of(spec), images(spec).double()
    for arch in every_arch(supernet.space):
        extracted = supernet.float().extract(arch).double().train()
        by_index = supernet.double()(x, arch)
        one_hots = [F.one_hot(torch.tensor(pick), n).double() for pick, n in zip(arch, supernet.space.options)]
        torch.testing.assert_close(supernet(x, one_hots), by_index, rtol=1e-8, atol=1e-8)
        torch.testing.assert_close(extracted(x), by_index, rtol=1e-8, atol=1e-8)


@every_kind
def test_options_together_are_each_alone(spec: Spec) -> None:
    """Outputs, and the sum of the gradients."""
    supernet, x = supernet_of(spec).double(), images(spec).double()
    archs = every_arch(supernet.space)
    gradients = []
    for together in (True, False):
        supernet.zero_grad()
        answers = supernet(x, *archs) if together and len(archs) > 1 else torch.stack([supernet(x, a) for a in archs])
        answers.square().mean().backward()
        gradients.append([answers, *(p.grad.clone() for p in supernet.parameters() if p.grad is not None)])
    torch.testing.assert_close(*gradients)


@every_kind
def test_the_gradient_of_a_choice_flows_to_every_option(spec: Spec) -> None:
    supernet = supernet_of(spec)
    scores = [torch.zeros(count, requires_grad=True) for count in supernet.space.options]
    supernet(images(spec), [score.softmax(0) for score in scores]).square().mean().backward()
    gradient = scores[1].grad
    assert gradient is not None
    assert len(gradient) == 1 or gradient.abs().min() > 0


@every_kind
@pytest.mark.parametrize("amp", [False, True])
def test_supernet_and_rounded_network_train(spec: Spec, amp: bool) -> None:
    """Also in bfloat16."""
    supernet, network, labels = supernet_of(spec), trained(spec), torch.arange(8) % CLASSES
    rules = (sandwich(supernet, supernet.space, 0.1, 0), cross_entropy(QuantizationAware(network), 0.1))
    for model, backward in zip((supernet, network), rules):
        model.train()
        model.zero_grad()
        with mixed_precision(amp, torch.device("cpu")):
            assert math.isfinite(backward(0, images(spec), labels))
        gradients = [parameter.grad for parameter in model.parameters()]
        assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)


@every_kind
def test_a_population_is_judged_as_each_network_alone(spec: Spec) -> None:
    supernet, calibration, x = supernet_of(spec), images(spec, 27), images(spec, 11)
    archs = every_arch(supernet.space)
    together = logits(supernet, calibration, x, archs)
    for arch, answer, other in zip(archs, together, logits(supernet, calibration, x, archs[::-1])[::-1]):
        assert torch.equal(answer, logits(supernet, calibration, x, [arch])[0])
        assert torch.equal(answer, other)
        alone = predict(calibrate(supernet.extract(arch), calibration), x)
        assert (answer - alone).abs().max() < 1e-3 * alone.std()


@every_kind
def test_a_residual_layer_begins_as_a_skip(spec: Spec) -> None:
    if not spec.residual:
        pytest.skip("it has no residual sum")
    layer, x = Layer(spec), torch.randn(4, spec.in_channels, spec.resolution, spec.resolution)
    y = layer(x)
    torch.testing.assert_close(y, x)
    y.square().sum().backward()
    gradient = layer.conv(str(spec.graph.branch)).norm.weight.grad
    assert gradient is not None
    assert gradient.any()


def test_a_layer_may_offer_every_kind_at_once() -> None:
    blocks = [spec for spec in COMPUTING if spec.shapes[INPUT] == spec.out_shape == (16, PIXELS, PIXELS)]
    assert len({type(spec) for spec in blocks}) >= 6
    choices = tuple(dict.fromkeys(option for spec in blocks for option in (spec, options(spec)[-1])))
    space = SearchSpace(
        "all", ((Stem(3, 16, 1, PIXELS),), (*choices, Skip(16, PIXELS)), (Head(16, 16, CLASSES, PIXELS),)), (0, 0, 0)
    )
    torch.manual_seed(0)
    supernet = Supernet(space)
    seasoned(supernet).double()
    x, archs = images(blocks[0]).double(), every_arch(space)
    together = supernet(x, *archs)
    for arch, answer in zip(archs, together):
        one_hots = [F.one_hot(torch.tensor(pick), n).double() for pick, n in zip(arch, space.options)]
        torch.testing.assert_close(supernet(x, arch), answer)
        torch.testing.assert_close(supernet(x, one_hots), answer, rtol=1e-8, atol=1e-8)
    for arch, answer in zip(archs, logits(supernet, x, x, archs)):
        torch.testing.assert_close(answer, predict(calibrate(supernet.extract(arch).double(), x), x))


@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if kind.elastic])
def test_options_that_cannot_share_weights_are_refused(kind: type[Spec]) -> None:
    spec = example(kind)
    fixed = next(f.name for f in dataclasses.fields(spec) if f.name not in (*spec.elastic, "resolution"))
    with pytest.raises(LutraError, match=rf"{kind.__name__} .*{fixed} .*{', '.join(spec.elastic)}"):
        largest([spec, dataclasses.replace(spec, **{fixed: 1 + getattr(spec, fixed)})])
    assert largest(options(spec)) == spec == largest(options(spec)[::-1])


def test_options_with_other_graphs_are_refused() -> None:
    factorised = example(KINDS["LowRankHead"])
    with pytest.raises(LutraError, match="graphs differ"):
        largest([factorised, dataclasses.replace(factorised, rank=10_000)])  # type: ignore[call-arg]


# files


@every_kind
def test_onnxruntime_answers_as_torch(spec: Spec) -> None:
    for option in options(spec):
        network = trained(option)
        ours, model = predict(network, images(spec)).numpy(), write(network.specs, network.folded())
        onnx.checker.check_model(model, full_check=True)
        for count in (1, 5):
            theirs = onnx_logits(model, images(spec)[:count].numpy())
            assert np.abs(theirs - ours[:count]).max() <= 1e-4 * max(1, np.abs(ours).max())


@every_kind
def test_a_layer_alone_and_in_its_context_can_be_timed(spec: Spec) -> None:
    for specs in ((spec,), in_context(spec), *contexts(spec)):
        first, model = specs[0], write(specs, random_weights(specs))
        x = np.zeros((2, first.in_channels, first.resolution, first.resolution), np.float32)
        session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        assert session.run(None, {"image": x})[0].shape == (2, *specs[-1].out_shape)
        assert quantize(model, x + 1)


@every_kind
@pytest.mark.parametrize(("kept", "reduce_range"), [((), False), ((), True), ((1,), False)])
def test_fake_quantization_answers_as_the_int8_file(spec: Spec, kept: tuple[int, ...], reduce_range: bool) -> None:
    """Up to the rounding of ties: a step or two of the output's 255."""
    if kept and len(spec.convs) == 1 and not spec.classifies:
        pytest.skip("onnxruntime rounds a lone float convolution between integer ones")
    network, x = trained(spec), images(spec, 64)
    aware = calibrate(QuantizationAware(network, float_layers=kept, reduce_range=reduce_range), x)
    ours, fp32 = predict(aware, x).numpy(), write(network.specs, network.folded())
    int8 = onnx_logits(quantize_within(fp32, aware.ranges(), kept, reduce_range), x.numpy())
    floats = onnx_logits(fp32, x.numpy())
    step = (floats.max() - floats.min()) / 255
    assert np.abs(ours - int8).max() < 6 * step
    assert np.abs(ours - int8).mean() < step
    assert sqnr(ours, int8) > sqnr(ours, floats) + 3


@every_kind
@pytest.mark.parametrize("kept", [(), (1,), (0, 2)])
def test_the_file_rounds_in_the_learned_steps(spec: Spec, kept: tuple[int, ...]) -> None:
    network = trained(spec)
    kept = tuple(layer for layer in kept if layer < len(network.specs))
    aware = calibrate(QuantizationAware(network, float_layers=kept), images(spec, 64))
    fp32 = write(network.specs, network.folded())
    if not kept:
        assert set(aware.ranges()) == set(activation_ranges(fp32, images(spec).numpy())) - {"output"}
    file = onnx.load_from_string(quantize_within(fp32, aware.ranges(), kept)).graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in file.initializer}
    steps = {constants[node.input[1]].item() for node in file.node if node.op_type == "QuantizeLinear"}
    learned = {np.float32((high - low) / 255).item() for low, high in aware.ranges().values()}
    assert sorted(steps) == pytest.approx(sorted(learned))


@every_kind
def test_all_but_hard_sigmoids_runs_as_integer_kernels(spec: Spec, tmp_path: Path) -> None:
    """By the graph that onnxruntime makes of the file; around a float node it converts back and forth."""
    network = trained(spec)
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3  # it warns that an optimised file is for one machine
    settings.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    int8 = quantize(write(network.specs, network.folded()), images(spec, 16).numpy())
    onnxruntime.InferenceSession(int8, settings, providers=["CPUExecutionProvider"])
    ran = Counter(node.op_type for node in onnx.load(settings.optimized_model_filepath).graph.node)
    islands = sum(conv.activation == "hard_sigmoid" for conv in spec.convs)
    assert ran["HardSigmoid"] == islands
    assert ran["QuantizeLinear"] == ran["DequantizeLinear"] == 1 + islands
    assert ran["QLinearConv"] == sum(len(one.convs) for one in network.specs)
    moves = {"Transpose", "Reshape", "Flatten", "QuantizeLinear", "DequantizeLinear", "HardSigmoid", "QGemm"}
    assert not [op for op in ran if op not in moves and not op.startswith("QLinear")]


@every_kind
def test_products_with_weights_are_found_in_the_integer_file(spec: Spec) -> None:
    network, x = trained(spec), images(spec, 16).numpy()
    int8 = quantize(write(network.specs, network.folded()), x)
    expected = [
        layer
        for layer, one in enumerate(network.specs)
        for node in one.graph.weighted
        if not getattr(node, "depthwise", False)
    ]
    assert [product.layer for product in products(int8, network.specs)] == expected
    assert set(saturation(int8, network.specs, x[:1])) == set(expected)


# costs


def multiplied(network: Network, x: Tensor) -> int:
    """Multiply-accumulates that torch counts as it runs."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network.eval()(x)
    return counter.get_total_flops() // 2


@every_kind
def test_costs_are_what_is_counted(spec: Spec) -> None:
    for option in options(spec):
        network, specs = Network(around(option)), around(option)
        assert macs(specs) == multiplied(network, images(spec, 1))
        assert parameters(specs) == sum(parameter.numel() for parameter in network.parameters())
        tensors = onnx.load_from_string(write(specs, random_weights(specs))).graph.initializer
        stored = [numpy_helper.to_array(t) for t in tensors if t.name.endswith((".weight", ".bias"))]
        assert weight_bytes(specs, "fp32") == sum(array.nbytes for array in stored)
        weights, channels = (sum(a.size for a in stored if (a.ndim > 1) == many) for many in (True, False))
        assert weight_bytes(specs, "int8") == weights + 9 * channels
        convolved = sum(math.prod(one.shapes[conv.name]) for one in specs for conv in one.convs)
        assert kept_activations(specs) == convolved


@every_kind
def test_peak_activations_are_those_of_the_file(spec: Spec) -> None:
    """By the file's own nodes; activations and new shapes take no memory of their own."""
    graph = onnx.shape_inference.infer_shapes(
        onnx.load_from_string(write((spec,), random_weights((spec,)))), data_prop=True
    ).graph
    dims = {v.name: v.type.tensor_type.shape.dim for v in (*graph.input, *graph.value_info, *graph.output)}
    sizes = {name: math.prod(d.dim_value for d in dim[1:]) for name, dim in dims.items()}
    home = {"image": "image"}  # value -> the value whose memory it lies in
    for node in graph.node:
        in_place = node.op_type in ("Clip", "HardSigmoid", "Flatten", "Reshape", "Identity")
        home[node.output[0]] = home[node.input[0]] if in_place else node.output[0]
    nodes = [node for node in graph.node if home[node.output[0]] == node.output[0]]
    last = {home[name]: place for place, node in enumerate(graph.node) for name in node.input if name in home}
    order = {node.output[0]: place for place, node in enumerate(graph.node)}
    peak = 0
    for node in nodes:
        now = order[node.output[0]]
        alive = {value for value in {*home.values()} if order.get(value, -1) <= now <= last.get(value, now)}
        peak = max(peak, sum(sizes[value] for value in alive))
    assert peak_activations((spec,)) == peak
    assert peak_activations((Skip(3, 100), spec)) == max(peak, 30_000)


# pruning


PRUNABLE = [spec for spec in COMPUTING if spec.prunable]
every_prunable = pytest.mark.parametrize("spec", PRUNABLE, ids=str)


@every_prunable
def test_a_pruned_network_is_one_of_narrower_specs(spec: Spec) -> None:
    network = trained(spec)
    pruned = prune(network, 0.5)
    widths = uniform_widths(network.specs, 0.5)
    assert widths[1] == units(spec) // 2
    for layer in hidden_widths(network.specs):
        field = network.specs[layer].prunable.field  # type: ignore[union-attr]
        assert pruned.specs[layer] == dataclasses.replace(network.specs[layer], **{field: widths[layer]})
    assert sum(p.numel() for p in pruned.parameters()) == parameters(pruned.specs) < parameters(network.specs)
    ours, model = predict(pruned, images(spec)).numpy(), write(pruned.specs, pruned.folded())
    assert np.abs(onnx_logits(model, images(spec).numpy()) - ours).max() <= 1e-4 * max(1, np.abs(ours).max())
    assert pruned.specs[1] in width_space(network.specs).layers[1]


@every_prunable
def test_units_whose_gate_is_closed_can_go(spec: Spec) -> None:
    network, count = trained(spec), units(spec)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(0))
    gone, stay = order[: count // 2], order[count // 2 :].sort().values
    norm = network.layers[1].conv(spec.prunable.gate).norm  # type: ignore[union-attr]
    for vector in (norm.weight.data, norm.bias.data):
        vector.view(count, -1)[gone] = 0
    for values in (batch_norm_scale(network), taylor(network, [(images(spec), torch.arange(8) % CLASSES)])):
        assert not values[1][gone].any()
        assert values[1][stay].all()
        assert strongest(values, {1: len(stay)})[1].tolist() == stay.tolist()
    assert len(l1(network)[1]) == count
    torch.testing.assert_close(
        predict(narrow(network, {1: stay}), images(spec)), predict(network, images(spec)), rtol=1e-4, atol=1e-5
    )


@every_kind
def test_torch_pruning_can_prune_a_network_with_it(spec: Spec) -> None:
    network = trained(spec)
    slim = prune_groups(network, (3, spec.resolution, spec.resolution), 0.5)
    assert size(slim, (3, spec.resolution, spec.resolution)).parameters < parameters(network.specs)
    assert predict(slim, images(spec)).shape == (8, CLASSES)


# records


@pytest.mark.parametrize("spec", EXAMPLES, ids=str)
def test_json_round_trip(spec: Spec) -> None:
    assert from_json(json.loads(json.dumps(to_json(spec)))) == spec


# an unknown kind of node


@dataclass(frozen=True)
class Unheard(Node):
    """A kind of node that no interpreter knows."""


@dataclass(frozen=True)
class Odd(Spec):
    """A layer with such a node behind a convolution."""

    in_channels: int = 3
    out_channels: int = 3
    resolution: int = 4

    @property
    def shapes(self) -> dict[str, Shape]:  # so that no interpreter asks another one first
        return dict.fromkeys((INPUT, "conv", "odd"), (3, 4, 4))

    def nodes(self) -> Iterator[Node]:
        yield dataclasses.replace(POINTWISE.convs[0], name="conv")
        yield Unheard("odd", ("conv",))


POINTWISE = Pointwise(3, 3, 1, 4)
X = torch.zeros(2, 3, 4, 4)


def odd_supernet(as_mixture: bool) -> None:
    supernet = Supernet(SearchSpace("odd", ((Odd(),),), (0,)))
    supernet(X, [torch.ones(1)] if as_mixture else (0,))


INTERPRETERS: dict[str, tuple[str, Callable[[], object]]] = {  # what runs one -> its file
    "the trained network": ("search_spaces/network.py", lambda: Layer(Odd())(X)),
    "the sliced supernet": ("search_spaces/shared_slices.py", lambda: odd_supernet(False)),
    "the mixed supernet": ("search_spaces/supernet.py", lambda: odd_supernet(True)),
    "the population": (
        "search_spaces/population.py",
        lambda: logits(Supernet(SearchSpace("odd", ((Odd(),),), (0,))), X, X, [(0,)]),
    ),
    "the ONNX writer": ("search_spaces/onnx_writer.py", lambda: write([Odd()], random_weights([Odd()]))),
    "fake quantization": ("compress/rounded_tensors.py", lambda: places([Odd()])),
    "the emulation of saturation": (
        "compress/saturation.py",
        lambda: products(write([POINTWISE], random_weights([POINTWISE])), [Odd()]),
    ),
    "structured pruning": ("compress/units.py", lambda: tied(OddPrunable())),
    "the shape interpreter": ("search_spaces/layers/shapes.py", lambda: shapes(Odd().graph, (3, 4, 4))),
    "the counter of multiply-accumulates": ("search_spaces/costs/macs.py", lambda: macs([Odd()])),
    "the counter of parameters": ("search_spaces/costs/parameters.py", lambda: parameters([Odd()])),
    "the counter of weight bytes": ("search_spaces/costs/weight_bytes.py", lambda: weight_bytes([Odd()], "int8")),
    "the counter of kept activations": ("search_spaces/costs/activations.py", lambda: kept_activations([Odd()])),
    "the counter of live activations": ("search_spaces/costs/activations.py", lambda: peak_activations([Odd()])),
}


class OddPrunable(Odd):
    prunable = dataclasses.replace(MBConv.prunable, producers=("conv",), gate="conv")


@pytest.mark.parametrize("name", INTERPRETERS)
def test_an_unknown_kind_of_node_is_refused_by_name(name: str) -> None:
    with pytest.raises(LutraError, match=f"^{name} .*Unheard"):
        INTERPRETERS[name][1]()


def test_every_interpreter_is_among_those() -> None:
    """Each file of the tree that has rules for kinds of node."""
    folders = ("search_spaces", "predictors", "strategies", "compress", "experiments", "paper")
    sources = {path: path.read_text() for folder in folders for path in (ROOT / folder).rglob("*.py")}
    ruled = {path.relative_to(ROOT).as_posix() for path, text in sources.items() if "Rules[" in text}
    assert ruled - set(NOT_ALONE) == {file for file, _ in INTERPRETERS.values()}


NOT_ALONE = {  # rules that only serve those interpreters
    "search_spaces/layers/graph.py": "the type",
    "search_spaces/costs/totals.py": "sums",
    "search_spaces/arithmetic.py": "what all torch interpreters share",
    "search_spaces/elastic.py": "where a weighted node's weight lies in a larger one's",
    "compress/qat.py": "rounds what rounded_tensors says",
}


def test_attention_is_for_small_maps() -> None:
    with pytest.raises(LutraError, match="8 pixels"):
        example(KINDS["Attention"], resolution=9)
    assert any(isinstance(node, MatMul) for node in example(KINDS["Attention"], resolution=8).graph.nodes)


def test_examples_reach_both_ends_of_every_choice() -> None:
    """Every kind has an example, and options of a kind cost differently."""
    assert {type(spec).__name__ for spec in EXAMPLES} == set(KINDS)
    assert all(len({macs((one,)) for one in options(spec)}) > 1 for spec in COMPUTING if spec.elastic)
