"""Which layers to keep in float because that is faster on the device: chosen greedily by the time of whole files.

INT8 may not pay off for a layer with few channels: the stem's convolution of 3 channels cannot fill the registers of
INT8 kernels. The cost of the conversions at both ends of a float layer shows only in the time of the whole file. A
layer next to a float layer shares a conversion with it, so it may only become faster once its neighbour is in float.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from predictors.timing.rounds import Value


@dataclass(frozen=True)
class Faster:
    """A layer to keep in float, and the whole file's time with the layer in INT8 and in float, timed together."""

    layer: int
    int8_s: float
    float_s: float


def faster_in_float(
    layers: Sequence[int],
    write: Callable[[Collection[int]], bytes],
    time: Callable[[Mapping[str, bytes]], Mapping[str, Value]],
) -> Iterator[Faster]:
    """Yields layers one by one, each time the layer that makes the file fastest, until no gain is significant.

    `layers` are in the file's order. `write(kept)` returns the file with these layers in float. `time(files)` returns
    the seconds of files, timed in turns; a gain counts only if intervals do not overlap. All layers are tried first,
    then those that gained alone and the neighbours of kept ones.
    """
    kept: tuple[int, ...] = ()
    candidates = {*layers}
    while candidates:
        variants = {_name((*kept, layer)): layer for layer in sorted(candidates)}
        files = {name: write((*kept, layer)) for name, layer in variants.items()}
        values = time({_name(kept): write(kept), **files})
        before = values[_name(kept)]
        gaining = {layer: values[name].seconds for name, layer in variants.items() if values[name].high < before.low}
        if not gaining:
            return
        best = min(gaining, key=lambda layer: gaining[layer])
        yield Faster(best, before.seconds, gaining[best])
        kept = (*kept, best)
        beside = {layer for pair in pairwise(layers) if {*pair} & {*kept} for layer in pair}
        candidates = (gaining.keys() | beside) - {*kept}


def _name(kept: Collection[int]) -> str:
    return f"layers {', '.join(map(str, sorted(kept)))} in float" if kept else "all in INT8"
