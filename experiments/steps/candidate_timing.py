"""Times the candidates of a search whose predicted latency leaves open whether they meet the target.

The table states how far off its predictions may be. A candidate is timed on the device if the interval around its
prediction contains the target, and its measured latency decides (as predictions of low confidence are measured in
HiFi-LLP, Sampath et al. 2025). So a network that the table takes for slightly too slow may still win, and one that only
seems fast enough may not. Networks of the table are timed in the same session: the measured latency is what the network
would have taken when the table was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from experiments.display.progress import say
from experiments.setup.devices import ROUNDS, board_of
from experiments.setup.reference_networks import reference_networks
from experiments.steps.measure import timing_files
from experiments.steps.settings import Search
from experiments.store import artefacts, journal
from experiments.store.artefacts import arch_name
from experiments.store.step import Means
from predictors import costs
from predictors.costs import LATENCY
from predictors.metrics.prediction_interval import margin
from predictors.tables.table import LatencyTable
from predictors.timing.blocks import computing
from predictors.timing.rounds import measure, summarize
from predictors.timing.slowdown import slowdown
from predictors.timing.verdict import verdict
from search_spaces.space import Arch
from strategies.problems.objective import Bounded
from strategies.problems.problem import Problem

TIMED = "timed.jsonl"  # the latency of each timed candidate, and the verdict on its session
WIDE = 1.25  # a factor from which the table is called imprecise


def with_timing(problem: Problem, settings: Search, means: Means, table: LatencyTable, folder: Path) -> Problem:
    """The problem in which candidates near the target are timed. Those of an interrupted search are not timed again."""
    assert isinstance(problem.objective, Bounded)
    limits, factor = problem.objective.limits, margin(table, settings.precision)
    least, most = limits[LATENCY] / factor, limits[LATENCY] * factor
    unit = costs.unit(LATENCY)
    say(f"networks predicted to take {unit.text(least)} to {unit.text(most)} are timed")
    if factor > WIDE:
        say(
            f"this range is wide, because the table's predictions may be off by a factor of {factor:.2g}; a table from "
            "a calmer machine, or with more whole networks (measure.networks), narrows it"
        )
    artefacts.declare(folder / ROUNDS)  # also where an interrupted search had timed all that it needed
    timer = Timer(problem.costs[LATENCY], settings, means, table, folder, least)
    known = {tuple(record["arch"]): record["seconds"] for record in journal.read(folder / TIMED)}
    return replace(problem, drawn=Bounded({**limits, LATENCY: most}), timed=timer, latencies=known)


@dataclass(frozen=True)
class Timer:
    """Times architectures on the device. `least`: the predicted seconds from which they may miss the target."""

    predict: Callable[[Arch], float]
    settings: Search
    means: Means
    table: LatencyTable
    folder: Path
    least: float

    def __call__(self, archs: Sequence[Arch]) -> Mapping[Arch, float]:
        """The seconds of those that may miss the target, at the speed that the device had for the table."""
        doubtful = [arch for arch in archs if self.predict(arch) >= self.least]
        found: dict[Arch, float] = {}
        if doubtful:
            seconds, session = self._timed(doubtful)
            found = dict(zip(doubtful, seconds))
            for arch, own in found.items():
                journal.append(self.folder / TIMED, {"arch": arch, "seconds": own, "session": session})
        return found

    @cached_property
    def _references(self) -> tuple[dict[str, bytes], dict[str, float]]:
        """Files of networks of the table, and the seconds that each took then."""
        files, then = reference_networks(self.table)
        own = then[self.settings.precision]
        return {name: files[name] for name in own}, own

    def _timed(self, archs: Sequence[Arch]) -> tuple[list[float], str]:
        """The seconds of each, and the verdict on the session."""
        asked, precision = self.settings.timing, self.settings.precision
        assert asked is not None
        networks = [computing(self.settings.space.decode(arch)) for arch in archs]
        written, (known, then) = dict(timing_files(networks, asked.device.library, [precision])), self._references
        protocol, files = asked.protocol, written | known
        with board_of(asked.device.at(self.means), self.folder) as board:
            rounds = list(measure(board, files, protocol))
        names = dict(zip(written, map(arch_name, archs)))
        found, values = verdict(rounds, protocol, names | {name: name for name in known}), summarize(rounds)
        if found.state != "clean":
            say(f"timing {' '.join(names.values())}: {found.lines()[0]}")
        slower = slowdown([*then.values()], [values[name].seconds for name in then])
        return [slower.then(values[name].seconds) for name in names], found.state
