"""python -m experiments.bench.scaling [part=sweep|train|population]: the speed-up by a second worker.

Seconds with one and with two workers of one thread each, on the digits: a sweep of two searches with joblib's launcher,
from the command's start to its end; training a supernet under torchrun, and a search that evaluates populations with
search.jobs, both from their manifests. Takes a minute or two per part on an idle machine; parts are added to existing
results.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from experiments.bench._published import parse, run
from experiments.store import artefacts
from search_spaces.documents import read_json
from search_spaces.errors import unknown

BAR = 0.0  # times the speed of one worker: reported without a bar, because it depends on the machine
TURNS = 1
SHARED = (
    "experiment=smoke",
    "objective=pareto",
    "threads=1",
    "measure.networks=8",
    "measure.sample_seconds=0.01",
    "train.steps=40",
    "search.calibration=1000",
)
OUTPUT = Path("experiments/runs/bench/scaling.csv")


def sweep(made: Path, runs: Path, workers: int) -> float:
    """Two searches by evolution."""
    shutil.copytree(made, runs)
    launcher = ("hydra/launcher=joblib", f"hydra.launcher.n_jobs={workers}", "seed=0,1", "search.budget=60")
    start = time.monotonic()
    _run("-m", "experiments.search", "--multirun", *launcher, f"runs={runs}")
    return time.monotonic() - start


def train(made: Path, runs: Path, workers: int) -> float:
    """A supernet whose batches are divided."""
    torchrun = ("-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={workers}", "-m")
    _run(*torchrun, "experiments.train", f"runs={runs}")
    return _seconds(runs, "train")


def population(made: Path, runs: Path, workers: int) -> float:
    """A search by NSGA-II whose populations are divided."""
    shutil.copytree(made, runs)
    choices = ("strategy=nsga2", f"search.jobs={workers}", "search.budget=120", "search.validation=0")
    _run("-m", "experiments.search", *choices, f"runs={runs}")
    return _seconds(runs, "search")


PARTS: dict[str, Callable[[Path, Path, int], float]] = {"sweep": sweep, "train": train, "population": population}


def main(arguments: Sequence[str]) -> None:
    part = parse(arguments, {"part": "", "seeds": "1"})["part"]
    if part and part not in PARTS:
        raise unknown("part", part, PARTS)
    spent = read_json(OUTPUT.with_suffix(".json")) if OUTPUT.with_suffix(".json").exists() else {}
    made = OUTPUT.parent / "scaling"
    with tempfile.TemporaryDirectory() as folder:
        if part != "train":
            _run("-m", "experiments.train", f"runs={made}")
            _run("-m", "experiments.measure", f"runs={made}")
        for name in [part] if part else PARTS:
            spent[name] = {"1": [], "2": []}
            for turn in range(TURNS):
                for workers in (1, 2):
                    seconds = PARTS[name](made, Path(folder) / f"{name}{turn}{workers}", workers)
                    spent[name][str(workers)].append(seconds)
    artefacts.write(OUTPUT.with_suffix(".json"), json.dumps(spent, indent=1) + "\n")
    rows = [
        {"part": name, "one_s": (one := median(of["1"])), "two_s": (two := median(of["2"])), "ratio": one / two}
        for name, of in spent.items()
    ]
    artefacts.write_csv(OUTPUT, [{**row, "cpus": os.cpu_count()} for row in rows])
    print(json.dumps([claim(row["part"], row["ratio"]) for row in rows]))


def claim(part: str, ratio: float) -> dict[str, object]:
    what = f"speed of two workers, times one's: {part}"
    return {"what": what, "value": ratio, "bar": BAR, "holds": ratio >= BAR}


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments, *SHARED], check=True, stdout=sys.stderr)


def _seconds(runs: Path, step: str) -> float:
    (manifest,) = runs.glob(f"{step}/*/{artefacts.MANIFEST}")
    return artefacts.manifest(manifest.parent)["seconds"]


if __name__ == "__main__":
    run(main)
