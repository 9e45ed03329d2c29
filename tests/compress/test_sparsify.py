"""Tests sparsity: the schedule, the masks, and zeros that last through training, folding and INT8."""

from __future__ import annotations

import copy
import itertools

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from onnx import numpy_helper
from torch import Tensor, nn

from compress.files.size import compressed_bytes, zeros
from compress.quantization.quantize import quantize
from compress.weights.sparsify import (
    Pattern,
    Schedule,
    holding_zeros,
    layers_to_prune,
    smallest,
    sparsified,
    sparsify,
    sparsifying,
    sparsity,
    two_of_four,
)
from search_spaces.errors import LutraError
from search_spaces.networks.evaluation import calibrate, predict
from search_spaces.networks.network import Network
from search_spaces.networks.onnx_writer import write
from search_spaces.training.loop import Backward, Recipe, Training, cross_entropy, fit
from tests.networks import batch, nonzero, small

RECIPE = Recipe(10, 16, 0.1, weight_decay=0.01, amp=False)
SCHEDULE = Schedule(0.75, RECIPE.steps, begin=0.1, end=0.7, every=2)
FRACTIONS = st.floats(0, 0.99)


@pytest.fixture
def network() -> Network:
    return small()


def train(network: Network, backward: Backward, recipe: Recipe = RECIPE) -> Training:
    training = Training(network, recipe)
    for _ in fit(training, batch, backward):
        pass
    return training


def trained(network: Network, schedule: Schedule = SCHEDULE, pattern: Pattern = smallest) -> Network:
    train(network, sparsifying(cross_entropy(network, 0.1), network, schedule, pattern))
    return sparsified(network)


def zeros_of(network: nn.Module) -> dict[str, Tensor]:
    return {name: parameter.detach() == 0 for name, parameter in network.named_parameters() if parameter.ndim > 1}


def fours(weight: Tensor) -> Tensor:
    """Reshapes to [groups, 4] along the input dimension."""
    return weight.detach().movedim(1, -1).reshape(-1, 4)


# the schedule


@given(FRACTIONS, st.integers(1, 300), FRACTIONS, FRACTIONS, st.integers(1, 50))
def test_sparsity_grows_from_nothing_to_all_that_is_asked(
    final: float, steps: int, one: float, other: float, every: int
) -> None:
    schedule = Schedule(final, steps, min(one, other), max(one, other), every)
    grown = [schedule.at(step) for step in range(steps)]
    assert all(a <= b for a, b in itertools.pairwise(grown))
    assert set(grown[: schedule.first]) <= {0}
    assert set(grown[schedule.last :]) == {final}
    cuts = [step for step in range(steps) if schedule.prunes_at(step)]
    assert cuts[-1] == schedule.last
    assert cuts[0] == schedule.first
    assert all(b - a <= every for a, b in itertools.pairwise(cuts))


def test_the_cubic_is_the_papers() -> None:
    schedule = Schedule(0.8, 100, begin=0.2, end=0.6, every=10)
    for step in range(20, 60):
        expected = 0.8 + (0 - 0.8) * (1 - (step - 20) / (4 * 10)) ** 3  # equation 1: n cuts, delta_t steps apart
        assert schedule.at(step) == pytest.approx(expected)


@pytest.mark.parametrize(
    "arguments", [{"sparsity": 1}, {"sparsity": -0.1}, {"begin": 0.7}, {"end": 1}, {"every": 0}, {"steps": 0}]
)
def test_no_schedule_is_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(LutraError, match=r"sparsity is a fraction|invalid pruning schedule"):
        Schedule(**{"sparsity": 0.5, "steps": 10, **arguments})  # type: ignore[arg-type]


# masks


@given(st.integers(1, 50), st.integers(1, 50), st.floats(0, 1), st.integers(0, 9))
def test_the_smallest_go(outputs: int, inputs: int, fraction: float, seed: int) -> None:
    weight = torch.randn(outputs, inputs, 1, 1, generator=torch.Generator().manual_seed(seed))
    mask = smallest(weight, fraction)
    assert int((~mask).sum()) == round(fraction * weight.numel())
    if mask.any() and not mask.all():
        assert weight[~mask].abs().max() <= weight[mask].abs().min()


