"""Interleaved measuring: every file once a round, in a shuffled order, until the medians are known.

A machine changes its speed, and everything on it together; so every sample is first brought to a common speed, which
the files around it vote for, and a file's value is the median of its rounds (design: order beats statistic). Samples
do not count where the votes lie too far apart, nor where the board's state speaks against the round.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Annotated, Any

import numpy as np

from predictors.device import Board
from predictors.drift import TO_SIGMA, Drift, remove_drift
from predictors.health import cpu_share, fault
from search_spaces.ranges import Range, Seed

REFERENCES = 3  # files that are timed again and again in every round, so that its speed is known throughout
STRETCH = 24  # other files between two groups of reference files
LIMIT = 0.03  # spread of neighbouring samples, as a fraction; or twice the session's, where that is more
LOST = 0.1  # of the core, against the median round; or three standard deviations, where rounds differ by more
FEW = 5  # rounds; fewer that count would make a median that one outlier moves


@dataclass(frozen=True)
class Protocol:
    """How long to measure. A file is done when the 95 % interval of its median is within `within` of it."""

    min_rounds: Annotated[int, Range(1, 1_000)] = 9  # that count
    max_rounds: Annotated[int, Range(1, 1_000)] = 15  # in all
    sample_seconds: Annotated[float, Range(1e-4, 10)] = 0.02
    within: Annotated[float, Range(0, 1, above=True)] = 0.02
    seed: Seed = 0


@dataclass(frozen=True)
class Round:
    """One pass over the files that were not yet done."""

    order: tuple[str, ...]  # reference files stand in it several times
    seconds: tuple[float, ...]  # median of a sample's inferences, in that order
    singles: tuple[tuple[float, ...], ...]  # every single inference, seconds, where asked for
    before: Mapping[str, Any]  # the board's state
    after: Mapping[str, Any]


@dataclass(frozen=True)
class Value:
    """A median and its 95 % interval, seconds, at the session's common speed."""

    seconds: float
    low: float
    high: float

    @property
    def relative_half_width(self) -> float:
        return (self.high - self.low) / 2 / self.seconds


@dataclass(frozen=True)
class Judgement:
    """Which samples count, [samples] of `drift`. `faults[round]`: what the board's state says against it."""

    drift: Drift
    faults: tuple[str | None, ...]
    limit: float  # of the spread, as a fraction
    counts: np.ndarray


def measure(board: Board, files: Mapping[str, bytes], protocol: Protocol, each: bool = False) -> Iterator[Round]:
    """Loads the files and yields each finished round, as long as files want another one.

    A board that remembers its answers (see `predictors.lasting`) is led through the same rounds again, and on.
    """
    for name, onnx in files.items():
        board.load(name, onnx)
    rounds: list[Round] = []
    while (names := wanting(files, rounds, protocol)) and len(rounds) < protocol.max_rounds:
        order = interleaved(names, reference_files(files, protocol), Random(f"round {protocol.seed} {len(rounds)}"))
        done = board.round(order, protocol.sample_seconds, each)
        seconds, singles = zip(*done["samples"])
        rounds.append(Round(tuple(order), seconds, tuple(map(tuple, singles)), done["before"], done["after"]))
        yield rounds[-1]


def reference_files(files: Iterable[str], protocol: Protocol) -> list[str]:
    """The files that are spread through every round."""
    names = sorted(files)
    return Random(f"sentinels {protocol.seed}").sample(names, min(REFERENCES, len(names)))


def interleaved(names: Iterable[str], references: Sequence[str], rng: Random) -> list[str]:
    """The names, shuffled, with all reference files at the beginning, at the end, and after every stretch."""
    others = sorted({*names} - {*references})
    rng.shuffle(others)
    stretches = max(2, math.ceil(len(others) / STRETCH))
    bounds = [len(others) * part // stretches for part in range(stretches + 1)]
    order = rng.sample(references, len(references))
    for begin, end in zip(bounds, bounds[1:]):  # noqa: RUF007 (Python 3.9, on a bundle's board)
        order += others[begin:end] + rng.sample(references, len(references))
    return order


def wanting(files: Iterable[str], rounds: Sequence[Round], protocol: Protocol) -> tuple[str, ...]:
    """The files that want another round: too few of theirs count, or their interval is too wide."""
    if len(rounds) < protocol.min_rounds:
        return tuple(files)
    judgement = judge(rounds)
    counted, values = _counted(judgement), _values(judgement)
    return tuple(
        name
        for name in files
        if len(counted[name]) < protocol.min_rounds or values[name].relative_half_width > protocol.within
    )


def judge(rounds: Sequence[Round]) -> Judgement:
    """Weighs every sample by its neighbours and its round's state; from the raw rounds alone."""
    faults = tuple(fault(r.before, r.after) or taken for r, taken in zip(rounds, _taken(rounds)))
    sound = np.array([reason is None for reason in faults])
    drift = remove_drift([(r.order, r.seconds) for r in rounds], sound)
    heard = sound[drift.round] if sound.any() else np.ones(len(drift.round), bool)
    limit = max(LIMIT, 2 * float(np.median(drift.spread[heard])))
    return Judgement(drift, faults, limit, sound[drift.round] & (drift.spread <= limit))


def _taken(rounds: Sequence[Round]) -> list[str | None]:
    """For every round in which other programs took the core from the agent, more than in others: how much."""
    shares = np.array([cpu_share(r.before, r.after) for r in rounds])
    if np.isnan(shares).all():
        return [None] * len(rounds)
    typical = float(np.nanmedian(shares))
    usual = 3 * TO_SIGMA * float(np.nanmedian(np.abs(shares - typical)))
    told = f"of the core, and {100 * typical:.0f} % in other rounds"
    least = typical - max(LOST * typical, usual)
    return [f"other programs left {100 * left:.0f} % {told}" if left < least else None for left in shares]


def summarize(rounds: Sequence[Round]) -> dict[str, Value]:
    """Each file's median over rounds, at the session's common speed; over all of them where too few count."""
    return _values(judge(rounds))


def _values(judgement: Judgement) -> dict[str, Value]:
    counted, every = _counted(judgement), _counted(judgement, every=True)
    return {name: _value(counted[name] if len(counted[name]) >= FEW else every[name]) for name in counted}


def _counted(judgement: Judgement, every: bool = False) -> dict[str, dict[int, list[float]]]:
    """Log seconds at the common speed, by file and round, of the samples that count, or of `every` one."""
    p = judgement.drift
    found: dict[str, dict[int, list[float]]] = {name: {} for name in p.names}
    for index in np.flatnonzero(judgement.counts | every):
        sample = float(p.logs[index] - p.speed[index])
        found[p.names[p.file[index]]].setdefault(int(p.round[index]), []).append(sample)
    return found


def _value(samples: Mapping[int, Sequence[float]]) -> Value:
    medians = np.sort([np.median(of_round) for of_round in samples.values()])
    low, high = _interval(len(medians))
    return Value(*np.exp([np.median(medians), medians[low], medians[high]]).tolist())


def _interval(count: int) -> tuple[int, int]:
    """Indices of the sorted samples that bound the median with 95 % (order statistics); the extremes below six."""
    below = 0.0
    for rank in range(count // 2):
        below += math.comb(count, rank) / 2**count
        if below > 0.025:
            return max(rank - 1, 0), min(count - rank, count - 1)
    return 0, count - 1
