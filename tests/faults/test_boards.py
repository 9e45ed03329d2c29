"""Campaigns on boards behind a real sshd: wrong answers, and links that are cut at random."""

from __future__ import annotations

import itertools
import resource
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from predictors.board.resumable import resumable
from predictors.board.ssh import ssh
from predictors.timing.rounds import Round, measure, summarize
from search_spaces.errors import LutraError
from tests.faults import malicious_agent
from tests.faults.campaign import FOLDER, Figures, campaign
from tests.predictors.board.cut_links import FILES, SHORT, Saboteur, measure_through_cuts, orders
from tests.predictors.board.sshd_lab import Lab, needs_sshd, until

MORE = 200e6  # bytes that a malicious board may make the host use, at most
PARTS = 3  # of the campaign of answers; they run side by side, because they mostly wait
FEW = replace(SHORT, min_rounds=3, max_rounds=3)


@needs_sshd
@pytest.mark.parametrize("part", range(PARTS if FOLDER else 1))
def test_a_malicious_board_is_refused_in_one_line_or_harmless(quick: Lab, part: int) -> None:
    """The answers that are kept are measurements, and the next command can resume from them."""
    number = itertools.count()
    honest = quick.to.python
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with ssh(quick.to, 1) as board:
        expected = orders(measure(board, FILES, FEW))

    def session(rng: Random) -> Figures:
        count = next(number)
        script = f"exec {shlex.quote(sys.executable)} {malicious_agent.__file__} {rng.random()}"
        bad = quick.python(f"malicious{count}", f'PYTHONPATH={quick.folder}/stubs {script} "$@"')
        kept, told = list[Any](), list[str]()

        def measured(python: str, patience: float) -> list[Round]:
            def connect(again: bool) -> Any:
                return ssh(replace(quick.to, python=python, patience=patience), 1, told.append)

            with resumable(connect, list(kept), kept.append, told.append, [0.01]) as board:
                rounds = list(measure(board, FILES, FEW))
                summarize(rounds)
                return rounds

        try:
            measured(bad, patience=1)
        except LutraError as error:
            told.append(str(error))
        assert all(line.isprintable() for line in told), told
        assert orders(measured(honest, patience=15)) == expected
        assert until(lambda: not quick.agents(), 20), "an agent was left behind"
        more = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used)
        assert more < MORE, f"{more / 1e6:.0f} MB more than before"
        Path(bad).unlink()
        return {"answers": 1}

    campaign(f"board-{part}", "answers", 300 // PARTS, 3, session)


@needs_sshd
def test_cut_and_frozen_links_lose_no_round(quick: Lab) -> None:
    def session(rng: Random) -> Figures:
        cuts = 5
        measure_through_cuts(Saboteur(quick, rng.getrandbits(32), cuts))
        assert until(lambda: not quick.agents(), 20), "an agent was left behind"
        return {"cuts": cuts}

    campaign("links", "cuts", 50, 5, session)
