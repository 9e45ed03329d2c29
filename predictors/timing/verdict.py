"""The verdict on a session: clean, noisy, or throttled, with reasons; depends on its rounds only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from predictors.timing.disturbances import disturbances
from predictors.timing.health import past, throttling, unknown
from predictors.timing.judgement import Judgement, judge
from predictors.timing.rounds import Protocol, Round, open_rows
from predictors.timing.values import Row, Value, file_values, rows_of

SHOWN = 5  # rows to show from a long list


@dataclass(frozen=True)
class Rejection:
    """Samples of one round that do not count and were measured again."""

    round: int
    samples: int
    reason: str


@dataclass(frozen=True)
class Verdict:
    """`state` is clean, noisy or throttled. `unknown`: facts that the board cannot report, never taken for fine."""

    state: str
    reasons: tuple[str, ...]
    rejected: tuple[Rejection, ...]
    unknown: tuple[str, ...]

    def lines(self) -> list[str]:
        """The verdict formatted for people: state and reasons, rejected samples by round, and what is unknown."""
        lines = [f"{self.state}: {'; '.join(self.reasons)}"]
        for reason, same in groupby(self.rejected, key=lambda rejection: rejection.reason):
            items = list(same)
            numbers = f"round {items[0].round + 1}" + (f" to {items[-1].round + 1}" if len(items) > 1 else "")
            lines.append(f"{numbers}: {sum(item.samples for item in items)} samples do not count: {reason}")
        if self.unknown:
            lines.append(f"the device does not report its {', '.join(self.unknown)}: unknown is not the same as fine")
        return lines


def verdict(
    rounds: Sequence[Round], protocol: Protocol, labels: Mapping[str, str], rows: Mapping[str, Row] | None = None
) -> Verdict:
    """The verdict on a session's `rows`, or on its files if there are none. `labels[name]`: each file's description."""
    judgement = judge(rounds)
    throttled = [number for number, one in enumerate(rounds, 1) if throttling(one.before, one.after)]
    reasons = [f"rounds {', '.join(map(str, throttled))} were throttled"] if throttled else []
    wanted = rows_of(labels) if rows is None else rows
    noise = [*disturbances(judgement, rounds), *_open_rows(wanted, judgement, protocol, labels)]
    state = "throttled" if throttled else "noisy" if noise else "clean"
    fine = [] if reasons or noise else [_known(wanted, file_values(judgement), protocol)]
    earlier = [f"since it was booted the board has seen: {', '.join(past(rounds[0].before))}"]
    notes = earlier if past(rounds[0].before) else []
    states = [state for r in rounds for state in (r.before, r.after)]
    return Verdict(state, (*reasons, *noise, *fine, *notes), tuple(_rejections(judgement)), unknown(states))


def quietness(judgement: Judgement) -> float:
    """The median spread of neighbouring samples in the last round, as a fraction; NaN before there are two rounds."""
    drift, last = judgement.drift, len(judgement.faults) - 1
    return float(np.median(drift.spread[drift.round == last])) if last else float("nan")


def _known(rows: Mapping[str, Row], values: Mapping[str, Value], protocol: Protocol) -> str:
    """States that all rows are known, and how many of them only to within a fraction of a network's time."""
    cheap = sum(row.value(values).relative_half_width > protocol.within for row in rows.values())
    what = "rows" if any(len(row.weights) > 1 for row in rows.values()) else "files"
    part = f", {cheap} cheap ones as a part of a network, whose layers' errors add as squares" if cheap else ""
    return f"all {len(rows)} {what} are known within {100 * protocol.within:g} %{part}"


def _open_rows(
    rows: Mapping[str, Row], judgement: Judgement, protocol: Protocol, labels: Mapping[str, str]
) -> list[str]:
    """The rows that were unfinished at the cap on rounds, largest error first."""
    values = file_values(judgement)
    names = sorted(open_rows(rows, judgement, protocol), key=lambda name: -rows[name].error(values))
    if not names:
        return []
    worst = [f"{labels[name]} ({_error(rows[name].value(values))})" for name in names[:SHOWN]]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    what = "rows" if any(len(row.weights) > 1 for row in rows.values()) else "files"
    return [f"{len(names)} of {len(rows)} {what} are not yet known well enough: {', '.join(worst)}{more}"]


def _error(value: Value) -> str:
    if value.seconds <= 0:
        return f"{1e6 * value.seconds:.1f} +-{1e6 * value.half_width:.1f} us, not above zero"
    return f"+-{100 * value.relative_half_width:.1f} %"


def _rejections(judgement: Judgement) -> list[Rejection]:
    p = judgement.drift
    found = []
    for number, fault in enumerate(judgement.faults):
        here = p.round == number
        rejected = here & ~judgement.counts
        if rejected.any():
            reasons = {
                f"neighbouring samples lie over {100 * judgement.limit:.1f} % apart": p.spread > judgement.limit,
                "the machine was too far from its usual speed": ~judgement.steady,
            }
            common = [words for words, why in reasons.items() if (rejected & why).sum() > rejected.sum() / 2]
            found.append(Rejection(number, int(rejected.sum()), fault or ", ".join(common or reasons)))
    return found
