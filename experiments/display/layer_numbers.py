"""The number of each layer of a network in its space, Skips counted: what reports call a layer by.

Files are written without the layers that compute nothing, and pruning may drop more; their own numbers mean no layer of
the space that anybody has seen.
"""

from __future__ import annotations

from collections.abc import Sequence

from search_spaces.layers import Spec


def numbers(whole: Sequence[Spec], kept: Sequence[Spec]) -> list[int]:
    """Where each layer of `kept` stands in `whole`, of which it has some, in order, with fewer hidden channels.

    Of like neighbours of which one was dropped, the first are taken to be those that were kept.
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
