"""Tests boards behind a real sshd on this machine."""

from __future__ import annotations

import os
import re
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from predictors.board.local_device import local
from predictors.board.memory import peak_memory
from predictors.board.outputs import outputs
from predictors.board.ssh import ssh
from tests.predictors.board.sshd_lab import NET, Lab, needs_sshd, until


@needs_sshd
def test_a_board_behind_ssh_computes_what_this_machine_computes(lab: Lab) -> None:
    images = np.random.default_rng(0).standard_normal((2, 1, 16, 16), dtype=np.float32)
    with ssh(lab.to, 1) as far, local(1) as near:
        assert (outputs(far, {"net": NET}, images)["net"] == outputs(near, {"net": NET}, images)["net"]).all()
        assert far.round(["net"], 0.001)["samples"][0][0] > 0
        assert far.passport == near.passport
        there, here = (peak_memory(board, {"net": NET})["net"].peak_bytes for board in (far, near))
    assert there == pytest.approx(here, rel=0.05)
    assert until(lambda: not lab.agents())


@needs_sshd
def test_one_measuring_at_a_time(quick: Lab) -> None:
    """The second one is told of the first, gets the passport at once, and continues when the first has ended."""
    said: list[str] = []
    with ssh(quick.to, 1) as second:
        with ssh(quick.to, 1) as first:
            first.lock()
            holder = [pid for pid in quick.agents() if Path(f"/proc/{pid}/fd").exists() and locks(pid, quick)]
            waiting = threading.Thread(target=second.lock, args=(said.append,))
            waiting.start()
            assert until(lambda: said)
            assert second.passport == first.passport
            assert waiting.is_alive()
        waiting.join(20)
        assert not waiting.is_alive()
    (line,) = said
    assert re.fullmatch(
        rf"board is in use by another measurement \(process {holder[0]} of \w+, for \d+ s\); waiting until it is free",
        line,
    )


def locks(pid: int, lab: Lab) -> bool:
    """Whether a process has the lock's file open."""
    names = [os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd")]
    return str(lab.folder / "machine.lock") in names


@needs_sshd
def test_an_idle_connection_outlives_its_patience(quick: Lab) -> None:
    with ssh(replace(quick.to, patience=4), 1) as board:
        assert board.passport
        time.sleep(5)
        assert board.ask("ping") == {}


@needs_sshd
def test_a_board_that_greets_is_understood_and_its_exit_code_is_not(quick: Lab) -> None:
    script = f"echo 'LUTRA 12 welcomes you'; echo noise >&2; {quick.to.python} \"$@\"; exit 255"
    with ssh(replace(quick.to, python=quick.python("greeting", script)), 1) as board:
        assert board.passport


@needs_sshd
def test_a_hostile_folder_is_a_folder(quick: Lab) -> None:
    name = f"{quick.folder}/home/$(touch canary) ;touch canary; 'x' -oProxyCommand=x"
    with ssh(replace(quick.to, folder=name), 1) as board:
        assert board.passport
    assert (Path(name) / "agent.py").exists()
    assert not [*quick.folder.rglob("canary"), *Path().glob("canary"), *Path.home().glob("canary")]
