"""Tests the spread over seeds and its text in the paper, and the command that reproduces everything."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from shutil import copytree

import pytest

from experiments.config import Config
from experiments.setup.session_record import RECORD, read_rows
from experiments.steps.benchmark import trainings
from experiments.steps.report import labels
from experiments.store import artefacts
from experiments.store.step import Means
from experiments.store.winner import WINNER
from experiments.studies import seeds
from paper import questions, training
from paper import seeds as text
from paper.csv_records import ResultError
from paper.rows import read
from paper.seed_rows import Seeded
from search_spaces.spaces.edge import edge
from search_spaces.spaces.tiny import tiny
from tests.commands import Finished, Here

NUMBERS = [3, 4, 7]


@pytest.fixture
def results(finished: Finished, tmp_path: Path) -> Path:
    """Results of three seeds of one run; each is 10 % slower, and has 0.01 less accuracy, than the one before."""
    record = json.loads((finished.folder("benchmark") / RECORD).read_text())
    files: dict[str, Path] = {}
    for place, number in enumerate(NUMBERS):
        folder = tmp_path / f"seed {number}"
        folder.mkdir()
        changed = json.loads(json.dumps(record))
        for row in changed["rows"]:
            row["latency_median_s"] *= 1.1**place
            row["test_accuracy"] = 0.9 - 0.01 * place
        (folder / RECORD).write_text(json.dumps(changed))
        files |= {str(number): folder / RECORD, f"winner {number}": folder / WINNER}
        (folder / WINNER).write_bytes((finished.folder("search") / WINNER).read_bytes())
    made = tmp_path / "results"
    made.mkdir()
    means: Means = None  # type: ignore[assignment]  # not used
    seeds.work(seeds.Settings(tiny(1, 16, 10), NUMBERS), files, means, made)
    for name in ("setup.csv", "stages.csv"):
        (made / name).write_bytes((finished.folder("report") / name).read_bytes())
    (made / "seeds_setup.csv").write_bytes((made / "setup.csv").read_bytes())
    return made


def test_every_row_of_every_seed_is_written_once(results: Path, finished: Finished) -> None:
    rows = read(results, Seeded)
    stages = [(row.stage, row.precision) for row in read_rows(finished.folder("benchmark"))[0]]
    assert [row.seed for row in rows] == [number for number in NUMBERS for _ in stages]
    assert [(row.stage, row.precision) for row in rows] == stages * len(NUMBERS)
    winner = json.loads((finished.folder("search") / WINNER).read_text())["arch"]
    assert {row.whole_arch for row in rows} == {artefacts.arch_name(winner)}
    assert json.loads((results / "verdict.json").read_text())
    once = labels([stage for stage, _ in stages])
    printed = [*seeds.shown(rows).columns[0].cells]
    assert {*printed} == {once.get(stage, stage) for stage, _ in stages}


def test_a_winner_is_named_in_the_whole_space(finished: Finished, tmp_path: Path) -> None:
    whole, record = edge(3, 32, 10), finished.folder("benchmark") / RECORD
    space = whole.under([2, 6])
    won = json.loads((finished.folder("search") / WINNER).read_text()) | {"arch": [1, *space.reference[1:]]}
    (tmp_path / WINNER).write_text(json.dumps(won))
    means: Means = None  # type: ignore[assignment]  # not used
    seeds.work(seeds.Settings(space, [0]), {"0": record, "winner 0": tmp_path / WINNER}, means, tmp_path)
    (named,) = {row.whole_arch for row in read(tmp_path, Seeded)}
    arch = tuple(map(int, named.split("-")))
    assert whole.decode(arch) == space.decode((1, *space.reference[1:])) != space.decode(space.reference)


def test_one_seed_does_not_replace_those_of_a_paper(here: Here, tmp_path: Path) -> None:
    (tmp_path / "stages.csv").touch()
    done = here(seeds.seeds, "publish=true", "seeds.count=1", f"results={tmp_path}")
    assert done.err.startswith(
        f"error: one run cannot replace the seeds of the paper in {tmp_path}: give seeds.count=2"
    )
    assert done.err.count("\n") == 1


def test_a_stage_is_shown_with_its_mean_and_its_range() -> None:
    assert seeds.spread([0.5, 0.75, 1.0], 100, 1) == "75.0 (50.0 to 100.0)"
    assert seeds.spread([0.5], 100, 1) == "50.0"


def test_the_paper_has_mean_and_range_of_every_stage(results: Path, tmp_path: Path) -> None:
    macros = text.macros(results)
    assert macros["SeedsCount"] == "3"
    assert r"89.0\,\% (88.0 to 90.0) of the test images" in macros["SeedsSentence"]
    assert "From seed to seed, pruning changes the test accuracy by 0.0 points" in macros["SeedsSentence"]
    assert macros["OneSeed"] == " (seed 0)"
    assert "has $-$" not in macros["SeedsSentence"]  # the reference is as accurate as the deployed file
    text.write(results, tmp_path)
    table = (tmp_path / "seeds.tex").read_text()
    assert table.count("89.0 (88.0--90.0)") == len(text.checked(results))
    (results / "seeds_setup.csv").unlink()
    assert text.macros(results) == {"SeedsSentence": "", "SeedsCount": "", "OneSeed": ""}
    text.write(results, tmp_path)
    assert not (tmp_path / "seeds.tex").exists()


def test_the_unpruned_file_is_compared_if_it_was_trained_for_as_long(results: Path) -> None:
    path = results / "seeds.csv"
    rows = [*csv.DictReader(path.open(newline=""))]

    def told(stages: dict[str, int], steps: int) -> str:
        """With the chain of these stages, after so many steps each."""
        kept = [row for row in rows if row["stage"] not in ("pruned", "finetuned", "retrained", "int8")]
        model = next(row for row in rows if (row["stage"], row["precision"]) == ("retrained", "fp32"))
        for seed in NUMBERS:
            made = [("retrained", "fp32", 10), *((name, "fp32", own) for name, own in stages.items())]
            made += [("int8", "int8", made[-1][2]), ("retrained", "int8", steps)]
            kept += [model | {"seed": seed, "stage": a, "precision": b, "steps": c} for a, b, c in made]
        artefacts.write_csv(path, kept)
        return text.unpruned(results)

    longer, alone = "quantized without pruning, but trained for as many steps", "quantized without pruning,"
    assert f"Compared with the winner {longer}, the INT8 file is 1.00 times as fast over" in told(
        {"pruned": 10, "finetuned": 15}, 15
    )
    assert f"Compared with the winner {alone}" in told({"pruned": 10}, 10)
    assert "without low-rank factorisation" in told({"factorised": 10, "finetuned": 15}, 15)
    assert told({"pruned": 10, "finetuned": 15}, 10) == ""  # for less long
    assert told({"finetuned": 15}, 15) == ""  # it is the same file


def test_without_the_reference_nothing_is_said_of_it(results: Path) -> None:
    """With seeds.baselines=false, no seed has its rows."""
    path, before = results / "seeds.csv", text.macros(results)["SeedsSentence"]
    rows = [row for row in csv.DictReader(path.open(newline="")) if row["stage"] not in ("reference", "random")]
    artefacts.write_csv(path, rows)
    after = text.macros(results)["SeedsSentence"]
    assert before.startswith(after)
    assert "eference" in before.removeprefix(after)


def test_one_seed_is_not_shown_as_a_spread(results: Path) -> None:
    assert questions.given(results, "Seeds")
    assert training.one_run(results) == "All results except the spread over seeds come from one seed"
    path = results / "seeds.csv"
    artefacts.write_csv(path, [row for row in csv.DictReader(path.open(newline="")) if row["seed"] == "3"])
    assert not questions.given(results, "Seeds")
    assert training.one_run(results) == "All results come from one seed"


def test_baselines_are_left_out_of_the_trainings_and_of_the_session(
    here: Here, finished: Finished, tmp_path: Path
) -> None:
    """The winner's files stay the same; and one run is published, but not beside a paper's."""
    counts: list[int] = []

    def count(config: Config) -> Path:
        counts.extend(len(trainings(config, baselines)) for baselines in (True, False))
        return tmp_path

    arguments = (*finished.arguments, f"runs={copytree(finished.runs, tmp_path / 'runs')}")
    assert here(count, *arguments).code == 0
    assert counts == [3, 1]
    done = here(
        seeds.seeds, *arguments, "seeds.count=1", "seeds.baselines=false", "publish=true", f"results={tmp_path / 'one'}"
    )
    assert (done.code, done.err) == (0, "")
    own, whole = (
        {(row.stage, row.precision): row.sha256 for row in rows}
        for rows in (read(tmp_path / "one", Seeded), read_rows(finished.folder("benchmark"))[0])
    )
    assert {stage for stage, _ in {*whole} - {*own}} == {"reference", "random"}
    assert own.items() <= whole.items()


@pytest.mark.parametrize("lost", [1, -1])
def test_a_stage_that_a_seed_lacks_is_an_error(lost: int, results: Path) -> None:
    path = results / "seeds.csv"
    rows = list(csv.DictReader(path.open(newline="")))
    del rows[lost]
    artefacts.write_csv(path, rows)
    with pytest.raises(ResultError, match="every seed"):
        text.macros(results)


def test_seeds_do_not_share_a_given_search(here: Here, finished: Finished, tmp_path: Path) -> None:
    done = here(seeds.seeds, *finished.arguments, f"runs={tmp_path}", f"run={finished.folder('search')}")
    assert done.err == "error: every seed has a search of its own: leave run= out\n"
