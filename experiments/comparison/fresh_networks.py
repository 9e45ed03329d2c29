"""New random networks of a space, which no table or predictor has seen."""

from __future__ import annotations

from random import Random

from search_spaces.errors import LutraError
from search_spaces.space import Arch, SearchSpace


def fresh_archs(
    space: SearchSpace, known: set[Arch], count: int, seed: int, key: str = "fidelity.networks"
) -> list[Arch]:
    """Distinct random networks that are not among the known ones.

    Raises LutraError if the space has too few; `key` is the setting that asks for `count`.
    """
    left = space.size - len({space.canonical(arch) for arch in known})
    if left < count:
        raise LutraError(
            f"{space.name} has {space.size} networks, of which {len(known)} are known: too few for {count} fresh ones; "
            + (
                f"ask for fewer: {key}={left}"
                if left > 1
                else "measure fewer, measure.networks=3, or choose another space"
            )
        )
    return space.others(count, known, Random(f"fidelity {seed}"))
