"""Tests that a layer keeps its number in the space, whatever was skipped or cut before it."""

from __future__ import annotations

import dataclasses
from random import Random

import pytest

from experiments.display.layer_numbers import numbers
from experiments.stages.int8_record import Answers, InFloat, load, save
from search_spaces.layers import MBConv, Skip
from search_spaces.spaces.mobile import mobile

SPACE = mobile(3, 32, 10)


@pytest.mark.parametrize("seed", range(20))
def test_skips_count_and_narrow_layers_keep_their_numbers(seed: int) -> None:
    rng = Random(seed)
    specs = SPACE.decode(SPACE.sample(rng))
    places = [place for place, spec in enumerate(specs) if spec.convs]
    kept = [specs[place] for place in places]
    found = numbers(specs, kept)
    assert [specs[place] for place in found] == kept
    narrow = [dataclasses.replace(s, hidden_channels=8) if isinstance(s, MBConv) else s for s in kept]
    assert numbers(specs, narrow) == found
    assert all(specs[place].convs for place in found)
    assert found == sorted({*found})


def test_a_layer_after_a_skip_or_a_cut_is_not_counted_from_the_file() -> None:
    arch = list(SPACE.largest)
    layer = next(n for n, options in enumerate(SPACE.layers) if any(isinstance(one, Skip) for one in options))
    arch[layer] = next(pick for pick, one in enumerate(SPACE.layers[layer]) if isinstance(one, Skip))
    specs = SPACE.decode(tuple(arch))
    assert numbers(specs, [spec for spec in specs if spec.convs])[-1] == len(specs) - 1
    residual = [n for n, spec in enumerate(specs) if isinstance(spec, MBConv) and spec.in_channels == spec.out_channels]
    cut = [spec for n, spec in enumerate(specs) if spec.convs and n != residual[-1]]
    assert numbers(specs, cut)[-1] == len(specs) - 1


def test_the_report_calls_layers_by_their_numbers(tmp_path) -> None:
    answers = Answers("int8", 9, 1.0, "", None, "", [InFloat(1, "accuracy")], [0, 3, 4])
    assert answers.float_layers == [3]
    assert "layer 3 stays in float" in answers.lines()[1]
    save(tmp_path, answers)
    assert load(tmp_path) == dataclasses.replace(answers, in_float=[InFloat(1, "accuracy")])
    assert Answers("int8", 9, 1.0, "", None, "", [InFloat(1, "accuracy")]).float_layers == [1]
    timed = dataclasses.replace(answers, in_float=[InFloat(1, "accuracy"), InFloat(2, "time", 2.0, 1.0)])
    assert (timed.float_layers, timed.untimed_float_layers) == ([3, 4], [3])
