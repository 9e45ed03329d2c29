"""Interleaved timing: every file once per round, in a shuffled order, until every row's interval is narrow enough.

A machine's speed changes for all files together. So each sample is first scaled to a common speed, estimated from the
files around it; a file's value is then its median over rounds. `predictors.timing.judgement` decides which samples
count, and `predictors.timing.values` computes how precisely a row is known.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from predictors.board.device import Board
from predictors.timing.disturbances import disturbances
from predictors.timing.health import with_resources
from predictors.timing.judgement import Judgement, judge
from predictors.timing.protocol import ANY, Protocol
from predictors.timing.values import Row, Value, file_values, log_seconds, rows_of

REFERENCES = 3  # files timed repeatedly in every round, so that its speed is known throughout
STRETCH = 24  # other files between two groups of reference files


@dataclass(frozen=True)
class Round:
    """One pass over the files that some row still needs."""

    order: tuple[str, ...]  # reference files appear several times
    seconds: tuple[float, ...]  # median of each sample's inferences, in that order
    singles: tuple[tuple[float, ...], ...]  # each single inference in seconds, if requested
    before: Mapping[str, Any]  # the board's state
    after: Mapping[str, Any]


def measure(
    board: Board,
    files: Mapping[str, bytes],
    protocol: Protocol,
    each: bool = False,
    rows: Mapping[str, Row] | None = None,
) -> Iterator[Round]:
    """Loads the files and yields each finished round, until all `rows` are known and nothing disturbs the session.

    Without `rows`, each file is a row. A resumable board (`predictors.board.resumable`) first replays the same rounds,
    then continues.
    """
    protocol.check()
    for name, onnx in files.items():
        board.load(name, onnx)
    rounds: list[Round] = []
    wanted = rows_of(files) if rows is None else rows
    while len(rounds) < protocol.max_rounds and (names := files_to_time(files, wanted, rounds, protocol)):
        order = interleaved(names, reference_files(files, protocol), Random(f"round {protocol.seed} {len(rounds)}"))
        done = board.round(order, protocol.sample_seconds, each)
        before, after = (with_resources(done[key], board.threads, board.passport) for key in ("before", "after"))
        seconds, singles = zip(*done["samples"])
        rounds.append(Round(tuple(order), seconds, tuple(map(tuple, singles)), before, after))
        yield rounds[-1]


def reference_files(files: Iterable[str], protocol: Protocol) -> list[str]:
    """The files that are repeated throughout every round."""
    names = sorted(files)
    return Random(f"sentinels {protocol.seed}").sample(names, min(REFERENCES, len(names)))


def interleaved(names: Iterable[str], references: Sequence[str], rng: Random) -> list[str]:
    """The names in shuffled order, with all reference files at the beginning, at the end, and after every stretch."""
    others = sorted({*names} - {*references})
    rng.shuffle(others)
    stretches = max(2, math.ceil(len(others) / STRETCH))
    bounds = [len(others) * part // stretches for part in range(stretches + 1)]
    order = rng.sample(references, len(references))
    for begin, end in zip(bounds, bounds[1:]):  # noqa: RUF007 (Python 3.9, on an offline board)
        order += others[begin:end] + rng.sample(references, len(references))
    return order


def files_to_time(
    files: Iterable[str], rows: Mapping[str, Row], rounds: Sequence[Round], protocol: Protocol
) -> tuple[str, ...]:
    """The files of the next round: those of rows not yet known; then all, while the session is disturbed.

    A disturbance makes rows less precise, so it does not matter where any precision will do.
    """
    if len(rounds) < protocol.min_rounds:
        return tuple(files)
    judgement = judge(rounds)
    wanted = {name for row in open_rows(rows, judgement, protocol) for name in rows[row].weights}
    if not wanted and protocol.within < ANY and disturbances(judgement, rounds):
        return tuple(files)
    return tuple(name for name in files if name in wanted)


def open_rows(rows: Mapping[str, Row], judgement: Judgement, protocol: Protocol) -> tuple[str, ...]:
    """The rows that need another round: too few samples of a file count, or the interval is too wide."""
    counted, values = log_seconds(judgement), file_values(judgement)
    few = {name for name, samples in counted.items() if len(samples) < protocol.min_rounds}
    return tuple(name for name, row in rows.items() if few & {*row.weights} or not row.error(values) <= protocol.within)


def summarize(rounds: Sequence[Round]) -> dict[str, Value]:
    """Each file's median over the rounds that count, at the common speed; over all rounds if too few count."""
    return file_values(judge(rounds))
