"""The parts of the benchmark `edge` about winners: against `mobile`'s, INT8 against fp32, and through the chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from compress.runtimes import RUNTIMES
from experiments.bench import _edge_results, runtimes
from experiments.bench._compression import at_least, at_most
from experiments.bench._edge_results import INT8, MissingError, Trained, accuracy, by_arch
from experiments.config.choices import SPACES
from experiments.display.progress import say
from experiments.store import artefacts
from paper.significance import SAME_TIME
from search_spaces.space import SearchSpace

OURS, OTHER = "edge", "mobile"
PIXELS, ROUNDS = 32, 15
CLOSE = 0.005  # accuracies count as equal within this fraction
WINNERS = Path("experiments/bench/edge_results/winners.csv")
Row = dict[str, object]
Claims = list[dict[str, object]]


def winners(settings: Mapping[str, str]) -> Claims:
    """Times the winners of both spaces in one session, in both runtimes and precisions; writes WINNERS."""
    found = {OURS: _edge_results.winners(settings, OURS, _space(OURS))}
    try:
        found[OTHER] = _edge_results.winners(settings, OTHER, _space(OTHER))
    except MissingError as error:
        say(f"winners: without {OTHER}, {error}")
    rows = {name: timed(name, _space(name), own) for name, own in found.items()}
    artefacts.write_csv(WINNERS, [row for own in rows.values() for row in own])
    claims = int8_gains(rows[OURS])
    return [*claims, *(compared(rows[OURS], rows[OTHER]) if OTHER in rows else [])]


def timed(name: str, space: SearchSpace, found: Sequence[Trained], rounds: int = ROUNDS) -> list[Row]:
    """A row for each winner: its accuracies, mean over its trainings, and its latencies here, not pruned."""
    groups = by_arch(found)
    networks = {artefacts.arch_name(arch): space.decode(arch) for arch in groups}
    rows = runtimes.measured(f"winners of {name}", networks, rounds)
    return [
        {"space": name, "pixels": PIXELS, **row}
        | {"trainings": len(group), **{f"{one}_accuracy": accuracy(group, one) for one in ("fp32", INT8)}}
        for row, group in zip(rows, groups.values(), strict=True)
    ]


def _space(name: str) -> SearchSpace:
    return SPACES[name](3, PIXELS, 10)


def int8_gains(rows: Sequence[Row]) -> Claims:
    """fp32's latency divided by INT8's, in each runtime, mean over the winners; the bar is for the fastest INT8."""
    fastest = min(RUNTIMES, key=lambda name: fmean(_number(row, f"{name}_int8_s") for row in rows))
    found: Claims = []
    for name in RUNTIMES:
        gain = fmean(_number(row, f"{name}_fp32_s") / _number(row, f"{name}_int8_s") for row in rows)
        what = f"{len(rows)} winner(s) in {name}: fp32's latency / INT8's, mean"
        found.append(at_least(f"{what}, its fastest INT8", gain, 2) if name == fastest else _figure(what, gain))
    return found


def compared(ours: Sequence[Row], others: Sequence[Row]) -> Claims:
    """Winners in INT8, each in its best runtime. With several of the other space, the least gain counts."""
    gains = [faster(ours, other) for other in others], [more_accurate(ours, other) for other in others]
    best = f"the best of {len(ours)} winner(s) of {OURS}, against {len(others)} of {OTHER}"
    alike = f"{best}: times as fast in INT8 at equal accuracy (within {100 * CLOSE:g} points)"
    return [
        at_least(f"{alike}{_none(min(gains[0]))}", min(gains[0]), 2),
        at_least(f"{best}: points more at equal latency{_none(min(gains[1]))}", min(gains[1]), 5),
    ]


def faster(ours: Sequence[Row], other: Row) -> float:
    """How many times faster the fastest of ours is that is as accurate; 0 if none is."""
    enough = [row for row in ours if _number(row, "int8_accuracy") >= _number(other, "int8_accuracy") - CLOSE]
    return max((best_seconds(other) / best_seconds(row) for row in enough), default=0.0)


def more_accurate(ours: Sequence[Row], other: Row) -> float:
    """How many points more the most accurate of ours has that is as fast; 0 if none is."""
    quick = [row for row in ours if best_seconds(row) <= (1 + SAME_TIME) * best_seconds(other)]
    gaps = [_number(row, "int8_accuracy") - _number(other, "int8_accuracy") for row in quick]
    return 100 * max(gaps, default=0.0)


def best_seconds(row: Row) -> float:
    """INT8 latency in the runtime where it is shortest."""
    return min(_number(row, f"{name}_int8_s") for name in RUNTIMES)


def chain(settings: Mapping[str, str]) -> Claims:
    """From fp32 to the deployed file, each seed in its own session; means over seeds."""
    pairs = [(one.whole["fp32"], one.deployed) for one in _edge_results.winners(settings, OURS, _space(OURS))]
    title = f"the winner in fp32 / its deployed file, mean of {len(pairs)} seed(s)"
    return [
        at_least(f"{title}: latency", fmean(a.latency_median_s / b.latency_median_s for a, b in pairs), 3),
        at_least(f"{title}: bytes", fmean(a.file_bytes / b.file_bytes for a, b in pairs), 6),
        at_most(
            "points of test accuracy lost by the deployed file",
            100 * fmean(a.test_accuracy - b.test_accuracy for a, b in pairs),
            0.5,
        ),
    ]


def _number(row: Row, column: str) -> float:
    value = row[column]
    assert isinstance(value, float)
    return value


def _none(gain: float) -> str:
    return "" if gain else " (none qualifies)"


def _figure(what: str, value: float) -> dict[str, object]:
    return {"what": what, "value": value}
