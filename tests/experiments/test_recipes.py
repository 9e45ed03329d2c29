"""Tests the study of recipes: on digits, through its command line, and what the paper makes of its files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from experiments.comparison.recipe_variants import BASE, PARTS, recipes_of
from experiments.config import Config
from experiments.config.command_config import RecipesConfig
from experiments.data.dataset import Dataset
from experiments.setup.images import dataset_of
from experiments.setup.recipes import counted
from experiments.studies.recipes import Trial, compared, recipes
from paper import build, origin
from paper import recipes as text
from paper.csv_records import ResultError
from paper.recipe_rows import TriedRecipe
from paper.rows import read
from search_spaces.errors import LutraError
from tests.commands import Here

TINY = ("threads=1", "retrain.steps=3", "retrain.batch=16")
Run = Callable[..., Path]


@pytest.fixture
def run(here: Here, tmp_path: Path) -> Run:
    """Runs the command in this process; returns the folder that it prints last."""

    def tried(*arguments: str) -> Path:
        done = here(recipes, f"runs={tmp_path / 'runs'}", *TINY, *arguments)
        assert (done.code, done.err) == (0, "")
        return Path(done.out.strip().splitlines()[-1])

    return tried


def given(*tried: str) -> Config:
    return replace(Config(), recipes=RecipesConfig(tried=[*tried]))


# Recipes


def test_the_configured_recipe_is_first_and_others_change_what_they_say() -> None:
    base = Config().retrain
    made = recipes_of(given("muon=0.02  cutout=0.25", "steps=7", "amp=null"))
    assert [*made] == [BASE, "muon=0.02 cutout=0.25", "steps=7", "amp=null"]
    assert made[BASE] == base == made["amp=null"]
    assert made["muon=0.02 cutout=0.25"] == replace(base, muon=0.02, cutout=0.25)
    assert made["steps=7"] == replace(base, steps=7)


def test_another_batch_sees_as_many_images_unless_its_length_is_given() -> None:
    base = replace(Config().retrain, steps=30, batch=64)
    made = recipes_of(replace(given("batch=16", "batch=128 muon=0.02", "batch=16 steps=7"), retrain=base))
    assert [(one.steps, one.batch) for one in made.values()] == [(30, 64), (120, 16), (15, 128), (7, 16)]


@pytest.mark.parametrize("length", [{"steps": 40}, {"steps": 1, "passes": 3.0}])
def test_every_recipe_without_a_length_of_its_own_sees_as_many_images(length: dict[str, Any]) -> None:
    base, tried = replace(Config().retrain, batch=64, **length), ("batch=16", "batch=128 passes=0", *PARTS)
    for given_in_steps in (False, True):
        config = replace(given(*tried), retrain=base)
        made = recipes_of(counted(config) if given_in_steps else config)
        assert [one.passes for one in made.values()] == [0] * len(made)
        seen = {name: one.steps * one.batch for name, one in made.items()}
        assert seen == pytest.approx(dict.fromkeys(made, seen[BASE]), abs=64)
        images = len(dataset_of(config.data).train.labels)
        assert seen[BASE] == pytest.approx(3 * images if "passes" in length else 40 * 64, abs=32)


def test_without_a_list_every_part_is_tried_alone() -> None:
    made = recipes_of(given())
    assert [*made] == [BASE, *PARTS]
    assert len({*made.values()}) == len(made)


@pytest.mark.parametrize(
    ("tried", "message"),
    [
        ("cutot=0.5", "did you mean 'cutout'?"),
        ("rule=sandwich", "no setting of a recipe 'rule'"),
        ("all_images=true", "no setting of a recipe 'all_images'"),
        ("cutout=2", "retrain.cutout=2 is out of range"),
        ("steps", "retrain.steps"),
    ],
)
def test_a_recipe_that_cannot_be_is_named(tried: str, message: str) -> None:
    with pytest.raises(LutraError) as refused:
        recipes_of(given(tried))
    assert message in str(refused.value)


def test_no_recipe_is_judged_by_images_that_it_was_trained_on() -> None:
    config = given("cutout=0.25")
    with pytest.raises(LutraError, match="leaves no image to judge recipes by"):
        recipes_of(replace(config, retrain=replace(config.retrain, all_images=True)))


def test_gains_are_paired_and_per_minute() -> None:
    base = replace(Config().retrain, steps=10, batch=20)
    made = {BASE: base, "steps=30": replace(base, steps=30)}
    trials = {BASE: [Trial(0.5, 60), Trial(0.7, 60)], "steps=30": [Trial(0.52, 240), Trial(0.74, 240)]}
    first, second = compared(made, trials, 100)
    assert (first.gained, first.gained_low, first.gained_high, first.passes) == (0, 0, 0, 2)
    assert (second.accuracy, second.gained, second.passes) == pytest.approx((0.63, 0.03, 6))
    assert (second.cpu_minutes, second.gained_per_minute) == pytest.approx((4, 0.0075))
    assert second.gained_low == pytest.approx(0.03 - 12.706 * 0.01, abs=1e-4)
    (alone, _) = compared(made, {name: one[:1] for name, one in trials.items()}, 100)
    assert alone.gained_low is alone.gained_high is None


# The command


def test_the_command_trains_judges_and_publishes(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[str] = []
    fixed = Dataset.fixed

    def spied(data: Dataset, split: object, *count: int) -> object:
        judged.append(next(name for name in ("train", "validation", "test") if getattr(data, name) is split))
        return fixed(data, split, *count)  # type: ignore[arg-type]

    monkeypatch.setattr(Dataset, "fixed", spied)
    results, tried = tmp_path / "results", 'recipes.tried=["muon=0.02 cutout=0.5","passes=0.06"]'
    folder = run(tried, "recipes.seeds=2", "publish=true", f"results={results}")
    rows = read(folder, TriedRecipe)
    assert [row.recipe for row in rows] == [BASE, "muon=0.02 cutout=0.5", "passes=0.06"]
    assert [row.steps for row in rows] == [3, 3, 4]
    assert all(0 < row.accuracy < 1 and row.cpu_minutes > 0 and row.seeds == 2 for row in rows)
    assert {*judged} == {"train", "validation"}  # training images calibrate
    assert (folder / "recipes.pdf").exists()

    trials = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/trial/*/trial.json")}
    assert len(trials) == 6
    again = run('recipes.tried=["muon=0.02 cutout=0.5","reflect=true"]', "recipes.seeds=2")
    assert read(again, TriedRecipe)[:2] == rows[:2]
    assert {path: path.stat().st_mtime_ns for path in trials} == trials
    assert len(list(tmp_path.glob("runs/trial/*/trial.json"))) == 8

    used, draw = build.OPTIONAL["recipes"]
    facts = "key,value\nspace,tiny\ndata,digits\ndata_file,\nresolution,16\n"
    (results / "setup.csv").write_text(facts)
    origin.check(results)
    assert used(results)
    assert draw(results).axes[0].get_yticklabels()
    assert "the reference of tiny" in text.macros(results)["RecipesCaption"]
    (results / "setup.csv").write_text(facts.replace("16", "32"))
    assert not used(results)
    assert text.macros(results) == {"RecipesCaption": "", "RecipesSentences": ""}
    path = results / "recipes.csv"
    path.write_text(path.read_text().replace("base,3", "base,4"))
    with pytest.raises(ResultError, match="not the file that recipes_setup"):
        origin.check(results)


def test_a_stopped_study_ends_with_the_same_accuracies(
    run: Run, here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ('recipes.tried=["half_resolution=0.5 mixup=0.3"]', "recipes.seeds=1", "checkpoint_seconds=0")
    whole = read(run(*asked), TriedRecipe)
    batch, left = Dataset.batch, [5]

    def stops(data: Dataset, *asked: object) -> object:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return batch(data, *asked)  # type: ignore[arg-type]

    monkeypatch.setattr(Dataset, "batch", stops)
    stopped = here(recipes, f"runs={tmp_path / 'other'}", *TINY, *asked)
    assert stopped.code == 2
    assert "interrupted" in stopped.err
    done = here(recipes, f"runs={tmp_path / 'other'}", *TINY, *asked)
    assert "continues after 1 steps" in done.out
    rows = read(Path(done.out.strip().splitlines()[-1]), TriedRecipe)
    assert [row.accuracy for row in rows] == [row.accuracy for row in whole]


def test_a_hand_made_network_is_trained_too(run: Run) -> None:
    folder = run("recipes.network=resnet8", 'recipes.tried=["reflect=true"]', "recipes.seeds=1", "retrain.steps=1")
    assert [row.recipe for row in read(folder, TriedRecipe)] == [BASE, "reflect=true"]
    assert "network,resnet8" in (folder / text.SETUP).read_text()


def test_results_without_the_study_have_no_caption(tmp_path: Path) -> None:
    assert text.macros(tmp_path) == {"RecipesCaption": "", "RecipesSentences": ""}
