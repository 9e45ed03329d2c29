"""Which networks to time for a space, and how to compute its blocks' seconds from theirs.

A block timed alone is misleading: it includes the fixed cost of a session call, and layout changes at both ends. So a
block is timed between two 1x1 convolutions, and half of each `context` (two such convolutions of the same shape) is
subtracted. Over a whole network, the fixed cost that remains in the blocks adds up to that of one call.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from random import Random

from predictors.timing.values import Row, Value, combined
from search_spaces.layers import Pointwise, Skip, Spec
from search_spaces.space import Arch, SearchSpace

Specs = tuple[Spec, ...]


def block_specs(space: SearchSpace) -> list[Spec]:
    """Every distinct layer that a network of the space may compute."""
    return list(dict.fromkeys(spec for options in space.layers for spec in options if not isinstance(spec, Skip)))


def _ends(spec: Spec) -> tuple[Spec | None, Spec | None]:
    """The 1x1 convolutions before and after a block; none before the stem, none after the head."""
    before = None if spec.takes_image else Pointwise(spec.in_channels, spec.in_channels, 1, spec.resolution)
    if spec.classifies:
        return before, None
    return before, Pointwise(spec.out_channels, spec.out_channels, 1, spec.out_resolution)


def in_context(spec: Spec) -> Specs:
    """The network that is timed for a block."""
    before, after = _ends(spec)
    return tuple(part for part in (before, spec, after) if part is not None)


def contexts(spec: Spec) -> list[Specs]:
    """The networks half of whose time is subtracted."""
    return [(end, end) for end in _ends(spec) if end is not None]


def networks_to_time(space: SearchSpace, count: int, seed: int) -> list[Arch]:
    """`count` distinct whole networks for the correction: the reference, the extremes, and seeded random ones.

    Fewer if the space has fewer.
    """
    archs = list(dict.fromkeys((space.reference, space.largest, space.smallest)))
    missing = min(count, space.size) - len(archs)
    return [*archs, *space.others(max(0, missing), archs, Random(f"correction {seed}"))][:count]


def all_specs(blocks: Iterable[Spec], networks: Iterable[Iterable[Spec]]) -> list[Specs]:
    """All distinct networks to time: blocks in context, contexts, whole networks."""
    blocks = list(blocks)
    wanted = [in_context(spec) for spec in blocks] + [context for spec in blocks for context in contexts(spec)]
    return list(dict.fromkeys(wanted + [computing(network) for network in networks]))


def computing(specs: Iterable[Spec]) -> Specs:
    """A network's layers without Skips, as it is deployed."""
    return tuple(spec for spec in specs if not isinstance(spec, Skip))


def weights(spec: Spec) -> dict[Specs, float]:
    """A block as a weighted sum of networks: its network in context, minus half of each context."""
    return dict(_summed([(in_context(spec), 1.0), *((context, -0.5) for context in contexts(spec))]))


def block_value(spec: Spec, timed: Mapping[Specs, Value]) -> Value:
    """A block's seconds, with the combined error of all networks in the sum."""
    return combined(weights(spec), timed)


def table_rows(
    blocks: Sequence[Spec], networks: Sequence[Specs], names: Mapping[tuple[str, Specs], str]
) -> dict[str, Row]:
    """The rows of a table by file name: every block and every whole network, in each precision.

    `names[precision, network]` is the timed file. The errors of n layers add as squares, so a network is known to
    within a fraction of its time if each layer is known to within that fraction of time / sqrt(n). A block's scale is
    therefore the first network's time / sqrt(n).
    """
    layers = networks[0]
    share = _summed((timed, part / math.sqrt(len(layers))) for spec in layers for timed, part in weights(spec).items())
    found: dict[str, Row] = {}
    for precision in dict.fromkeys(precision for precision, _ in names):
        scale = {names[precision, timed]: part for timed, part in share.items()}
        found |= {names[precision, network]: Row({names[precision, network]: 1.0}) for network in networks}
        for spec in blocks:
            parts = {names[precision, timed]: part for timed, part in weights(spec).items()}
            found[names[precision, in_context(spec)]] = Row(parts, scale)
    return found


def _summed(parts: Iterable[tuple[Specs, float]]) -> dict[Specs, float]:
    """Sums the weights of each network."""
    found: dict[Specs, float] = {}
    for network, weight in parts:
        found[network] = found.get(network, 0.0) + weight
    return found
