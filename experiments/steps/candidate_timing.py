"""Times the candidates of a search whose predicted latency leaves open whether they meet the target.

The table states how far off its predictions may be. A candidate is timed on the device if the interval around its
prediction contains the target, and its measured latency decides (as predictions of low confidence are measured in
HiFi-LLP, Sampath et al. 2025). So a network that the table takes for slightly too slow may still win, and one that only
seems fast enough may not. Networks of the table are timed in the same session: the measured latency is what the network
would have taken when the table was measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from experiments.display.progress import say
from experiments.setup.devices import board_of
from experiments.setup.reference_networks import reference_networks
from experiments.steps.measure import followed, timing_files
from experiments.steps.settings import Search
from experiments.store import journal
from experiments.store.artefacts import arch_name
from experiments.store.step import Means
from predictors.costs import LATENCY
from predictors.metrics.prediction_interval import margin
from predictors.tables.assembly import file_name
from predictors.tables.table import LatencyTable
from predictors.timing.blocks import computing
from predictors.timing.rounds import summarize
from predictors.timing.slowdown import slowdown
from predictors.timing.verdict import verdict
from search_spaces.space import Arch
from strategies.problems.objective import Bounded
from strategies.problems.problem import Problem

TIMED = "timed.jsonl"  # the latency of each timed candidate


def with_timing(problem: Problem, settings: Search, means: Means, table: LatencyTable, folder: Path) -> Problem:
    """The problem in which candidates near the target are timed. Those of an interrupted search are not timed again."""
    assert isinstance(problem.objective, Bounded)
    limits, factor = problem.objective.limits, margin(table, settings.precision)
    say(f"networks predicted within {100 * (factor - 1):.2g} % of the target are timed")
    wide = Bounded({**limits, LATENCY: factor * limits[LATENCY]})
    timer = Timer(problem, settings, means, table, folder, limits[LATENCY] / factor)
    known = {tuple(record["arch"]): record["seconds"] for record in journal.read(folder / TIMED)}
    return replace(problem, drawn=wide, timed=timer, latencies=known)


@dataclass(frozen=True)
class Timer:
    """Times architectures on the device. `least`: the predicted seconds from which they may miss the target."""

    problem: Problem
    settings: Search
    means: Means
    table: LatencyTable
    folder: Path
    least: float

    def __call__(self, archs: Sequence[Arch]) -> Mapping[Arch, float]:
        """The seconds of those that may miss the target, at the speed that the device had for the table."""
        doubtful = [arch for arch in archs if self.problem.costs[LATENCY](arch) >= self.least]
        found = dict(zip(doubtful, self._seconds(doubtful))) if doubtful else {}
        for arch, seconds in found.items():
            journal.append(self.folder / TIMED, {"arch": arch, "seconds": seconds})
        return found

    def _seconds(self, archs: Sequence[Arch]) -> Sequence[float]:
        asked, precision = self.settings.timing, self.settings.precision
        assert asked is not None
        networks = [computing(self.settings.space.decode(arch)) for arch in archs]
        written = dict(timing_files(networks, asked.device.library))
        names = [file_name(precision, index) for index in range(len(archs))]
        known, then = reference_networks(self.table)
        files = {name: written[name] for name in names} | {name: known[name] for name in then[precision]}
        with board_of(asked.device.at(self.means), self.folder) as board:
            rounds = list(followed(board, files, asked.measure, "timing candidates"))
        found = verdict(rounds, asked.measure, dict(zip(names, map(arch_name, archs))))
        if found.state != "clean":
            say(f"timing candidates: {found.lines()[0]}")
        values = summarize(rounds)
        slower = slowdown([*then[precision].values()], [values[name].seconds for name in then[precision]])
        return [slower.then(values[name].seconds) for name in names]
