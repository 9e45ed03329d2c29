"""Campaign on training: killed at a random moment and resumed, it gives the same weights, bit for bit."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import time
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.commands import Command, Done, Finished
from tests.experiments.outcomes import results, trained, wait
from tests.faults.campaign import FOLDER, Figures, campaign
from tests.faults.test_kills import NEVER, processor_seconds

PARTS = 2  # of the campaign, for two of pytest's workers


@pytest.mark.parametrize("part", range(PARTS if FOLDER else 1))
def test_training_resumes_from_any_moment(part: int, finished: Finished, command: Command, tmp_path: Path) -> None:
    """The figures are the seconds of training, without the start of the command, and those of an uninterrupted
    run. The fast share kills the pipeline's training when it opens a file, and has no figures."""
    runs_of = (tmp_path / f"runs{number}" for number in itertools.count())
    longer = ("train.steps=120", "checkpoint_seconds=0.1") if FOLDER else ("checkpoint_seconds=0",)

    def train(runs: Path, **killed: Any) -> tuple[Done, float]:
        begin = time.monotonic()
        done = command("train", *finished.arguments, *longer, f"runs={runs}", **killed)
        return done, time.monotonic() - begin

    whole, undisturbed, start = tmp_path / "undisturbed", 0.0, 0.0
    trains = starts = Done(0, "", "")
    if FOLDER:
        train(tmp_path / "first")  # a clone's first command is slower
        trains, undisturbed = train(whole, die=(str(tmp_path), NEVER))
        assert trains.code == 0, trains.err
        starts, start = train(whole, die=(str(tmp_path), NEVER))
    expected = results(whole) if FOLDER else trained(finished)

    def resumed(rng: Random) -> Figures:
        runs, share = next(runs_of), 0.95 * rng.random()
        moment = starts.seconds + share * (trains.seconds - starts.seconds)
        at_a_file = {"die": ("/.checkpoint", rng.randint(4, 14))}
        first, before = train(runs, **({"meanwhile": partial(kill, runs, moment)} if FOLDER else at_a_file))
        assert first.code in (0, -signal.SIGKILL), first.err
        killed = not list(runs.glob("train/*/manifest.json"))  # otherwise the step was finished before
        second, after = train(runs)
        assert second.code == 0, second.err
        assert not killed or "continues after" in second.out, "the training began anew"
        assert results(runs) == expected, "other weights"
        assert not list(runs.rglob(".checkpoint"))
        seconds = {"seconds": before + after - 2 * start, "undisturbed_seconds": undisturbed - start}
        return {"resumes": killed} | {name: killed * value for name, value in seconds.items()}

    campaign(f"resumed-training-{part}", "resumes", 50 // PARTS, 1, resumed)


def kill(runs: Path, moment: float, group: int) -> None:
    """Kills a training after so many processor seconds, but not before its first checkpoint."""
    wait(lambda: bool(list(runs.glob("train/*/.checkpoint"))))
    while processor_seconds(group) < moment:
        time.sleep(0.05)  # looking more often would slow the training down
    with contextlib.suppress(ProcessLookupError):  # it may have ended already
        os.killpg(group, signal.SIGKILL)
