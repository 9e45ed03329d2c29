"""Tests that a mistake on the command line is one line that helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.steps.compress import compress
from experiments.steps.plan import search, train
from tests.commands import Command, Finished, copy_steps
from tests.experiments.outcomes import Refused, one_line


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("sede=1", "no key 'sede'; did you mean 'seed'?"),
        ("train.stpes=1", "did you mean 'train.steps'?"),
        ("+new=1", "no key 'new'"),
        ("strategy=evolutoin", "no strategy 'evolutoin'; did you mean 'evolution'?"),
        ("strategy.name=evolutoin", "no strategy 'evolutoin'; did you mean 'evolution'?"),
        ("strategy.options.populaton=5", "no option of evolution 'populaton'; did you mean 'population'?"),
        ("+strategy.options.populaton=5", "no option of evolution 'populaton'; did you mean 'population'?"),
        ("strategy.options.population=many", "strategy.options.population=many has the wrong type"),
        ("strategy.options.population=0", "strategy.options.population=0 is out of range: give a whole number from 1"),
        ("space=tinny", "no space 'tinny'; did you mean 'tiny'?"),
        ("data=cifar", "no data 'cifar'; did you mean 'cifar10'?"),
        ("device=locl", "no device 'locl'; did you mean 'local'?"),
        ("objective=boundd", "no objective 'boundd'; did you mean 'bounded'?"),
        ("experiment=smok", "no experiment 'smok'; did you mean 'smoke'?"),
        ("precision=int4", "no precision 'int4'; did you mean 'int8'?"),
        ("ignore=[onnx]", "no key to ignore 'onnx'; did you mean 'onnxruntime'?"),
        ("seed=abc", "seed=abc"),
        ("train.steps=1.5", "train.steps=1.5"),
        ("seed=0,1", "--multirun"),
        ("data=image_folder", "data.path"),
        ("data.path=MY/IMAGES", "add data=image_folder"),
        ("compress.prune.keep=2", "compress.prune.keep=2 is out of range: give a number from 0.01 to 1"),
        ("compress.quantize.float_layers=tim", "did you mean 'time'"),
        ("compress.quantize={kind: fp16, float_layers: both}", "apply to static INT8, not to fp16"),
        ("hand_made.saved=[2]", "hand_made.saved=2 is out of range: give a list in brackets"),
        ("compress.stages=[prun]", "did you mean 'prune'"),
        ("compress.stages=[quantize,finetune]", "quantize writes the deployed file"),
        ("model=resnet50", "There are: winner, mobilenet_v2"),
        ("compress.prune.saved=2", "from 0 to 1"),
        ("model=resnet8", "add compress.prune.rule=depgraph"),
        ("compress.stages=[cluster,finetune]", "put cluster last"),
        ("search.budget=0", "search.budget=0 is out of range: give a whole number from 1 to 1,000,000"),
        ("search.validation=-1", "search.validation=-1 is out of range"),
        ("data.validation=2", "data.validation"),
        ("table=nowhere.json", "no table at nowhere.json"),
        ("runs=/dev/null/runs", "/dev/null/runs"),
        ("runs=", "runs is empty"),
    ],
)
def test_a_mistake_is_one_line_that_helps(argument: str, said: str, refused: Refused) -> None:
    assert said in refused(search, argument)


def test_a_run_that_is_none_is_refused(tmp_path: Path, refused: Refused) -> None:
    said = refused(compress, f"run={tmp_path}")
    assert all(word in said for word in (str(tmp_path), "winner.json", "run="))


def test_a_mistake_on_the_real_command_line(command: Command, tmp_path: Path) -> None:
    done = command("pipeline", f"runs={tmp_path}", "strategy=darst")
    assert (done.code, done.out) == (2, "")
    assert "did you mean 'darts'?" in one_line(done.err)


def test_a_changed_file_is_never_used(finished: Finished, refused: Refused, tmp_path: Path) -> None:
    runs = copy_steps(finished, tmp_path / "damaged", "train")
    (path,) = runs.glob("train/*/supernet.safetensors")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert f"{path} was changed since it was made; delete {path.parent}" in refused(
        train, *finished.arguments, f"runs={runs}"
    )