@given(st.integers(1, 8), st.integers(1, 8), st.sampled_from([1, 3]), st.integers(0, 9), st.booleans())
def test_of_every_four_inputs_the_two_largest_stay(
    outputs: int, groups: int, kernel: int, seed: int, equal: bool
) -> None:
    weight = torch.randn(outputs, 4 * groups, kernel, kernel, generator=torch.Generator().manual_seed(seed))
    weight = torch.ones_like(weight) if equal else weight
    mask = two_of_four(weight, 0.5)
    assert fours(mask).sum(1).unique().tolist() == [2]
    kept, gone = (torch.where(fours(mask) == stay, fours(weight).abs(), end) for stay, end in ((1, 9), (0, 0)))
    assert (kept.min(1).values >= gone.max(1).values).all()
    assert torch.equal(two_of_four(weight * mask, 0.5), mask) or equal


def test_inputs_that_are_no_fours_stay_dense() -> None:
    assert two_of_four(torch.randn(8, 6), 0.5).all()


def test_another_sparsity_than_a_half_is_refused(network: Network) -> None:
    with pytest.raises(LutraError, match="exactly half"):
        sparsifying(cross_entropy(network, 0), network, Schedule(0.75, 10), two_of_four)
    with pytest.raises(LutraError, match="exactly half"):
        sparsify(network, 0.75, two_of_four)


# training


@pytest.mark.parametrize("final", [0.5, 0.75, 0.9])
def test_every_cut_layer_reaches_the_sparsity(network: Network, final: float) -> None:
    sparse = trained(network, Schedule(final, RECIPE.steps))
    layers = layers_to_prune(sparse)
    for layer in layers:
        assert int((layer.weight == 0).sum()) == round(final * layer.weight.numel())
    assert sparsity(sparse) == pytest.approx(final, abs=0.5 * len(layers) / sum(x.weight.numel() for x in layers))
    assert list(sparse.state_dict()) == list(Network(sparse.specs).state_dict())
    dense = [module.weight for module in sparse.modules() if isinstance(module, nn.Conv2d) and module not in layers]
    assert len(dense) > 1
    assert all((weight != 0).all() for weight in dense)


@pytest.mark.parametrize("pattern", [smallest, two_of_four])
def test_what_is_cut_stays_cut_and_has_no_part_in_the_loss(network: Network, pattern: Pattern) -> None:
    seen = []
    inner = cross_entropy(network, 0.1)

    def watching(step: int, images: Tensor, labels: Tensor) -> float:
        seen.append({name: gone for name, gone in zeros_of(network).items() if gone.any()})
        return inner(step, images, labels)

    train(network, sparsifying(watching, network, Schedule(0.5, RECIPE.steps, 0.1, 0.7, 2), pattern))
    assert not seen[0]
    assert len(seen[-1]) == len(layers_to_prune(network))
    for before, after in itertools.pairwise(seen):
        assert all((after[name] >= gone).all() for name, gone in before.items())


def test_two_of_four_survives_training_and_the_average(network: Network) -> None:
    sparse = trained(network, Schedule(0.5, 5, end=0), two_of_four)
    train(sparse, holding_zeros(cross_entropy(sparse, 0.1), sparse), Recipe(5, 16, 0.1, weight_decay=0.01))
    for layer in layers_to_prune(sparse):
        assert (fours(layer.weight) == 0).sum(1).unique().tolist() == [2]


def test_a_killed_schedule_goes_on_bit_for_bit(network: Network) -> None:
    whole = trained(copy.deepcopy(network))
    halves = copy.deepcopy(network)
    backward = sparsifying(cross_entropy(halves, 0.1), halves, SCHEDULE)
    training = Training(halves, RECIPE)
    for _ in itertools.islice(fit(training, batch, backward), 4):
        pass
    state = copy.deepcopy(training.state_dict())
    again = copy.deepcopy(network)
    backward = sparsifying(cross_entropy(again, 0.1), again, SCHEDULE)
    rest = Training(again, RECIPE)
    rest.load_state_dict(state)
    for _ in fit(rest, batch, backward):
        pass
    torch.testing.assert_close(sparsified(again).state_dict(), whole.state_dict(), rtol=0, atol=0)


