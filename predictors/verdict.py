"""What a session was worth: clean, noisy, or throttled, and why; a function of its rounds alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from predictors.health import cpu_share, past, unknown
from predictors.rounds import LIMIT, LOST, Judgement, Protocol, Round, judge, summarize, wanting

SHOWN = 5  # files of a long list
IN_A_ROW = 3  # rejected rounds that make a session noisy, however well it ended


@dataclass(frozen=True)
class Rejection:
    """Samples of one round that do not count and were measured again."""

    round: int
    samples: int
    reason: str


@dataclass(frozen=True)
class Verdict:
    """`state` is clean, noisy or throttled. `unknown`: what the board cannot say of itself, which is not fine."""

    state: str
    reasons: tuple[str, ...]
    rejected: tuple[Rejection, ...]
    unknown: tuple[str, ...]

    def lines(self) -> list[str]:
        """For people: the state with its reasons, what was rejected and when, and what is unknown."""
        told = [f"{self.state}: {'; '.join(self.reasons)}"]
        for reason, same in groupby(self.rejected, key=lambda rejection: rejection.reason):
            items = list(same)
            numbers = f"round {items[0].round + 1}" + (f" to {items[-1].round + 1}" if len(items) > 1 else "")
            told.append(f"{numbers}: {sum(item.samples for item in items)} samples do not count: {reason}")
        if self.unknown:
            told.append(f"the board does not tell its {', '.join(self.unknown)}: unknown is not the same as fine")
        return told


def verdict(rounds: Sequence[Round], protocol: Protocol, labels: Mapping[str, str]) -> Verdict:
    """The session's verdict. `labels[name]`: what people call a file; exactly these files are judged."""
    judgement = judge(rounds)
    throttled = [number + 1 for number, reason in enumerate(judgement.faults) if reason and "throttling" in reason]
    reasons = [f"rounds {', '.join(map(str, throttled))} were throttled"] if throttled else []
    noise = [*_noise(judgement, rounds), *_open_rows(rounds, protocol, labels)]
    state = "throttled" if throttled else "noisy" if noise else "clean"
    fine = [] if reasons or noise else [f"all {len(labels)} files are known within {100 * protocol.within:g} %"]
    earlier = [f"since it was booted the board has seen: {', '.join(past(rounds[0].before))}"]
    notes = earlier if past(rounds[0].before) else []
    states = [state for r in rounds for state in (r.before, r.after)]
    return Verdict(state, (*reasons, *noise, *fine, *notes), tuple(_rejections(judgement)), unknown(states))


def quietness(rounds: Sequence[Round]) -> float:
    """How far neighbouring samples of the last round lie apart, as a fraction; NaN before there are two rounds."""
    if len(rounds) < 2:
        return float("nan")
    p = judge(rounds).drift
    return float(np.median(p.spread[p.round == len(rounds) - 1]))


def _noise(judgement: Judgement, rounds: Sequence[Round]) -> list[str]:
    """What is wrong with the session as a whole."""
    told = []
    typical = float(np.median(judgement.drift.spread))
    if typical > LIMIT:
        told.append(f"neighbouring samples lie {100 * typical:.1f} % apart (at most {100 * LIMIT:g} % is quiet)")
    left = float(np.median([cpu_share(r.before, r.after) for r in rounds]))
    if left < 1 - LOST:
        told.append(f"other programs took {100 * (1 - left):.0f} % of the core")
    shares = [judgement.counts[judgement.drift.round == number].mean() for number in range(len(judgement.faults))]
    longest = max((len(list(run)) for bad, run in groupby(share < 0.5 for share in shares) if bad), default=0)
    if longest >= IN_A_ROW:
        told.append(f"{longest} rounds in a row were rejected")
    return told


def _open_rows(rounds: Sequence[Round], protocol: Protocol, labels: Mapping[str, str]) -> list[str]:
    """The files that the cap on rounds left unfinished, the worst first."""
    values = summarize(rounds)
    names = sorted(wanting(labels, rounds, protocol), key=lambda name: -values[name].relative_half_width)
    if not names:
        return []
    worst = [f"{labels[name]} (+-{100 * values[name].relative_half_width:.1f} %)" for name in names[:SHOWN]]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return [f"{len(names)} of {len(labels)} files are not yet known well enough: {', '.join(worst)}{more}"]


def _rejections(judgement: Judgement) -> list[Rejection]:
    p = judgement.drift
    found = []
    for number, fault in enumerate(judgement.faults):
        here = p.round == number
        rejected = here & ~judgement.counts
        if rejected.any():
            apart = f"neighbouring samples lie over {100 * judgement.limit:.1f} % apart"
            found.append(Rejection(number, int(rejected.sum()), fault or apart))
    return found
