"""Tests every kind of layer in a supernet and in a population."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
import torch.nn.functional as F

from compress.quantization.qat import QuantizationAware
from search_spaces.errors import LutraError
from search_spaces.layers import KINDS, Head, Skip, Spec, Stem
from search_spaces.layers.nodes import INPUT
from search_spaces.networks.elastic import largest
from search_spaces.networks.evaluation import calibrate, predict
from search_spaces.networks.network import Layer
from search_spaces.networks.population import logits
from search_spaces.networks.supernet import Supernet
from search_spaces.space import SearchSpace
from search_spaces.training.loop import cross_entropy, mixed_precision
from search_spaces.training.rules.sandwich import sandwich
from tests.networks import seasoned
from tests.search_spaces.layers.examples import (
    CLASSES,
    COMPUTING,
    PIXELS,
    every_arch,
    every_kind,
    example,
    images,
    options,
    supernet_of,
    trained,
)


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
    """Outputs are equal, and gradients are the sum of theirs."""
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
    """Training also works in bfloat16."""
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
