"""Tests commands in bad surroundings: they end with the same files, or with one line that says what is wrong."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.commands import OUTSIDE, Command, Done, Finished, copy_steps
from tests.experiments.outcomes import results, trained
from tests.faults.campaign import FOLDER
from tests.faults.surroundings import (
    ALL,
    FEW,
    REFUSING,
    Setting,
    Surroundings,
    another_user,
    given_away,
    read_only_disk,
)


@pytest.mark.parametrize("setting", ALL if FOLDER else FEW, ids=lambda setting: setting.__name__)
def test_a_command_ends_alike_or_says_why_not(
    setting: Setting, finished: Finished, command: Command, tmp_path: Path
) -> None:
    with contextmanager(setting)(tmp_path) as surroundings:
        if setting is another_user:
            surroundings.runs.mkdir()
            given_away(surroundings.runs)
        done = train(surroundings, finished, command)
        assert "Traceback" not in done.err
        if done.code == 0:
            assert results(surroundings.runs) == trained(finished)
        else:
            assert done.code == 2, done.err
            assert done.err.startswith("error: "), done.err
            assert done.err.count("\n") == 1, done.err
            assert not list(surroundings.runs.rglob("supernet.safetensors"))
        assert (done.code == 0) == (setting not in REFUSING)


@pytest.mark.parametrize("setting", [read_only_disk, another_user], ids=lambda setting: setting.__name__)
def test_finished_steps_are_used_where_nothing_can_be_written(
    setting: Setting, finished: Finished, command: Command, tmp_path: Path
) -> None:
    with contextmanager(setting)(tmp_path) as surroundings:
        if setting is read_only_disk:
            disk = surroundings.runs.parent
            subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
            copy_steps(finished, surroundings.runs, "train")
            subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        else:
            copy_steps(finished, surroundings.runs, "train")
            given_away(surroundings.runs)
        done = train(surroundings, finished, command)
        assert (done.code, done.err) == (0, "")


def train(surroundings: Surroundings, finished: Finished, command: Command) -> Done:
    """Starts Python anew only where the surroundings are those of a whole process."""
    arguments = (*finished.arguments, f"runs='{surroundings.runs}'")
    if not (surroundings.prefix or surroundings.environment or surroundings.unset):
        return command("train", *arguments, before=surroundings.before)
    kept = {key: value for key, value in OUTSIDE.items() if key not in surroundings.unset}
    done = subprocess.run(
        [*surroundings.prefix, sys.executable, "-m", "experiments.train", *arguments],
        cwd=finished.house,
        env=kept | surroundings.environment,
        capture_output=True,
        text=True,
    )
    return Done(done.returncode, done.stdout, done.stderr)