def test_without_cuts_it_is_the_same_training(network: Network) -> None:
    plain = copy.deepcopy(network)
    train(plain, holding_zeros(cross_entropy(plain, 0.1), plain))
    torch.testing.assert_close(
        trained(network, Schedule(0, RECIPE.steps)).state_dict(), plain.state_dict(), rtol=0, atol=0
    )


@pytest.mark.parametrize("amp", [False, True])
def test_zeros_survive_momentum_weight_decay_and_the_average(network: Network, amp: bool) -> None:
    sparse = sparsify(network, 0.6)
    before = copy.deepcopy(sparse)
    train(sparse, holding_zeros(cross_entropy(sparse, 0.1), sparse), Recipe(6, 16, 0.1, weight_decay=0.01, amp=amp))
    for name, gone in zeros_of(before).items():
        assert torch.equal(zeros_of(sparse)[name], gone), name
        assert not torch.equal(sparse.get_parameter(name), before.get_parameter(name)), name
    assert all((bias != 0).any() for name, bias in sparse.named_parameters() if name.endswith("norm.bias"))


def test_zeros_do_not_survive_by_themselves(network: Network) -> None:
    sparse = sparsify(network, 0.6)
    train(sparse, cross_entropy(sparse, 0.1))
    assert sparsity(sparse) < 0.1


# files


def test_zeros_survive_folding_and_int8(network: Network) -> None:
    sparse = calibrate(sparsify(nonzero(network), 0.6), batch(0, 64)[0])
    model = write(sparse.specs, sparse.folded())
    int8 = quantize(model, batch(0, 64)[0].numpy())
    deployed = weights_by_shape(model)
    rounded = weights_by_shape(int8)
    assert len(deployed) == len(rounded)
    for weight, integers in zip(deployed, rounded):
        assert integers.dtype == np.int8
        assert weight.shape == integers.shape
        assert (integers[weight == 0] == 0).all()
    assert zero_points(int8) == {0}
    cut = sum(layer.weight.numel() for layer in layers_to_prune(sparse))
    every = sum(p.numel() for p in sparse.parameters() if p.ndim > 1)
    assert zeros(model) == pytest.approx(0.6 * cut / every, abs=1e-3)
    assert zeros(int8) >= zeros(model)


def weights_by_shape(model: bytes) -> list[np.ndarray]:
    """Returns the weights of convolutions and linear layers, in the graph's order."""
    graph = onnx.load_from_string(model).graph
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    inputs = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "DequantizeLinear"}
    names = [node.input[1] for node in graph.node if node.op_type in ("Conv", "Gemm")]
    return [tensors[inputs.get(name, name)] for name in names]


def zero_points(model: bytes) -> set[int]:
    """Returns the zero points of the weights."""
    graph = onnx.load_from_string(model).graph
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    read = [node.input for node in graph.node if node.op_type == "DequantizeLinear" and node.input[0] in tensors]
    return {int(point) for names in read if len(names) > 2 for point in np.unique(tensors[names[2]])}


def test_sparse_files_are_smaller_in_an_archive(network: Network) -> None:
    images = batch(0, 64)[0]
    files = []
    for fraction in (0, 0.5, 0.75):
        sparse = calibrate(sparsify(network, fraction), images)
        model = write(sparse.specs, sparse.folded())
        files.append((model, quantize(model, images.numpy())))
    for kind in zip(*files):
        sizes = [compressed_bytes(file) for file in kind]
        assert sizes == sorted(sizes, reverse=True)
        assert len(set(sizes)) == 3
        assert sizes == [compressed_bytes(file) for file in kind]


def test_nothing_to_cut_is_the_identity(network: Network) -> None:
    assert torch.equal(predict(sparsify(network, 0), batch(1)[0]), predict(network, batch(1)[0]))
