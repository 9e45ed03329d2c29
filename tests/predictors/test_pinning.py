"""Tests which cores the agent runs on, with fake cores."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from predictors import agent
from predictors.agent import machine
from predictors.agent.pinning import pin
from predictors.board.local_device import local
from search_spaces.errors import LutraError

CPUS = "sys/devices/system/cpu"


@pytest.fixture
def bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Pretends that the agent may use eight cores; returns the list of those that it is bound to."""
    cores = list(range(8))

    def bind(pid: int, wanted: Iterable[int]) -> None:
        cores[:] = sorted(wanted)

    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {*cores}, raising=False)
    monkeypatch.setattr(os, "sched_setaffinity", bind, raising=False)
    monkeypatch.setattr(agent, "ROOT", tmp_path)
    monkeypatch.setattr(machine, "pinned", False)
    return cores


def clocks(root: Path, *khz: int | None, file: str = "cpufreq/cpuinfo_max_freq") -> None:
    for core, clock in enumerate(khz):
        path = root / CPUS / f"cpu{core}" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        if clock is not None:
            path.write_text(str(clock))


def test_the_named_cores_are_those_that_are_used(bound: list[int]) -> None:
    assert pin("4-6", 2) == {"cores": "4-6", "pinned": True}
    assert bound == [4, 5, 6]


@pytest.mark.parametrize(
    ("cores", "threads", "told"),
    [
        ("8", 1, "device.cores=8 names core 8, but the agent may use only 0-7"),
        ("6-9", 1, "names core 8-9, but"),
        ("4-5", 3, "device.threads=3 is more than the 2 cores that the agent may use .4-5"),
        ("", 9, "device.threads=9 is more than the 8 cores that the agent may use .0-7"),
        ("fast", 1, "'fast' is not a list of cores"),
        ("3-1", 1, "names no core"),
        (" ", 1, "not a list of cores"),
    ],
)
def test_cores_that_are_not_there_or_too_few_are_refused(bound: list[int], cores: str, threads: int, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        pin(cores, threads)
    assert bound == list(range(8))


@pytest.mark.parametrize("file", ["cpufreq/cpuinfo_max_freq", "cpu_capacity"])
def test_of_slow_and_fast_cores_the_fast_ones_are_used(bound: list[int], tmp_path: Path, file: str) -> None:
    clocks(tmp_path, *[1800] * 4, *[2400] * 3, 2350, file=file)
    assert pin("", 1) == {"cores": "4-7", "pinned": True}
    assert bound == [4, 5, 6, 7]


def test_more_threads_than_fast_cores_run_on_all(bound: list[int], tmp_path: Path) -> None:
    clocks(tmp_path, *[1800] * 4, *[2400] * 4)
    assert pin("", 5) == {"cores": "0-7", "pinned": False}


@pytest.mark.parametrize("khz", [[], [2400] * 8, [2400, *[2300] * 7], [1800, *[None] * 7]])
def test_cores_of_one_kind_or_unknown_are_left_to_the_scheduler(
    bound: list[int], tmp_path: Path, khz: list[int | None]
) -> None:
    clocks(tmp_path, *khz)
    assert pin("", 1) == {"cores": "0-7", "pinned": False}


def test_a_system_that_cannot_pin_says_so(bound: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_setaffinity")
    with pytest.raises(ValueError, match=r"leave device\.cores empty"):
        pin("0", 1)
    monkeypatch.setattr(os, "sched_setaffinity", lambda pid, wanted: None, raising=False)
    with pytest.raises(ValueError, match="did not bind the agent to cores 0 but to 0-7"):
        pin("0", 1)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot bind a process to cores")
def test_a_real_agent_runs_where_it_was_told_and_its_passport_says_so() -> None:
    core = str(max(os.sched_getaffinity(0)))
    with local(1, cores=core) as board:
        assert (board.passport["cores"], board.passport["pinned"]) == (core, True)
        assert board.ask("state")["cores"] == core
        assert os.sched_getaffinity(board._process.pid) == {int(core)}
    with (
        pytest.raises(LutraError, match=r"^this machine: device\.cores=4000 names core 4000") as caught,
        local(1, cores="4000"),
    ):
        pass
    assert "\n" not in str(caught.value)
