"""Tests networks that are trained at the same time: they are the same networks, and no process is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from experiments.compute.parallel_training import train_all
from experiments.config import Config
from experiments.steps.compress import training_runs
from experiments.steps.plan import retrain
from experiments.store.looking import NotMade, looking, only_looks
from search_spaces.errors import LutraError
from search_spaces.spaces.tiny import tiny
from search_spaces.training.recipe import NetworkRecipe
from tests.commands import ROOT
from tests.experiments.outcomes import wait

ENDLESS = """
import os, sys, time
from functools import partial
from pathlib import Path
from experiments.compute.parallel_training import train_all
from experiments.store.looking import NotMade, only_looks

def never_ends(folder):
    if only_looks():
        raise NotMade("not finished")
    (folder / str(os.getpid())).touch()
    time.sleep(1000)

train_all([partial(never_ends, Path(sys.argv[1]))] * 2, 2)
"""


def test_networks_trained_at_the_same_time_are_those_trained_in_turn(tmp_path: Path) -> None:
    """Bit for bit; and a finished one is not trained again."""
    space, recipe = tiny(1, 16, 10), NetworkRecipe(steps=3, batch=16, learning_rate=0.1)
    weights = []
    for jobs in (1, 2):
        config = Config(runs=str(tmp_path / str(jobs)), threads=1, retrain=recipe)
        trainings = [partial(retrain, config, arch) for arch in (space.smallest, space.largest)]
        train_all(trainings, jobs)
        made = {path: path.stat().st_mtime_ns for path in tmp_path.glob(f"{jobs}/retrain/*/*.safetensors")}
        train_all(trainings, jobs)
        assert {training() for training in trainings} == set(made)
        assert all(path.stat().st_mtime_ns == then for path, then in made.items())
        weights.append([training().read_bytes() for training in trainings])
    assert weights[0] == weights[1]


@pytest.mark.parametrize(
    ("stages", "float_layers", "runs"),
    [
        ([], "time", []),
        (["quantize"], "time", []),
        (["finetune", "quantize"], "time", [["finetune"]]),
        (["prune", "finetune", "sparsify", "quantize"], "time", [["finetune", "sparsify"]]),
        (["finetune", "lowrank", "cluster"], "time", [["finetune"], ["cluster"]]),
        (["finetune", "qat", "quantize"], "time", [["finetune"]]),
        (["finetune", "qat", "quantize"], "none", [["finetune", "qat"]]),
    ],
)
def test_stages_that_time_files_are_never_done_beside_trainings(
    stages: list[str], float_layers: str, runs: list[list[str]]
) -> None:
    quantize = replace(Config().compress.quantize, float_layers=float_layers)
    config = replace(Config(), compress=replace(Config().compress, quantize=quantize))
    assert [stages[slice(*places)] for places in training_runs(config, stages)] == runs


def _missing(name: str) -> Path:
    """A training that fails in its own process."""
    if only_looks():
        raise NotMade(name)
    raise LutraError(f"{name} is missing")


def _killed() -> Path:
    if only_looks():
        raise NotMade("killed")
    os.kill(os.getpid(), signal.SIGKILL)
    return Path()


def test_a_command_that_only_looks_trains_nothing(tmp_path: Path) -> None:
    """Also where `jobs` would start other processes, which do not know that it only looks."""
    space, config = tiny(1, 16, 10), Config(runs=str(tmp_path))
    trainings = [partial(retrain, config, arch) for arch in (space.smallest, space.largest)]
    with looking(), pytest.raises(NotMade):
        train_all(trainings, 2)
    assert not any(tmp_path.rglob("*"))


def test_an_error_of_one_training_is_that_of_the_command() -> None:
    with pytest.raises(LutraError, match="it is missing"):
        train_all([partial(_missing, "it")] * 2, 2)


def test_a_killed_training_is_one_line_that_names_the_key() -> None:
    with pytest.raises(LutraError, match="lower jobs"):
        train_all([_killed, _killed], 2)


def test_a_killed_command_leaves_no_training_behind(tmp_path: Path) -> None:
    words = [sys.executable, "-c", ENDLESS, str(tmp_path)]
    process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.DEVNULL)
    wait(lambda: len(list(tmp_path.iterdir())) == 2)
    process.kill()
    process.wait()
    wait(lambda: not any(_lives(int(one.name)) for one in tmp_path.iterdir()))


def _lives(process: int) -> bool:
    """Whether a process exists; one that has ended may still wait for its new parent to notice."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
