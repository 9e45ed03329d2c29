"""Tests the benchmark `gpu` on a CPU, in its smallest setting: its parts run, and an interrupted one continues."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from experiments.bench import _gpu_correctness, _gpu_macro, _gpu_run, gpu
from experiments.bench._gpu_run import Run
from experiments.bench._plain_torch import Plain, block
from experiments.config.registry import STRATEGIES
from search_spaces.costs import parameters
from search_spaces.errors import LutraError
from search_spaces.layers import Attention
from search_spaces.spaces.edge import edge
from search_spaces.spaces.mobile import mobile
from search_spaces.spaces.nasbench_macro import nasbench_macro
from search_spaces.spaces.tiny import tiny

CPU = torch.device("cpu")


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Arguments that run a part in this process; its trainings are not timed long."""
    monkeypatch.setattr(_gpu_run, "WARM", 1)
    monkeypatch.setattr(_gpu_run, "TIMED", 1)
    monkeypatch.setattr(_gpu_macro, "SMOKE_NETWORKS", 4)
    monkeypatch.setattr(_gpu_macro, "RESAMPLES", 9)
    monkeypatch.setattr(gpu, "BATCHES", {True: (2,)})
    monkeypatch.setattr(gpu, "STEPS", {True: 1})
    monkeypatch.setattr(gpu, "SPACES", {"edge": tiny})
    return ["smoke=true", f"out={tmp_path / 'out'}", f"work={tmp_path / 'work'}", "model=vit"]


def claims(words: list[str], capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    gpu.main(words)
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


@pytest.mark.parametrize("name", ["speed", "macro", "long"])
def test_a_part_runs_and_is_not_run_again(
    name: str, words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu.main([*words, f"part={name}", "limit=60"])
    monkeypatch.setattr(gpu, "_start", lambda *asked: pytest.fail("it ran again"))
    found = claims([*words, f"part={name}"], capsys)
    assert found
    assert all(one["value"] == one["value"] for one in found)


def test_an_interrupted_part_continues(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(CPU, 60, tmp_path / "part", True, {})
    done: list[str] = []

    def work(name: str) -> Callable[[], dict[str, Any]]:
        def do() -> dict[str, Any]:
            if name == "b" and "b" not in done:
                done.append(name)
                raise KeyboardInterrupt
            done.append(name)
            return {"value": len(done)}

        return do

    works = {name: work(name) for name in "abc"}
    with pytest.raises(KeyboardInterrupt):
        list(run.journaled("log", works))
    assert [row["value"] for row in run.journaled("log", works)] == [1, 3, 4]
    assert done == ["a", "b", "b", "c"]
    assert [run.steps("x", lambda: 2), run.steps("x", lambda: 1)] == [2, 2]


def test_every_algorithm_is_checked() -> None:
    names = [name for name, _, _ in _gpu_correctness.checks(CPU, ["tiny"])]
    assert {f"tiny: {name}" for name in (*STRATEGIES, "qat", "pruning", "population", "sandwich")} < {*names}


@pytest.mark.parametrize("what", ["tiny: training", "tiny: population", "tiny: random"])
def test_a_difference_is_found(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def measured() -> float:
        (found,) = (one for one in _gpu_correctness.checks(CPU, ["tiny"]) if one[0] == what)
        return found[1]()

    assert measured() == 0
    drawn = _gpu_correctness.images
    ways = iter([False, True])
    monkeypatch.setattr(
        _gpu_correctness,
        "images",
        lambda device: (drawn(device)[0].flip(0) if next(ways) else drawn(device)[0], drawn(device)[1]),
    )
    assert measured() > _gpu_correctness.USUAL_TOLERANCE


def test_without_a_gpu_nothing_begins(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(LutraError, match="needs a GPU"):
        gpu.main([f"out={tmp_path}", f"work={tmp_path}"])
    with pytest.raises(LutraError, match="minutes must be a number"):
        gpu.main(["smoke=true", "minutes=x", f"out={tmp_path}"])
    assert [*tmp_path.iterdir()] == []


def test_a_part_that_takes_too_long_is_ended(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    found = claims(["smoke=true", "minutes=0.0001", f"out={tmp_path}", f"work={tmp_path}", "part=long"], capfd)
    assert found == []


# Plain torch, which the speed is compared with


@pytest.mark.parametrize("make", [edge, mobile, nasbench_macro])
def test_plain_networks_have_the_same_layers(make: Callable[..., Any]) -> None:
    space = make(3, 32, 10)
    for options in space.layers:
        for spec in options:
            if spec.convs and spec.in_channels < 80:
                assert sum(weight.numel() for weight in block(spec).parameters()) == parameters([spec]), spec
    x = torch.randn(2, 3, 32, 32)
    for arch in (space.reference, space.smallest):
        network: nn.Module = Plain(space.decode(arch))
        assert network(x).shape == (2, 10)
    attention = next((spec for row in space.layers for spec in row if isinstance(spec, Attention)), None)
    if attention is not None:
        maps = torch.randn(2, attention.in_channels, attention.resolution, attention.resolution)
        assert block(attention)(maps).shape == maps.shape
