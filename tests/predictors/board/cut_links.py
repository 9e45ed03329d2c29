"""Links to a board that are cut while it measures."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager
from random import Random
from typing import Any

from predictors.board.device import Connection, Unreachable
from predictors.board.local_device import local
from predictors.board.resumable import resumable
from predictors.board.ssh import ssh
from predictors.timing.rounds import Protocol, Round, measure
from tests.predictors.board.sshd_lab import NET, Lab, until

FILES = {f"net{index}": NET + b" " * index for index in range(4)}  # the stub takes any file
SHORT = Protocol(min_rounds=8, max_rounds=8, sample_seconds=0.02, within=1e9)


def orders(rounds: Iterable[Round]) -> list[tuple[str, ...]]:
    return [r.order for r in rounds]


class Saboteur:
    """Connects to a board, and cuts each of the first `cuts` connections at a random moment."""

    def __init__(self, lab: Lab, seed: int, cuts: int) -> None:
        self.lab, self.rng, self.cuts = lab, Random(seed), cuts
        self.threads: list[threading.Thread] = []

    def __call__(self, again: bool) -> AbstractContextManager[Connection]:
        if self.cuts:
            self.cuts -= 1
            self.threads.append(threading.Thread(target=self.cut, args=(self.rng.uniform(0, 0.7),)))
            self.threads[-1].start()
        return ssh(self.lab.to, 1)

    def cut(self, after: float) -> None:
        time.sleep(after)
        assert until(self.lab.sessions)
        for pid in self.lab.sessions():
            os.kill(pid, signal.SIGKILL)


def measure_through_cuts(connect: Saboteur) -> None:
    """Checks that the rounds are the same as without cuts, each kept once, with its samples."""
    kept: list[Any] = []
    rounds: list[Round] = []
    while not rounds:  # if the first connection is cut, the command runs again
        with (
            contextlib.suppress(Unreachable),
            resumable(connect, list(kept), kept.append, [].append, [0.01] * 30) as board,
        ):
            rounds = list(measure(board, FILES, SHORT))
    for thread in connect.threads:
        thread.join()
    assert connect.cuts == 0
    with local(1) as board:
        uncut = orders(measure(board, dict.fromkeys(FILES, NET), SHORT))
    assert orders(rounds) == uncut
    assert [tuple(record["request"]["order"]) for record in kept] == uncut
    assert all(record["answer"]["samples"] for record in kept)
