"""Campaigns that kill commands with SIGKILL at random moments, repeatedly, until one run finishes."""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from tests.commands import OUTSIDE, Command, Done, Finished, copy_steps
from tests.experiments.outcomes import UNROUNDED, ended, results, stamps, wait
from tests.experiments.swept_tables import COLUMNS, TABLES, new_tables
from tests.faults.campaign import FOLDER, Figures, campaign

MOST = 12  # kills of one run
EARLY = 40  # a run is killed at one of so many first events, at any event, or at any moment: each a third of the time
NEVER = 10**9


class Subject(NamedTuple):
    """A command, the finished steps that it starts from, and the kills of its campaign."""

    command: str
    before: tuple[str, ...]
    more: tuple[str, ...]  # arguments
    kills: int  # number of kills in a complete campaign


STEPS = ("measure", "train", "search", "compress", "benchmark", "report")
SUBJECTS = (
    Subject("measure", (), (), 60),
    Subject("train", ("measure",), ("train.steps=30", "checkpoint_seconds=0"), 160),
    Subject("search", STEPS[:2], (), 300),
    Subject("compress", STEPS[:3], (), 220),
    Subject("benchmark", (*STEPS[:4], "retrain"), (), 60),
    Subject("report", (*STEPS[:5], "retrain"), (), 150),
)


@pytest.mark.parametrize("subject", SUBJECTS if FOLDER else SUBJECTS[:1], ids=lambda subject: subject.command)
def test_a_killed_command_ends_as_if_it_was_not(
    subject: Subject, finished: Finished, command: Command, tmp_path: Path
) -> None:
    """The files are equal, no finished step or measured round is repeated, and nothing is left behind."""
    number = itertools.count()

    def started() -> tuple[Path, tuple[str, ...]]:
        runs = copy_steps(finished, tmp_path / f"runs{next(number)}", *subject.before)
        return runs, (*finished.arguments, *subject.more, f"runs={runs}")

    expected, undisturbed = dict[str, str](), Done(0, "", "", EARLY)
    if FOLDER:
        runs, arguments = started()
        undisturbed = command(subject.command, *arguments, die=(str(runs), NEVER))
        assert undisturbed.code == 0, undisturbed.err
        expected = results(runs)
    most, before = MOST if FOLDER else 1, "" if FOLDER else UNROUNDED

    def life(rng: Random) -> Figures:
        runs, arguments = started()
        for kills in range(most + 1):
            finished_before, rounds = stamps(runs), measured(runs)
            die = deadly(rng, runs, undisturbed) if kills < most else {}
            done = command(subject.command, *arguments, before=before, **die)
            assert finished_before.items() <= stamps(runs).items(), "a finished step was done again"
            assert measured(runs)[: len(rounds)] == rounds, "a measured round was lost"
            if done.code == 0:
                break
            assert done.code == -signal.SIGKILL, done.err
        assert results(runs) == expected, "other bytes"
        assert not [path for path in runs.rglob(".*") if path.name != ".lock"], "something was left behind"
        return {"kills": kills}

    campaign(f"kills-{subject.command}", "kills", subject.kills, 1, life)


