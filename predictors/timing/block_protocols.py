"""Four ways to find a block's latency within a network; all networks and blocks are timed in one session.

* alone: the block is a network of its own (the lookup tables of Cai et al. 2019, ProxylessNAS).
* in context: between two 1x1 convolutions, minus half of each pair of them (`predictors.timing.blocks`).
* slope of chains: the growth per block of a chain; a block that changes the shape ends a chain of other blocks.
* node profile: onnxruntime's profile of each kernel, summed over the block's kernels in its context; only
  with onnxruntime.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from predictors.board.profiler import AFTER, BEFORE, BETWEEN
from predictors.timing.blocks import Specs, contexts, in_context
from search_spaces.layers import MBConv, Spec

INFERENCE = "inference"
Seconds = Mapping[tuple[str, Specs], float]  # by clock and network
GROWTH = 2  # blocks by which a chain grows


@dataclass(frozen=True)
class BlockProtocol:
    """`timed(spec)`: the clocks and networks needed; `seconds(spec, known)`: the block's seconds computed from them."""

    timed: Callable[[Spec], list[tuple[str, Specs]]]
    seconds: Callable[[Spec, Seconds], float]
    profiled: bool = False  # whether it needs onnxruntime's profile


def _context_seconds(spec: Spec, known: Seconds) -> float:
    around = sum(known[INFERENCE, context] for context in contexts(spec)) / 2
    return known[INFERENCE, in_context(spec)] - around


def chains(spec: Spec) -> tuple[Specs, Specs, int]:
    """A shorter and a longer chain, and how many more times the longer one contains the block."""
    if spec.residual:
        return (spec,) * GROWTH, (spec,) * 2 * GROWTH, GROWTH
    if spec.takes_image:
        others = _links(spec.out_channels, spec.out_resolution)
        return others, (spec, *others), 1
    others = _links(spec.in_channels, spec.resolution)
    return others, (*others, spec), 1


def _links(channels: int, pixels: int) -> Specs:
    """Blocks that keep the shape, so that a block that changes it can be put at either end."""
    return (MBConv(channels, 3 * channels, channels, 3, 1, pixels),) * GROWTH


def _slope(spec: Spec, known: Seconds) -> float:
    shorter, longer, more = chains(spec)
    return (known[INFERENCE, longer] - known[INFERENCE, shorter]) / more


def _part(spec: Spec) -> str:
    """Which kernels belong to the block itself, in its context."""
    return BEFORE if spec.takes_image else AFTER if spec.classifies else BETWEEN


BLOCK_PROTOCOLS = {
    "alone": BlockProtocol(
        timed=lambda spec: [(INFERENCE, (spec,))],
        seconds=lambda spec, known: known[INFERENCE, (spec,)],
    ),
    "in context": BlockProtocol(
        timed=lambda spec: [(INFERENCE, network) for network in (in_context(spec), *contexts(spec))],
        seconds=_context_seconds,
    ),
    "slope of chains": BlockProtocol(
        timed=lambda spec: [(INFERENCE, chain) for chain in chains(spec)[:2]],
        seconds=_slope,
    ),
    "node profile": BlockProtocol(
        timed=lambda spec: [(_part(spec), in_context(spec))],
        seconds=lambda spec, known: known[_part(spec), in_context(spec)],
        profiled=True,
    ),
}


def protocols_for(runtime: str) -> dict[str, BlockProtocol]:
    """The protocols that a runtime allows, by name."""
    return {name: way for name, way in BLOCK_PROTOCOLS.items() if runtime == "onnxruntime" or not way.profiled}
