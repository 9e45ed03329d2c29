"""Five estimators of a file's seconds from raw rounds; the last one makes the tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from predictors.timing.drift import estimate_drift
from predictors.timing.rounds import Protocol, Round, reference_files, summarize

Seconds = Mapping[str, float]


def medians(rounds: Sequence[Round], speed: np.ndarray) -> Seconds:
    """Each file's median, after dividing its samples by exp(speed), [samples]."""
    names = np.array([name for r in rounds for name in r.order])
    logs = logs_of(rounds) - speed
    return {name: float(np.exp(np.median(logs[names == name]))) for name in dict.fromkeys(names.tolist())}


def logs_of(rounds: Sequence[Round]) -> np.ndarray:
    return np.log(np.concatenate([r.seconds for r in rounds]))


def raw(rounds: Sequence[Round]) -> Seconds:
    return medians(rounds, np.zeros(len(logs_of(rounds))))


def by_round(rounds: Sequence[Round]) -> Seconds:
    """Median polish with one speed per round."""
    number = np.repeat(np.arange(len(rounds)), [len(r.order) for r in rounds])
    speed = np.zeros(len(number))
    for _ in range(5):
        files = medians(rounds, speed)
        residual = logs_of(rounds) - np.log([files[name] for r in rounds for name in r.order])
        speed = np.array([np.median(residual[number == index]) for index in range(len(rounds))])[number]
    return medians(rounds, speed)


def by_reference_files(rounds: Sequence[Round]) -> Seconds:
    """The median of each group of reference files, with linear interpolation between the groups."""
    chosen = reference_files({name for r in rounds for name in r.order}, Protocol())
    files = {name: np.log(seconds) for name, seconds in raw(rounds).items()}
    speeds = []
    for r in rounds:
        at = np.array([index for index, name in enumerate(r.order) if name in chosen])
        votes = np.array([np.log(r.seconds[index]) - files[r.order[index]] for index in at])
        groups = (len(at) // len(chosen), len(chosen))
        places, speed = at.reshape(groups).mean(1), np.median(votes.reshape(groups), axis=1)
        speeds.append(np.interp(np.arange(len(r.order)), places, speed))
    return medians(rounds, np.concatenate(speeds))


def along(rounds: Sequence[Round]) -> Seconds:
    """The running median of all files, without rejecting samples."""
    return medians(rounds, estimate_drift([(r.order, r.seconds) for r in rounds], np.ones(len(rounds), bool)).speed)


def ours(rounds: Sequence[Round]) -> Seconds:
    return {name: value.seconds for name, value in summarize(rounds).items()}


ESTIMATORS: dict[str, Callable[[Sequence[Round]], Seconds]] = {
    "raw median": raw,
    "median polish": by_round,
    "sentinels": by_reference_files,
    "votes along the round": along,
    "and rejection (ours)": ours,
}


def errors(values: Seconds, truth: Seconds) -> np.ndarray:
    logs = np.log([values[name] / truth[name] for name in truth])
    return np.abs(logs - np.median(logs))
