"""Campaign on training: killed at a random moment and resumed, it gives the same weights, bit for bit."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.commands import Command, Done, Finished
from tests.experiments.test_experiments import results, wait
from tests.faults.campaign import Figures, campaign


def test_training_resumes_from_any_moment(finished: Finished, command: Command, tmp_path: Path) -> None:
    """The figures are the seconds of training, without the start of the command, and those of an uninterrupted
    run."""
    number = itertools.count()

    def train(runs: Path, meanwhile: Callable[[int], None] | None = None) -> tuple[Done, float]:
        begin = time.monotonic()
        longer = ("train.steps=40", "checkpoint_seconds=0.1")
        done = command("train", *finished.arguments, *longer, f"runs={runs}", meanwhile=meanwhile)
        return done, time.monotonic() - begin

    whole = tmp_path / "undisturbed"
    done, undisturbed = train(whole)
    assert done.code == 0, done.err
    _, start = train(whole)

    def resumed(rng: Random) -> Figures:
        runs, share = tmp_path / f"runs{next(number)}", 0.9 * rng.random()

        def kill(group: int) -> None:
            wait(lambda: bool(list(runs.glob("train/*/.checkpoint"))))
            time.sleep(share * max(0.0, undisturbed - start))
            with contextlib.suppress(ProcessLookupError):  # it may have ended already
                os.killpg(group, signal.SIGKILL)

        first, before = train(runs, kill)
        second, after = train(runs)
        assert first.code in (0, -signal.SIGKILL), first.err
        assert second.code == 0, second.err
        assert first.code == 0 or "continues after" in second.out, "the training began anew"
        assert results(runs) == results(whole), "other weights"
        killed = first.code != 0
        return {
            "resumes": killed,
            "seconds": killed * (before + after - 2 * start),
            "undisturbed_seconds": killed * (undisturbed - start),
        }

    campaign("resumed-training", "resumes", 50, 1, resumed)
