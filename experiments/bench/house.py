"""python -m experiments.bench.house [part=start|speed]: how quickly commands start, and the supernet's speed.

start: six command lines that compute nothing, and a `@hydra.main` application with an empty function, each in its own
process, in turns. Compares the CPU time of the whole process, as the median over rounds. Takes two minutes.

speed: a training step of the supernet and the evaluation of a population, against commit 7732252. Takes five minutes.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from experiments.bench import _against_commit
from experiments.bench._published import parse, run
from experiments.display.progress import track
from experiments.store import artefacts
from search_spaces.errors import unknown

ROUNDS = 15
BAR = 3.0  # times the bare application's CPU time
BARE = """
import hydra

@hydra.main(version_base="1.3", config_path=None)
def main(config):
    pass

main()
"""
COMMANDS = {  # description -> words, and the exit code
    "status": (["status"], 2),  # without a sweep
    "tables": (["tables"], 2),  # without a table
    "lineage": (["lineage", "run=nowhere"], 2),
    "search --help": (["search", "--help"], 0),
    "search --cfg job": (["search", "--cfg", "job"], 0),
    "a refused command line": (["search", "strategy=surrogate", "strategy.options.population=3"], 2),
}
OUTPUT = Path("experiments/runs/bench/house.json")


def main(arguments: Sequence[str]) -> None:
    part = parse(arguments, {"part": "", "seeds": "1"})["part"]
    if part not in ("", *PARTS):
        raise unknown("part", part, PARTS)
    chosen = [part] if part else list(PARTS)
    raw = {name: PARTS[name][0]() for name in chosen}
    artefacts.write(OUTPUT, json.dumps(raw, indent=1) + "\n")
    print(json.dumps([claim for name in chosen for claim in PARTS[name][1](raw[name])]))


def start_seconds() -> dict[str, list[float]]:
    """CPU time of each start, by command."""
    seconds: dict[str, list[float]] = {name: [] for name in ("bare", *COMMANDS)}
    with tempfile.TemporaryDirectory() as folder:
        own = [f"runs={folder}/runs"]
        bare = [sys.executable, "-c", BARE, "hydra.output_subdir=null", f"hydra.run.dir={folder}"]
        lines = {"bare": (bare, 0)} | {
            name: ([sys.executable, "-m", f"experiments.{words[0]}", *own, *words[1:]], code)
            for name, (words, code) in COMMANDS.items()
        }
        order = Random(0)
        for _ in track(range(ROUNDS), "starting commands", ROUNDS):
            for name in order.sample(list(lines), len(lines)):
                seconds[name].append(cpu_seconds(*lines[name]))
    return seconds


def cpu_seconds(words: Sequence[str], code: int) -> float:
    """CPU seconds of a process and its children. Raises RuntimeError for an unexpected exit code."""
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != code:
        raise RuntimeError(f"{' '.join(words)} ended with {process.returncode}: {said[-500:]}")
    return used.ru_utime + used.ru_stime


def claims(seconds: dict[str, list[float]]) -> list[dict[str, object]]:
    bare = statistics.median(seconds["bare"])
    ratios = {name: statistics.median(seconds[name]) / bare for name in COMMANDS}
    return [
        {
            "what": f"{name}: CPU time, times a bare Hydra application's ({bare:.2f} s)",
            "value": ratio,
            "bar": BAR,
            "holds": ratio <= BAR,
        }
        for name, ratio in ratios.items()
    ]


PARTS: dict[str, tuple[Callable[[], Any], Callable[[Any], list[dict[str, object]]]]] = {
    "start": (start_seconds, claims),
    "speed": (_against_commit.cpu_seconds, _against_commit.claims),
}

if __name__ == "__main__":
    run(main)
