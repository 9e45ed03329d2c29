"""Tests how many channels each layer keeps, by a fraction or by importance, and the widths to choose from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from compress.pruning.prune import global_widths, uniform_widths
from compress.pruning.widths import hidden_widths, width_space
from search_spaces.errors import LutraError
from search_spaces.layers import Head, LowRankHead, MBConv, Skip
from search_spaces.networks.network import Network
from search_spaces.spaces.nasbench_macro import nasbench_macro
from tests.compress.pruning.importances import MEASURES
from tests.networks import REFERENCE


@given(st.integers(1, 1000), st.floats(1e-6, 1), st.floats(1e-6, 1))
def test_widths_are_multiples_of_eight_or_everything(hidden: int, keep: float, other: float) -> None:
    def width(keep: float) -> int:
        return uniform_widths([MBConv(8, hidden, 8, 3, 1, 8)], keep)[0]

    assert width(1) == hidden
    assert width(keep) == hidden or width(keep) % 8 == 0
    assert min(8, hidden) <= width(keep) <= hidden
    assert width(keep) < keep * hidden + 8.5
    assert width(min(keep, other)) <= width(max(keep, other))


def test_only_hidden_channels_of_mbconvs_and_the_head_have_widths() -> None:
    macro = nasbench_macro(3, 8, 10)
    specs = macro.decode(macro.reference)
    assert set(uniform_widths(specs, 0.5)) == {i for i, spec in enumerate(specs) if isinstance(spec, (MBConv, Head))}
    assert not uniform_widths([LowRankHead(40, 64, 10, 4, rank=8)], 0.5)


@pytest.mark.parametrize("keep", [0, -0.5, 1.01, float("nan")])
def test_no_fraction_is_refused(keep: float) -> None:
    with pytest.raises(LutraError, match="fraction"):
        uniform_widths(REFERENCE, keep)


@pytest.mark.parametrize("name", MEASURES)
def test_the_strongest_of_the_whole_network_stay(name: str, network: Network) -> None:
    values, hidden = MEASURES[name](network), hidden_widths(REFERENCE)
    widths = global_widths(values, REFERENCE, 0.4)
    threshold = torch.cat(list(values.values())).quantile(0.6)
    for layer, width in widths.items():
        above = int((values[layer] > threshold).sum())
        assert width % 8 == 0
        assert max(8, above) <= width <= max(8, min(hidden[layer], above + 8))
    assert global_widths(values, REFERENCE, 1) == hidden
    assert set(global_widths(values, REFERENCE, 1e-6).values()) == {8}
    assert global_widths({}, REFERENCE[:1], 0.5) == {}


def test_equal_importances_are_kept_in_order() -> None:
    equal = {layer: torch.ones(width) for layer, width in hidden_widths(REFERENCE).items()}
    widths = list(global_widths(equal, REFERENCE, 0.5).values())
    assert widths[0] == REFERENCE[min(equal)].hidden_channels  # type: ignore[union-attr]
    assert widths[-1] == 8


@given(st.integers(1, 1000), st.integers(1, 20))
def test_widths_to_choose_from(hidden: int, most: int) -> None:
    block = MBConv(8, hidden, 8, 3, 1, 8)
    space = width_space((block,), most)
    *blocks, gone = space.layers[0]
    assert gone == Skip(8, 8)
    widths = [option.hidden_channels for option in blocks]  # type: ignore[union-attr]
    assert space.decode(space.reference) == (block,)
    assert widths == sorted(set(widths), reverse=True)
    assert len(widths) == min(most, -(-hidden // 8))
    assert all(width % 8 == 0 for width in widths[1:])
    assert min(widths) == 8 or hidden <= 8 or most == 1
    steps = -np.diff(widths[1:])
    assert not len(steps) or steps.max() - steps.min() <= 8


def test_a_width_is_chosen_in_mbconvs_and_the_head_only() -> None:
    space = width_space(REFERENCE, 3)
    assert space.decode(space.reference) == REFERENCE
    wide = [isinstance(spec, (MBConv, Head)) for spec in REFERENCE]
    assert space.options == tuple(3 + spec.residual if widths else 1 for spec, widths in zip(REFERENCE, wide))
    with pytest.raises(LutraError, match="at least one width"):
        width_space(REFERENCE, 0)
