"""Compares the supernet's training step and the evaluation of a population with an earlier commit of this repository.

Each commit runs in its own process, from a git worktree; both do the same work with the same seed, in turns. The
measure is CPU time on one thread, which a busy machine disturbs less than wall time.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from operator import truediv
from pathlib import Path
from random import Random

from experiments.display.progress import track
from search_spaces.errors import LutraError

COMMIT = "7732252"  # the last one before layers became graphs
BAR = 1.03  # times that commit's CPU time
ROUNDS = {"step": 40, "population": 40}  # after one warm-up each
NAMES = {"step": "a sandwich step of mobile's supernet", "population": "judging a population of 8"}
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1)}  # as in `experiments.train`
ROOT = Path(__file__).resolve().parents[2]
IMPORTS = {  # where each tree has what the worker needs
    "then": """
from search_spaces.mobile import mobile
from search_spaces.population import accuracies
from search_spaces.sandwich import sandwich
from search_spaces.supernet import Supernet
from search_spaces.training import Recipe, Training, fit
""",
    "now": """
from search_spaces.networks.population import accuracies
from search_spaces.networks.supernet import Supernet
from search_spaces.spaces.mobile import mobile
from search_spaces.training.loop import Recipe, Training, fit
from search_spaces.training.rules.sandwich import sandwich
""",
}
WORKER = """
import sys, time
from random import Random
import torch

torch.set_num_threads(1)
torch.manual_seed(0)
space, rng = mobile(3, 32, 10), Random(0)
supernet, images, labels = Supernet(space), torch.randn(200, 3, 32, 32), torch.arange(200) % 10
images = images.contiguous(memory_format=torch.channels_last)
recipe, rule = Recipe(10_000, 64, 0.001), sandwich(supernet, space, 0.1, 0)
training = fit(Training(supernet, recipe), lambda step: (images[:64], labels[:64]), rule)
parent = space.sample(rng)
archs = [parent, *(space.mutate(parent, rng) for _ in range(7))]
work = {"step": lambda: next(training), "population": lambda: accuracies(supernet, images, (images, labels), archs)}
print("ready", flush=True)
for line in sys.stdin:
    start = time.process_time()
    work[line.strip()]()
    print(time.process_time() - start, flush=True)
"""


def cpu_seconds() -> dict[str, dict[str, list[float]]]:
    """By work and by tree ("now", "then"). Raises LutraError if the repository lacks the commit."""
    with worktree(COMMIT) as then:
        workers = {name: _worker(folder, IMPORTS[name]) for name, folder in (("then", then), ("now", ROOT))}
        seconds: dict[str, dict[str, list[float]]] = {what: {name: [] for name in workers} for what in ROUNDS}
        order = Random(0)
        for what, rounds in ROUNDS.items():
            for index in track(range(rounds + 1), NAMES[what], rounds + 1):
                for name in order.sample(list(workers), len(workers)):
                    spent = float(_answer(workers[name], what))
                    seconds[what][name] += [spent] if index else []
        for worker in workers.values():
            worker.communicate()
    return seconds


def claims(seconds: Mapping[str, Mapping[str, list[float]]]) -> list[dict[str, object]]:
    """The median ratio of the two trees' times in each round; disturbances affect both alike."""
    ratios = {what: statistics.median(map(truediv, s["now"], s["then"])) for what, s in seconds.items()}
    return [
        {"what": f"{NAMES[what]}: CPU time, times that at {COMMIT}", "value": ratio, "bar": BAR, "holds": ratio <= BAR}
        for what, ratio in ratios.items()
    ]


@contextmanager
def worktree(commit: str) -> Iterator[Path]:
    """The repository at a commit, in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        git = ["git", "-C", str(ROOT), "worktree"]
        made = subprocess.run([*git, "add", "--detach", f"{folder}/then", commit], capture_output=True, text=True)
        if made.returncode:
            raise LutraError(
                f"commit {commit}, to compare with, cannot be checked out ({made.stderr.strip().splitlines()[-1]}): "
                "use a full clone of the repository, or say part=start"
            )
        try:
            yield Path(folder, "then")
        finally:
            subprocess.run([*git, "remove", "--force", f"{folder}/then"], check=True)


def _worker(folder: Path, imports: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(folder)} | KEEP_MEMORY
    command = [sys.executable, "-c", imports + WORKER]
    worker = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    if worker.stdout.readline() != "ready\n":
        raise RuntimeError(f"the worker in {folder} did not start")
    return worker


def _answer(worker: subprocess.Popen[str], what: str) -> str:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(f"{what}\n")
    worker.stdin.flush()
    return worker.stdout.readline()
