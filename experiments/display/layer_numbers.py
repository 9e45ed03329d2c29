"""The number of each layer of a network in its space, counting Skips, by which reports name a layer.

Files are written without layers that compute nothing, and pruning may remove others, so a layer's number in a file
means nothing to a reader who knows only the space.
"""

from __future__ import annotations

from collections.abc import Sequence

from search_spaces.layers import Spec


def numbers(whole: Sequence[Spec], kept: Sequence[Spec]) -> list[int]:
    """The position in `whole` of each layer of `kept`: a subset in the same order, with fewer hidden channels.

    If one of several equal neighbours was removed, the first ones are taken to be kept.
    """
    found: list[int] = []
    for spec in kept:
        first = found[-1] + 1 if found else 0
        place = next((n for n in range(first, len(whole)) if whole[n].convs and _ends(whole[n]) == _ends(spec)), None)
        if place is None:
            return list(range(len(kept)))
        found.append(place)
    return found


def _ends(spec: Spec) -> tuple[int, int, int, int]:
    return spec.in_channels, spec.out_channels, spec.resolution, spec.out_resolution
