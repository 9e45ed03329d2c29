"""Tests that a frozen link is noticed, and that a killed host leaves no agent; tests/faults cuts links."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from predictors.board.device import Unreachable
from predictors.board.ssh import ssh
from tests.predictors.board.sshd_lab import Lab, needs_sshd, until


@needs_sshd
def test_a_frozen_link_is_noticed_on_both_sides(quick: Lab) -> None:
    """The agent ends although its end of the link stays open; the lock is free for a new connection."""
    to = replace(quick.to, patience=4)
    with ssh(to, 1) as board:
        board.load("net", b"any")
        (session,) = quick.sessions()
        os.kill(session, signal.SIGSTOP)
        try:
            with pytest.raises(Unreachable, match=r"no sign of life|cannot be reached"):
                board.round(["net"] * 200, 0.02)
            assert until(lambda: not quick.agents())
            with ssh(to, 1) as again:
                again.lock()
                assert again.passport
        finally:
            os.kill(session, signal.SIGKILL)


@needs_sshd
def test_a_killed_host_leaves_no_agent(quick: Lab) -> None:
    program = (
        f"import sys; from predictors.board.ssh import *\nwith ssh({quick.to!r}, 1) as b:\n"
        "  b.load('net', b'any'); print('loaded', flush=True); b.round(['net'] * 1000, 0.02)"
    )
    host = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert host.stdout is not None
    with host.stdout:
        assert host.stdout.readline() == b"loaded\n"
    assert quick.agents()
    host.kill()
    host.wait()
    assert until(lambda: not quick.agents())
