"""Interleaved measuring: every file once a round, in a shuffled order, until the medians are known.

A machine changes its speed, and everything on it together; so each round is first brought to a common speed, which
its own files vote for, and a file's value is the median of its rounds (design: order beats statistic).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from predictors.device import Board

Samples = tuple[Sequence[str], Sequence[float]]  # one round: file names, seconds


@dataclass(frozen=True)
class Protocol:
    """How long to measure. A file is done when the 95 % interval of its median is within `within` of it."""

    min_rounds: int = 9
    max_rounds: int = 15
    sample_seconds: float = 0.02
    within: float = 0.02
    seed: int = 0


@dataclass(frozen=True)
class Round:
    """One pass over the files that were not yet done."""

    order: tuple[str, ...]
    seconds: tuple[float, ...]  # mean of one inference, in that order
    singles: tuple[tuple[float, ...], ...]  # every single inference, seconds, where asked for
    before: Mapping[str, Any]  # the board's state
    after: Mapping[str, Any]


def measure(
    board: Board, files: Mapping[str, bytes], protocol: Protocol, each: bool = False, finished: Sequence[Round] = ()
) -> Iterator[Round]:
    """Loads the files and yields each new round; a quarter of the files are in every round and carry its speed.

    `finished` rounds of an interrupted session are gone on from: the orders are those of an uncut one.
    """
    for name, onnx in files.items():
        board.load(name, onnx)
    sentinels = Random(f"sentinels {protocol.seed}").sample(sorted(files), math.ceil(len(files) / 4))
    rounds = list(finished)
    while (unfinished := wanting(files, rounds, protocol)) and len(rounds) < protocol.max_rounds:
        order = sorted({*unfinished, *sentinels})
        Random(f"round {protocol.seed} {len(rounds)}").shuffle(order)
        done = board.round(order, protocol.sample_seconds, each)
        means, singles = zip(*done["samples"])
        rounds.append(Round(tuple(order), means, tuple(map(tuple, singles)), done["before"], done["after"]))
        yield rounds[-1]


def wanting(files: Iterable[str], rounds: Sequence[Round], protocol: Protocol) -> tuple[str, ...]:
    """The files that want another round."""
    if len(rounds) < protocol.min_rounds:
        return tuple(files)
    values = summarize([(r.order, r.seconds) for r in rounds])
    return tuple(name for name in files if values[name].relative_half_width > protocol.within)


@dataclass(frozen=True)
class Value:
    """A median and its 95 % interval, seconds, at the session's common speed."""

    seconds: float
    low: float
    high: float

    @property
    def relative_half_width(self) -> float:
        return (self.high - self.low) / 2 / self.seconds


def summarize(rounds: Sequence[Samples]) -> dict[str, Value]:
    """Each file's median over (names, seconds) of rounds, every round divided by its speed."""
    logs, names = _matrix(rounds)
    corrected = logs - _speed(logs)[:, None]
    values = {}
    for column, name in enumerate(names):
        samples = np.sort(corrected[~np.isnan(corrected[:, column]), column])
        low, high = _interval(len(samples))
        values[name] = Value(*np.exp([np.median(samples), samples[low], samples[high]]).tolist())
    return values


def speeds(rounds: Sequence[Samples]) -> list[float]:
    """How slow each round was against the session's median (1.1: everything took 10 % longer)."""
    return np.exp(_speed(_matrix(rounds)[0])).tolist()


def _matrix(rounds: Sequence[Samples]) -> tuple[np.ndarray, list[str]]:
    """Log seconds [rounds, files], NaN where a file was not in a round."""
    names = sorted({name for order, _ in rounds for name in order})
    column = {name: index for index, name in enumerate(names)}
    logs = np.full((len(rounds), len(names)), np.nan)
    for row, (order, seconds) in enumerate(rounds):
        logs[row, [column[name] for name in order]] = np.log(seconds)
    return logs, names


def _speed(logs: np.ndarray) -> np.ndarray:
    """The round's effect [rounds] of a two-way table by median polish (Tukey 1977), its median at zero."""
    speed = np.zeros(len(logs))
    for _ in range(5):
        files = np.nanmedian(logs - speed[:, None], axis=0)
        speed = np.nanmedian(logs - files, axis=1)
        speed -= np.median(speed)
    return speed


def _interval(count: int) -> tuple[int, int]:
    """Indices of the sorted samples that bound the median with 95 % (order statistics); the extremes below six."""
    below = 0.0
    for rank in range(count // 2):
        below += math.comb(count, rank) / 2**count
        if below > 0.025:
            return max(rank - 1, 0), min(count - rank, count - 1)
    return 0, count - 1
