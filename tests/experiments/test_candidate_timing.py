"""Tests a search that times candidates on the device where the prediction leaves open whether they meet the target."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments.config import Config
from experiments.display.page.commands import settings
from experiments.steps.candidate_timing import TIMED
from experiments.steps.device_settings import Timing
from experiments.steps.plan import search
from experiments.store import artefacts, journal
from experiments.store.candidate_journal import read_candidates
from experiments.store.winner import CANDIDATES, WINNER, read_winner
from paper.rows import Candidate, read
from predictors.costs import LATENCY
from predictors.metrics.prediction_interval import margin
from predictors.tables.table import LatencyTable
from predictors.tables.table_file import dump
from search_spaces.spaces.tiny import tiny
from strategies.problems.problem import best
from tests.commands import Finished, Here, copy_steps
from tests.experiments.made_up_table import made_up_table
from tests.experiments.outcomes import Refused

ASKED = ("search.timed=true", "strategy=random", "search.budget=3")


def unsure(table: LatencyTable) -> LatencyTable:
    """The table with errors of 30 % in its networks, so that most networks may be above the target or below it."""
    wrong = [replace(one, held_out=one.measured * 1.3 ** (-1) ** at) for at, one in enumerate(table.networks)]
    return replace(table, networks=tuple(wrong))


def test_the_device_decides_near_the_target_and_a_stopped_search_times_nothing_again(
    finished: Finished, here: Here, table: LatencyTable, tmp_path: Path
) -> None:
    copy_steps(finished, tmp_path, "measure", "train")
    table = unsure(table)
    (tmp_path / "table.json").write_text(dump(table))
    arguments = (*finished.arguments, f"runs={tmp_path}", f"table={tmp_path / 'table.json'}", *ASKED)
    done = here(search, *arguments)
    assert (done.code, done.err) == (0, "")
    folder = Path(done.out.splitlines()[-1])
    found, factor = read_candidates(folder / CANDIDATES), margin(table, "int8")
    seconds = {tuple(one["arch"]): one["seconds"] for one in journal.read(folder / TIMED)}
    predicted, target = table.predictor(tiny(1, 16, 10), "int8"), read_winner(folder).targets[LATENCY]
    for one in found:
        assert one.timed == (predicted(one.arch) >= target / factor)
        assert predicted(one.arch) <= target * factor
        assert one.costs[LATENCY] == (seconds[one.arch] if one.timed else predicted(one.arch))
        assert one.feasible == (one.costs[LATENCY] <= target)
    assert {*seconds} == {one.arch for one in found if one.timed}
    assert read_winner(folder).arch == best(found).arch
    assert [one.timed for one in read(folder, Candidate)] == [one.timed for one in found]
    others = [next(finished.runs.glob(f"{name}/*/manifest.json")).parent for name in ("train", "retrain", "benchmark")]
    steps = [(one.parent.name, artefacts.manifest(one)["config"]) for one in others]
    assert settings([*steps, ("search", artefacts.manifest(folder)["config"])])["search.timed"]  # as its page says

    kept = {name: (folder / name).read_bytes() for name in (CANDIDATES, TIMED, "rounds.jsonl")}
    for path in [path for path in folder.iterdir() if path.name not in kept]:
        path.unlink()
    (folder / CANDIDATES).write_bytes(b"".join(kept[CANDIDATES].splitlines(keepends=True)[:1]))
    assert here(search, *arguments).code == 0
    assert {name: (folder / name).read_bytes() for name in kept} == kept
    assert (folder / WINNER).exists()

    again = here(search, *[word for word in arguments if word != ASKED[0]])  # a search of its own
    assert Path(again.out.splitlines()[-1]) != folder


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("objective=mnasnet",), "objective=mnasnet has none: add objective=bounded, or leave search.timed out"),
        (("device=simulated",), "device=simulated cannot time candidates during a search"),
        (("ignore=[cpu]",), "needs a table of the device that times"),
        (("device=bundle",), "device=bundle cannot time candidates during a search"),
    ],
)
def test_what_cannot_be_timed_is_refused_before_anything_is_made(
    refused: Refused, arguments: tuple[str, ...], said: str
) -> None:
    assert said in refused(search, "experiment=smoke", *ASKED, *arguments)


def test_the_key_of_a_timed_search_has_the_most_rounds() -> None:
    """Unlike a table, a finished search gets no more rounds when they are raised."""
    few, many = (replace(Config(), measure=replace(Config().measure, max_rounds=rounds)) for rounds in (3, 500))
    assert Timing.of(few) != Timing.of(many)
    assert Timing.of(many).protocol.max_rounds == 500


def test_the_margin_holds_as_many_new_networks_as_it_says() -> None:
    """Errors are log-normal, and a table has few networks."""
    made, random = made_up_table(tiny(1, 16, 10), {}), np.random.default_rng(0)
    held, tables = 0, 2000
    for _ in range(tables):
        *errors, new = random.normal(0, 0.03, 7)
        networks = [replace(made.networks[0], held_out=1.0, measured=np.exp(error)) for error in errors]
        held += abs(new) <= np.log(margin(replace(made, networks=tuple(networks)), networks[0].precision))
    assert held / tables == pytest.approx(0.95, abs=0.015)
