"""Tests the choice of layers that run faster in float, on a device whose latencies are known."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from random import Random

import pytest

from compress.quantization.faster_in_float import Faster, faster_in_float
from predictors.timing.rounds import Value

CONVERSION = 3.0
NOISE = 0.5


class Chain:
    """A simulated file of layers in a row: each layer takes its seconds, and so does every change of precision."""

    def __init__(self, int8: Sequence[float], fp32: Sequence[float]) -> None:
        self.int8, self.fp32 = int8, fp32
        self.sessions: list[int] = []

    def write(self, kept: Collection[int]) -> bytes:
        return bytes(layer in kept for layer in range(len(self.int8)))

    def seconds(self, file: bytes) -> float:
        layers = sum(self.fp32[layer] if kept else self.int8[layer] for layer, kept in enumerate(file))
        return layers + CONVERSION * sum(a != b for a, b in zip(file, file[1:]))  # noqa: RUF007

    def time(self, files: Mapping[str, bytes]) -> Mapping[str, Value]:
        self.sessions.append(len(files))
        took = {name: self.seconds(file) for name, file in files.items()}
        return {name: Value(value, value - NOISE, value + NOISE) for name, value in took.items()}

    def found(self) -> list[Faster]:
        return list(faster_in_float(range(len(self.int8)), self.write, self.time))


@pytest.mark.parametrize("seed", range(20))
def test_every_layer_pays_and_no_other_pays_alone(seed: int) -> None:
    draw = Random(seed)
    chain = Chain([draw.uniform(5, 30) for _ in range(7)], [draw.uniform(5, 30) for _ in range(7)])
    found = chain.found()
    kept = [one.layer for one in found]
    assert len({*kept}) == len(kept)
    for count, one in enumerate(found):
        assert one.int8_s == chain.seconds(chain.write(kept[:count]))
        assert one.float_s == chain.seconds(chain.write(kept[: count + 1]))
        assert one.float_s < one.int8_s - 2 * NOISE
    end = chain.seconds(chain.write(kept))
    for layer in {*range(7)} - {*kept}:
        assert chain.seconds(chain.write([*kept, layer])) >= end - 2 * NOISE


def test_within_the_noise_everything_stays_in_int8() -> None:
    chain = Chain([10, 10, 10], [10 - CONVERSION - NOISE, 10 - 2 * CONVERSION - NOISE, 10 - CONVERSION - NOISE])
    assert chain.found() == []
    assert chain.sessions == [4]  # all in INT8, and each layer in float


def test_a_neighbour_that_gains_only_beside_a_layer_in_float_is_found() -> None:
    chain = Chain([20, 10, 10, 10], [5, 8, 12, 12])
    assert chain.seconds(chain.write([1])) > chain.seconds(chain.write([]))
    assert [one.layer for one in chain.found()] == [0, 1]


def test_the_best_of_all_mixtures_where_gains_are_large() -> None:
    chain = Chain([10, 20, 10, 30], [2 * CONVERSION, 2, 20, 3])
    everything = [kept for count in range(5) for kept in combinations(range(4), count)]
    best = min(everything, key=lambda kept: chain.seconds(chain.write(kept)))
    assert tuple(sorted(one.layer for one in chain.found())) == best


def test_a_file_of_no_layers_is_not_timed() -> None:
    chain = Chain([], [])
    assert (chain.found(), chain.sessions) == ([], [])