def test_a_killed_sweep_ends_as_if_it_was_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No finished job runs again; the table and all files of the jobs are equal."""
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    number, tables, most = itertools.count(), *((TABLES, MOST) if FOLDER else (TABLES[:1], 3))
    undisturbed = new_tables(tmp_path / "undisturbed")
    assert undisturbed.start(undisturbed.arguments(tables)).end()[0] == 0
    assert len(undisturbed.results()) == len(tables) * len(COLUMNS) + 1

    def life(rng: Random) -> Figures:
        house = new_tables(tmp_path / f"house{next(number)}")
        for kills in range(most + 1):
            done = house.states()["done"]
            event = ("/", rng.randrange(1, 30 if FOLDER else 9)) if kills < most else ("", 0)
            code, out = house.start(house.arguments(tables), event).end()
            assert house.states()["running"] == house.states()["failed"] == 0
            assert house.states()["done"] >= done, "a finished job was lost"
            assert out.count("finished before") <= done
            if code == 0:
                break
            assert code == -signal.SIGKILL, out
        assert out.count("finished before") == done, "a finished job ran again"
        assert house.results() == undisturbed.results(), "other bytes"
        return {"kills": kills}

    campaign("kills-sweep", "kills", 60, 3, life)


def deadly(rng: Random, runs: Path, undisturbed: Done) -> dict[str, object]:
    """Chooses how one run is killed: at a file in `runs` that it opens or renames, or after some processor seconds."""
    last = rng.choice((EARLY, undisturbed.events, 0))
    if last or not undisturbed.seconds:
        return {"die": (str(runs), rng.randint(1, min(last, undisturbed.events) or EARLY))}
    moment, kill = undisturbed.seconds * rng.random(), rng.choice((os.kill, os.killpg))

    def meanwhile(group: int) -> None:
        wait(lambda: processor_seconds(group) >= moment)
        with contextlib.suppress(ProcessLookupError):
            kill(group, signal.SIGKILL)
        wait(lambda: ended(group))  # an agent must notice that only its host was killed

    return {"meanwhile": meanwhile}


def processor_seconds(process: int) -> float:
    """Those that the process has used; infinitely many if it has ended."""
    try:
        state, *fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return math.inf
    return math.inf if state == "Z" else (int(fields[10]) + int(fields[11])) / os.sysconf("SC_CLK_TCK")


def measured(runs: Path) -> bytes:
    """Returns the complete lines of the rounds that are kept."""
    return b"".join(path.read_bytes().rpartition(b"\n")[0] for path in sorted(runs.glob("measure/*/rounds.jsonl")))


def test_killed_processes_of_torchrun_leave_nobody_who_trains_on(
    finished: Finished, house_of_workers: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    """Whichever process is killed, all end within ten seconds, and the same command then gives the same bytes.

    The second half starts torchrun three times, so only a complete campaign tests it.
    """
    number = itertools.count()
    long = ("train.steps=60", "checkpoint_seconds=0")
    expected = tmp_path / "undisturbed"
    if FOLDER:
        assert house_of_workers(*finished.arguments, *long, f"runs={expected}").wait() == 0

    def life(rng: Random) -> Figures:
        runs = tmp_path / f"runs{next(number)}"
        started = house_of_workers(*finished.arguments, *long, f"runs={runs}")
        wait(lambda: bool(list(runs.glob("train/*/.checkpoint"))))
        workers = children(started.pid)
        assert len(workers) == 2
        time.sleep(rng.random() / 4)
        with contextlib.suppress(ProcessLookupError):
            os.kill(rng.choice([started.pid, started.pid, *workers]), signal.SIGKILL)
        started.wait()
        deadline = time.monotonic() + 10
        while left := [worker for worker in workers if Path(f"/proc/{worker}/cmdline").exists()]:
            assert time.monotonic() < deadline, f"processes {left} train on"
            time.sleep(0.05)
        if FOLDER:
            assert house_of_workers(*finished.arguments, *long, f"runs={runs}").wait() == 0
            assert results(runs) == results(expected), "other bytes"
        return {"kills": 1}

    campaign("kills-torchrun", "kills", 4, 1, life)


def children(parent: int) -> list[int]:
    """Returns the running child processes of a process."""
    text = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(pid) for pid in text.split()]


@pytest.fixture
def house_of_workers(house: Path) -> Callable[..., subprocess.Popen[str]]:
    """Returns a function that starts experiments.train in two processes."""

    def start(*arguments: str) -> subprocess.Popen[str]:
        torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m", "experiments.train")
        return subprocess.Popen(
            [sys.executable, *torchrun, *arguments],
            cwd=house,
            env=OUTSIDE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    return start
