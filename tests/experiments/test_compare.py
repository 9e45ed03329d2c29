"""Tests the command that compares strategies: budgets, interruptions, what searches see, mistakes."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from experiments.store import journal
from paper import comparison
from paper.figures import compare as figure
from paper.rows import Curve, Pair, read
from tests.experiments.comparisons import SHORT, Whole, compared, rows, small

Run = Callable[..., Path]


@pytest.fixture
def published(tmp_path: Path) -> Path:
    return small(tmp_path)


@pytest.fixture
def run(published: Path) -> Run:
    return partial(compared, published.parent)


def by_evaluations(path: Path) -> list[dict[str, str]]:
    return [row for row in rows(path) if row["against"] == "evaluations"]


def test_every_search_has_the_same_budget_and_random_is_there(whole: Whole) -> None:
    found = rows(whole.folder / "compare.csv", ())
    counts = {(name, seed): 0 for name in ("random", "nsga2", "evolution") for seed in "01"}
    archs: dict[tuple[str, str], set[str]] = {search: set() for search in counts}
    for row in found:
        search = row["strategy"], row["seed"]
        assert int(row["index"]) == counts[search]
        counts[search] += 1
        archs[search].add(row["arch"])
        assert float(row["seconds"]) > 0
    assert set(counts.values()) == {12} == {len(own) for own in archs.values()}


def test_the_same_command_again_reads_and_a_lost_end_is_written_again(run: Run) -> None:
    folder = run(*SHORT)
    names = ("compare.csv", "curves.csv", "pairs.csv", "compare.pdf")
    before = {name: (folder / name).read_bytes() for name in names}
    written = (folder / "compare.csv").stat().st_mtime_ns
    assert run(*SHORT) == folder
    assert (folder / "compare.csv").stat().st_mtime_ns == written
    for name in (*names, "manifest.json"):
        (folder / name).unlink()
    assert run(*SHORT, "strategy=nsga2") == folder  # its options are the defaults, which the comparison uses
    assert {name: (folder / name).read_bytes() for name in names} == before


@pytest.mark.parametrize("after", [5, 30])
def test_an_interrupted_comparison_goes_on_and_pays_nothing_twice(
    run: Run, whole: Whole, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    append, appended = journal.append, itertools.count(1)

    def interrupted(path: Path, record: dict) -> None:
        append(path, record)
        if next(appended) == after:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(journal, "append", interrupted)
        with pytest.raises(SystemExit):
            run(*SHORT)
    folder = run(*SHORT)
    assert rows(folder / "compare.csv") == rows(whole.folder / "compare.csv")
    for name in ("curves.csv", "pairs.csv"):
        assert by_evaluations(folder / name) == by_evaluations(whole.folder / name)
    paid = [tuple(map(tuple, record["archs"])) for record in journal.read(folder / "accuracies.jsonl")]
    assert len(paid) == len(set(paid))


def test_an_exhaustive_search_reaches_the_exact_front(run: Run) -> None:
    whole = ("compare.accuracy=accuracy_percent", "search.budget=200", "objective=pareto")
    folder = run("compare.strategies=[evolution]", "compare.seeds=1", *whole)
    found = read(folder, Curve)
    assert {curve.reference for curve in found} == {comparison.EXACT}
    for name in ("random", "evolution"):
        own = [curve for curve in found if (curve.strategy, curve.against) == (name, "evaluations")]
        assert [curve.at for curve in own] == list(range(1, 82))
        assert [curve.share for curve in own] == sorted(curve.share for curve in own)
        assert own[0].share < own[-1].share == pytest.approx(1)
        assert own[0].regret > own[-1].regret == pytest.approx(0)


@pytest.mark.parametrize("columns", ["accuracy_12epoch_percent", "acc1"])
def test_a_search_chooses_by_what_it_sees_and_is_judged_by_what_is_reported(
    tmp_path: Path, run: Run, published: Path, columns: str
) -> None:
    """A search does the same whatever the reported column holds."""
    reported = {"accuracy_12epoch_percent": ["accuracy_percent"], "acc1": ["acc2", "acc3"]}[columns]
    rng, lines = np.random.default_rng(1), published.read_text().splitlines()
    records = list(csv.DictReader(lines))
    found = {}
    for name in ("one", "another"):
        for record in records:
            record |= {column: f"{rng.uniform(10, 90):.4f}" for column in reported}
            record[columns] = record["accuracy_12epoch_percent"]
        wanted = ["ops", "rpi4_ms", columns, *reported]
        rows_ = [{column: record[column] for column in wanted} for record in records]
        with published.open("w", newline="") as file:
            csv.DictWriter(file, wanted).writeheader()
            csv.DictWriter(file, wanted).writerows(rows_)
        found[name] = rows(run(*SHORT) / "compare.csv", ("seconds",))
        for row in found[name]:
            (own,) = (r for r in records if r["ops"] == row["arch"].replace("-", ""))
            assert float(row["accuracy"]) == pytest.approx(float(own[columns]) / 100)
            assert float(row["reported"]) == pytest.approx(np.mean([float(own[c]) for c in reported]) / 100)
    searched = [[{**row, "reported": ""} for row in rows_] for rows_ in found.values()]
    assert searched[0] == searched[1]
    assert found["one"] != found["another"]


def test_a_file_of_one_accuracy_is_allowed_and_said(
    run: Run, published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [",".join(line.split(",")[:3]) for line in published.read_text().splitlines()]
    published.write_text("\n".join(lines))
    run(*SHORT)
    assert capsys.readouterr().out.count("searches see the reported accuracy, accuracy_percent") == 1


def test_few_seeds_say_nothing_about_significance(whole: Whole) -> None:
    said = "2 seeds cannot show a significant difference, 6 or more are needed"
    assert whole.out.count(said) == 4
    assert "the exact front's" in whole.out
    assert not any(pair.significant for pair in read(whole.folder, Pair))


def test_seconds_end_a_search(run: Run) -> None:
    found = rows(run(*SHORT, "compare.seconds=1e-9") / "compare.csv")
    assert [row["index"] for row in found] == ["0"] * 6


def test_tensorboard_has_each_search(whole: Whole) -> None:
    folder = whole.folder
    board = EventAccumulator(str(folder / "nsga2-seed1")).Reload()
    last = float(rows(folder / "curves.csv")[-1]["share"])
    assert 0 < board.Scalars("final/share")[0].value <= 1.000001
    assert len(board.Scalars("share")) == 12
    assert 0 < last <= 1.000001
    assert EventAccumulator(str(folder)).Reload().Tags()["images"] == ["compare"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("compare.strategies=[random]",), "a comparison needs a strategy besides random"),
        (("compare.strategies=[darts]",), "a comparison needs a strategy besides random"),
        (("compare.strategies=[evolutoin]",), "did you mean 'evolution'?"),
        (("compare.latency=pi_ms",), "did you mean 'rpi4_ms'?"),
        (("compare.report=accuracy_percnt",), "did you mean 'accuracy_percent'?"),
        (("compare.report=accuracy_percent+acc3",), "acc3"),
        (("compare.seeds=0",), "compare.seeds=0 is out of range: give a whole number from 1 to 10,000"),
        (("objective.target_ms=0.5",), "no network in small has a latency of 0.5 ms or less"),
        (("compare.csv=nowhere.csv",), "cannot read nowhere.csv"),
    ],
)
def test_a_mistake_is_one_line(
    run: Run, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        run(*arguments)
    err = capsys.readouterr().err
    assert stopped.value.code == 2
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err


def test_one_seed_has_no_interval(run: Run) -> None:
    folder = run(*SHORT, "compare.seeds=1")
    assert {curve.share_low for curve in read(folder, Curve)} == {None}
    figure.draw(folder)
