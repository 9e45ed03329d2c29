"""Tests gradients of fast convolutions against torch's, and those in bfloat16."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from search_spaces.networks.convolution import conv2d
from search_spaces.training.loop import mixed_precision
from tests.search_spaces.bright_halves import SPACE, batch, supernet


@settings(max_examples=60)
@given(st.sampled_from([1, 3, 5, 7]), st.sampled_from([1, 2]), st.integers(1, 9), st.integers(1, 3))
def test_depthwise_gradients_are_those_of_the_convolution(kernel: int, stride: int, pixels: int, images: int) -> None:
    draw = torch.Generator().manual_seed(pixels)
    x = torch.randn(images, 4, pixels, pixels, dtype=torch.float64, generator=draw, requires_grad=True)
    weight = torch.randn(4, 1, kernel, kernel, dtype=torch.float64, generator=draw, requires_grad=True)
    ours, plain = conv2d(x, weight, stride, 4), F.conv2d(x, weight, None, stride, kernel // 2, 1, 4)
    assert torch.equal(ours, plain)
    upstream = torch.randn(plain.shape, dtype=torch.float64, generator=draw)
    for one, other in zip(*(torch.autograd.grad(y, (x, weight), upstream) for y in (ours, plain))):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("groups", [1, 64])
def test_gradients_of_one_pixel_are_finite_and_those_of_its_tap(kernel: int, stride: int, groups: int) -> None:
    """oneDNN's in bfloat16 are sometimes NaN."""
    x = torch.randn(32, 64, 1, 1, generator=torch.Generator().manual_seed(0))
    weight = torch.randn(64, 64 // groups, kernel, kernel, generator=torch.Generator().manual_seed(1)).requires_grad_()
    plain = F.conv2d(x, weight, None, stride, kernel // 2, 1, groups)
    torch.testing.assert_close(conv2d(x, weight, stride, groups), plain)
    expected = torch.autograd.grad(plain.square().sum(), weight)[0]
    for _ in range(20):
        with torch.autocast("cpu", torch.bfloat16):
            loss = conv2d(x, weight, stride, groups).float().square().sum()
        (found,) = torch.autograd.grad(loss, weight)
        torch.testing.assert_close(found, expected, rtol=0.05, atol=0.05 * expected.abs().max().item())


def test_bfloat16_gradients_point_the_same_way() -> None:
    model, (x, labels) = supernet(), batch(0)
    gradients = []
    for wanted in (False, True):
        model.zero_grad()
        with mixed_precision(wanted, x.device):
            F.cross_entropy(model(x, SPACE.largest), labels).backward()
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]))
    assert F.cosine_similarity(*gradients, dim=0) > 0.98
    assert not torch.equal(*gradients)
