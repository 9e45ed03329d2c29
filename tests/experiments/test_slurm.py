"""Tests a sweep in a real Slurm, where there is one: tests/slurm_node.sh turns this machine into a node."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from experiments.sweep.jobs import jobs_of
from tests.commands import ROOT


def slurm_runs() -> bool:
    """Whether a Slurm answers. `sinfo` waits ten seconds for one that was stopped, so our own is looked for first."""
    conf = Path("/etc/slurm/slurm.conf")
    ours = conf.exists() and conf.read_text().startswith("# lutra")
    if not shutil.which("sinfo") or (ours and subprocess.run(["pidof", "slurmctld"], capture_output=True).returncode):
        return False
    try:
        return "idle" in subprocess.run(["sinfo", "-h", "-o", "%t"], capture_output=True, text=True, timeout=10).stdout
    except subprocess.TimeoutExpired:
        return False


def test_a_sweep_through_slurm_keeps_its_states_and_resumes(tmp_path: Path) -> None:
    if not slurm_runs():
        pytest.skip("no Slurm runs here: tests/slurm_node.sh")
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("ops,accuracy_percent,rpi4_ms\n00,90,1\n01,95,2\n")
    bad.write_text("ops,accuracy_percent,rpi4_ms\nx,90,1\n")
    started = [sys.executable, "-m", "experiments.exact", "--multirun", "hydra/launcher=submitit_slurm"]
    started += [f"runs={tmp_path / 'runs'}", f"exact.csv={good},{bad}"]
    for ends in (2, 0):
        done = subprocess.run(started, cwd=ROOT, capture_output=True, text=True)
        jobs = jobs_of(tmp_path / "runs" / "sweeps" / "exact")
        assert done.returncode == ends, done.stderr
        if ends:
            assert done.stderr.splitlines()[-1] == f"error: 1 of 2 jobs failed: exact.csv={bad}"
            assert Counter(job.state for job in jobs) == {"done": 1, "failed": 1}
            began = {job.asked: job.started for job in jobs if job.state == "done"}
            bad.write_text(good.read_text())
    assert Counter(job.state for job in jobs) == {"done": 2}
    assert began.items() <= {job.asked: job.started for job in jobs}.items()
