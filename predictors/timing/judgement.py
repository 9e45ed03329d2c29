"""Decides which samples of a session count, from their neighbours, the board's state, and the machine's speed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from predictors.timing.drift import TO_SIGMA, Drift, estimate_drift
from predictors.timing.health import LOST, cpu_share, fault, stopped_by_quota
from predictors.timing.speeds import FAST, in_range, moving_files, two_speeds

if TYPE_CHECKING:
    from predictors.timing.rounds import Round

LIMIT = 0.03  # allowed spread of neighbouring samples, as a fraction; or twice the session's median, if more


@dataclass(frozen=True)
class Judgement:
    """The samples' drift, and which samples count."""

    drift: Drift
    faults: tuple[str | None, ...]  # [rounds]: why the board's state rejects a round
    limit: float  # allowed spread, as a fraction
    steady: np.ndarray  # [samples]: whether the machine ran near its usual speed
    counts: np.ndarray  # [samples]: whether the sample counts
    two_speeds: float | None  # how many times longer files took at the slower of two speeds
    moving: tuple[str, ...]  # files that ran at two speeds while their neighbours did not


def judge(rounds: Sequence[Round]) -> Judgement:
    """Judges every sample; depends on the raw rounds only."""
    faults = tuple(fault(r.before, r.after) or taken for r, taken in zip(rounds, _taken(rounds)))
    sound = np.repeat([reason is None for reason in faults], [len(r.order) for r in rounds])
    trusted = sound if sound.any() else np.ones(len(sound), bool)
    samples = [(r.order, r.seconds) for r in rounds]
    drift = estimate_drift(samples, trusted)
    ratio = two_speeds((drift.speed + drift.residual)[trusted]) or two_speeds(drift.residual[trusted], fast=FAST)
    _, _, counts = _counting(drift, trusted)
    drift = estimate_drift(samples, counts if counts.any() else trusted)  # again, without rejected samples
    limit, steady, counts = _counting(drift, trusted)
    moving = moving_files(drift.residual[counts], drift.file[counts], len(drift.names))
    return Judgement(drift, faults, limit, steady, sound & counts, ratio, tuple(drift.names[index] for index in moving))


def _counting(drift: Drift, trusted: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """The allowed spread; which samples were taken near the usual speed; which of those count."""
    limit = max(LIMIT, 2 * float(np.median(drift.spread[trusted])))
    steady = in_range(drift.speed, trusted)
    return limit, steady, trusted & steady & (drift.spread <= limit)


def _taken(rounds: Sequence[Round]) -> list[str | None]:
    """For each round in which the agent got less of its cores than in others: how much, and what took the rest."""
    shares = np.array([cpu_share(r.before, r.after) for r in rounds])
    if np.isnan(shares).all():
        return [None] * len(rounds)
    typical = float(np.nanmedian(shares))
    usual = 3 * TO_SIGMA * float(np.nanmedian(np.abs(shares - typical)))
    least = typical - max(LOST * typical, usual)
    usual_share = f"of the core, and {100 * typical:.0f} % in other rounds"
    return [
        f"{_taker(r)} left {100 * share:.0f} % {usual_share}" if share < least else None
        for r, share in zip(rounds, shares)
    ]


def _taker(r: Round) -> str:
    return "the CPU quota" if stopped_by_quota(r.before, r.after) > LOST else "other programs"
