"""Tests layers whose convolutions are factorised."""

from __future__ import annotations

import dataclasses
import json

import pytest

from compress.weights.lowrank import Ranks, low_rank
from search_spaces.errors import LutraError
from search_spaces.layers import LowRankHead, LowRankMBConv, MBConv, Skip
from search_spaces.layers.json_specs import from_json, to_json
from search_spaces.networks.onnx_writer import random_weights, write


def test_specs_survive_json_and_can_be_timed() -> None:
    for spec in (LowRankMBConv(24, 72, 24, 5, 1, 8, 8, 16), LowRankHead(48, 128, 10, 4, 8)):
        assert from_json(json.loads(json.dumps(to_json(spec)))) == spec
        write((spec,), random_weights((spec,)))
    with pytest.raises(LutraError, match="positive integer"):
        from_json(to_json(LowRankHead(48, 128, 10, 4, 8)) | {"rank": 0})
    assert (
        str(LowRankMBConv(24, 72, 24, 5, 1, 8, 8, 16))
        == "LowRankMBConv(24->24, hidden 72, k5, s1, 8px, ranks 8 and 16)"
    )


def test_the_whole_in_factors() -> None:
    block = MBConv(24, 72, 40, 3, 2, 8)
    assert LowRankMBConv(24, 72, 40, 3, 2, 8, 24, 40).convs == block.convs
    inner, outer = LowRankMBConv(24, 72, 40, 3, 2, 8, 8, 40).convs[:2]
    assert (inner.weight_shape, inner.activation, inner.norm) == ((8, 24, 1, 1), None, False)
    assert outer == dataclasses.replace(block.convs[0], inputs=(inner.name,), in_channels=8)


@pytest.mark.parametrize("ranks", [(), (8,), (8, 8, 8), (0, 8)])
def test_ranks_that_do_not_fit_are_refused(ranks: Ranks) -> None:
    with pytest.raises(LutraError, match="2 convolutions to factorise"):
        low_rank(MBConv(24, 72, 24, 5, 1, 8), ranks)
    with pytest.raises(LutraError, match="0 convolutions to factorise"):
        low_rank(Skip(24, 8), ranks)
