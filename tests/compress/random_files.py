"""Files of graphs with random weights, in fp32 and in INT8, each made once."""

from __future__ import annotations

from functools import cache

from compress.quantization.calibration import Ranges, activation_ranges
from compress.quantization.quantize import quantize_within
from search_spaces.networks.onnx_writer import random_weights, write
from tests.networks import GRAPHS, images


@cache
def fp32_file(name: str) -> bytes:
    return write(GRAPHS[name], random_weights(GRAPHS[name]))


@cache
def ranges_of(name: str) -> Ranges:
    return activation_ranges(fp32_file(name), images(GRAPHS[name]))


@cache
def int8_file(name: str, float_layers: tuple[int, ...] = (), reduce_range: bool = False) -> bytes:
    return quantize_within(fp32_file(name), ranges_of(name), float_layers, reduce_range)
