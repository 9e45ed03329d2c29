"""What disturbed a session as a whole: two speeds, large drift, other programs, a CPU quota.

Tables store these lines, and `predictors.tables.verify` compares them: a changed sentence invalidates stored tables.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from predictors.timing.health import LOST, capacity, cpu_share, stopped_by_quota
from predictors.timing.judgement import LIMIT, Judgement
from predictors.timing.speeds import RANGE

if TYPE_CHECKING:
    from predictors.timing.rounds import Round

AWAY = 0.2  # fraction of samples taken far from the usual speed above which a session is noisy
IN_A_ROW = 3  # consecutive rejected rounds that make a session noisy
SHOWN = 5  # files to show from a long list


def disturbances(judgement: Judgement, rounds: Sequence[Round]) -> list[str]:
    """The disturbances of the session as a whole, one line each."""
    typical = float(np.median(judgement.drift.spread))
    found = [*_speeds(judgement, quiet=typical <= LIMIT)]
    if typical > LIMIT:
        found.append(f"neighbouring samples lie {100 * typical:.1f} % apart (at most {100 * LIMIT:g} % is quiet)")
    found += _lost(rounds)
    shares = [judgement.counts[judgement.drift.round == number].mean() for number in range(len(judgement.faults))]
    longest = max((len(list(run)) for bad, run in groupby(share < 0.5 for share in shares) if bad), default=0)
    if longest >= IN_A_ROW:
        found.append(f"{longest} rounds in a row were rejected")
    return found


def _speeds(judgement: Judgement, quiet: bool) -> list[str]:
    """Reports if the machine did not run at one speed. On a noisy machine, single files are not judged."""
    if judgement.two_speeds is not None:
        return [
            f"the machine ran at two speeds, 1.0x and {judgement.two_speeds:.1f}x the time (slow and fast "
            "cores, turbo, or a sibling thread): keep the agent on cores of one kind, device.cores=LIST"
        ]
    found = []
    if judgement.moving and quiet:
        some = ", ".join(judgement.moving[:SHOWN])
        found.append(f"{len(judgement.moving)} files ran at two speeds ({some}): did the agent change cores?")
    away = 1 - float(judgement.steady.mean())
    if away > AWAY:
        low, high = np.exp(np.quantile(judgement.drift.speed, [0.01, 0.99]))
        found.append(
            f"the machine's speed moved too far: files took {low:.1f}x to {high:.1f}x their usual time, and "
            f"{100 * away:.0f} % of the samples were taken over {100 * math.expm1(RANGE):.0f} % from it"
        )
    return found


def _lost(rounds: Sequence[Round]) -> list[str]:
    """Reports what kept the agent from its cores: a CPU quota or other programs."""
    stopped = float(np.median([stopped_by_quota(r.before, r.after) for r in rounds]))
    if stopped > LOST:
        quota = rounds[-1].after.get("quota")
        cores = f" of {quota:g} cores" if isinstance(quota, (int, float)) else ""
        return [f"the CPU quota{cores} stopped the agent for {100 * stopped:.0f} % of the time: raise or remove it"]
    left = float(np.median([cpu_share(r.before, r.after) for r in rounds]))
    what = "core" if capacity(rounds[-1].after) <= 1 else "cores"
    return [f"other programs took {100 * (1 - left):.0f} % of the {what}"] if left < 1 - LOST else []
