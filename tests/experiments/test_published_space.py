"""Tests a comparison on published accuracies with latencies from our own table, and what the paper says of it."""

from __future__ import annotations

import csv
from itertools import product
from pathlib import Path

import pytest

from experiments.studies.compare import compare
from paper import benchmarks, comparison
from paper.rows import FILES, Curve, read
from predictors.costs import layer_costs
from predictors.tables.table_file import read_table
from search_spaces.spaces.tiny import tiny
from tests.commands import Finished, Here

SPACE = tiny(1, 16, 10)
ASKED = ("compare.seeds=1", "compare.strategies=[evolution]", "search.budget=8", "objective=pareto", "threads=1")
COLUMNS = ("compare.options=arch", "compare.accuracy=acc1", "compare.report=acc2")


@pytest.fixture
def accuracies(tmp_path: Path) -> Path:
    """Writes two accuracies of every network: one digit for each layer that has a choice, and no latency."""
    path = tmp_path / "accuracies.csv"
    picks = product(*(range(count) for count in SPACE.options if count > 1))
    lines = [f"{''.join(map(str, p))},{50 + n % 37},{50 + n % 31}" for n, p in enumerate(picks)]
    path.write_text("\n".join(["arch,acc1,acc2", *lines, ""]))
    return path


def test_latencies_come_from_the_table_of_the_space(
    here: Here, finished: Finished, accuracies: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    asked = (f"compare.csv={accuracies}", f"table={finished.table}", f"runs={tmp_path / 'runs'}", *ASKED, *COLUMNS)
    titled = ("compare.latency=table", "data.title=Ours_1", "publish=true", f"results={results / 'ours'}")
    done = here(compare, *asked, *titled)
    assert (done.code, done.err) == (0, "")
    latency = layer_costs(["latency"], SPACE, "int8", read_table(finished.table))["latency"]
    with (results / "ours" / comparison.FILES_OF_IT[0]).open(newline="") as file:
        for row in csv.DictReader(file):
            whole = (0, *map(int, row["arch"].split("-")), 0)
            assert float(row["latency_s"]) == pytest.approx(latency(whole))
    assert {one.problem for one in read(results / "ours", Curve)} == {"Ours_1"}
    benchmarks.check(results)
    assert benchmarks.macros(results)["BenchmarksSentence"].startswith(r"On Ours\_1, 1 seed cannot show")
    assert "table_sha256" not in (results / "ours" / comparison.SETUP).read_text()
    assert FILES[Curve] in {path.name for path in (results / "ours").iterdir()}


def test_a_table_of_another_space_is_one_line(here: Here, finished: Finished, accuracies: Path, tmp_path: Path) -> None:
    accuracies.write_text("arch,acc1,acc2\n00,1,2\n01,2,3\n10,3,4\n")
    asked = (f"compare.csv={accuracies}", f"table={finished.table}", f"runs={tmp_path / 'runs'}", *ASKED, *COLUMNS)
    said = here(compare, *asked, "compare.latency=table").err
    assert said.startswith(f"error: {accuracies} has 2 layers")
    assert said.count("\n") == 1
