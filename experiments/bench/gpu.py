"""python -m experiments.bench.gpu [part=NAME,...] [minutes=9] [smoke=true] [KEY=VALUE ...]: all that needs a GPU.

For a short session on a GPU: each part runs in a process of its own, which is ended at the part's time limit. A
finished part is not run again, an interrupted one continues, so the same command is given until all are finished.

    correctness   all algorithms on the GPU and on the CPU, within tolerances
    speed         images/s in training steps of networks and supernets, against plain torch and, if installed, `ofa`
    macro         supernets of nasbench_macro, and how they rank NAS-Bench-Macro's accuracies: macro=FILE
    long          the first winner in seeds.csv of edge=FOLDER, and a hand-made network, model=NAME, trained for long;
                  retrain.KEY=VALUE changes the recipe

Images are images=FILE, a .tar.gz of CIFAR-10 in class folders. A part writes out=FOLDER/PART.csv when it is finished;
its checkpoints are in work=FOLDER. smoke=true runs everything on a CPU in two minutes, with three steps per training.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from experiments.bench import _gpu_correctness
from experiments.bench._compression import at_least, at_most
from experiments.bench._gpu_long import long
from experiments.bench._gpu_macro import RULES, macro
from experiments.bench._gpu_run import PIXELS, Run
from experiments.bench._published import parse, run
from experiments.bench._step_speed import OURS, noise, of_network, of_supernet, rows, seconds
from experiments.compute.gpu import computes_on
from experiments.display.progress import say
from experiments.steps.train import prepare
from experiments.store import artefacts
from search_spaces.documents import read_csv
from search_spaces.errors import LutraError, unknown
from search_spaces.spaces.edge import edge
from search_spaces.spaces.mobile import mobile

DEFAULTS = {
    **{"part": "", "minutes": "9", "smoke": "false", "limit": "", "images": "", "macro": "", "edge": ""},
    **{"model": "hybrid", "out": "experiments/bench/gpu_results", "work": "experiments/runs/bench/gpu"},
}
STARTING = 0.06  # share of a part's time that its process needs to start and to end
SPACES = {"edge": edge, "mobile": mobile}
BATCHES = {False: (128, 1024), True: (8,)}  # images of a step, by smoke
STEPS = {False: 20, True: 2}
ABOVE, AHEAD = 0.80, 0.10  # tau of all published networks, and beyond single-path sampling's
Row = dict[str, object]
Claims = list[dict[str, object]]


def main(arguments: Sequence[str]) -> None:
    settings = parse(arguments, DEFAULTS)
    settings["dotted"] = " ".join(word for word in arguments if "." in word.partition("=")[0])
    chosen = settings["part"].split(",") if settings["part"] else list(PARTS)
    for name in chosen:
        if name not in PARTS:
            raise unknown("part", name, PARTS)
    computes_on(accelerator(settings))  # an error before any part if there is no GPU
    if settings["limit"]:  # in a process of its own
        alone(chosen[0], settings)
        return
    try:
        minutes = float(settings["minutes"])
    except ValueError:
        raise LutraError(f"minutes must be a number, not {settings['minutes']!r}") from None
    for name in chosen:
        if not finished(name, settings):
            _start(name, 60 * minutes * PARTS[name][1], arguments)
    claims = [claim for name in chosen if (path := finished(name, settings)) for claim in PARTS[name][2](read(path))]
    print(json.dumps(claims))


def accelerator(settings: Mapping[str, str]) -> str:
    return "cpu" if settings["smoke"] == "true" else "cuda"


def finished(name: str, settings: Mapping[str, str]) -> Path | None:
    """The part's CSV file, if it is there."""
    path = Path(settings["out"]).expanduser() / f"{name}.csv"
    return path if path.exists() else None


def _start(name: str, limit: float, arguments: Sequence[str]) -> None:
    """Runs a part in a process of its own, for at most `limit` seconds."""
    command = [sys.executable, "-m", "experiments.bench.gpu", *arguments, f"part={name}", f"limit={limit}"]
    try:
        code = subprocess.run(command, stdout=sys.stderr, timeout=limit).returncode
        if code:
            say(f"{name}: failed, see above")
    except subprocess.TimeoutExpired:
        say(f"{name}: ended after {limit:.0f} s; the same command continues it")


def alone(name: str, settings: Mapping[str, str]) -> None:
    """Runs a part in this process, and writes its CSV file."""
    device, smoke = torch.device(accelerator(settings)), settings["smoke"] == "true"
    prepare(torch.get_num_threads(), 0)
    limit = (1 - STARTING) * float(settings["limit"])
    part = Run(device, limit, Path(settings["work"]).expanduser() / name, smoke, settings)
    made = PARTS[name][0](part)
    artefacts.write_csv(Path(settings["out"]).expanduser() / f"{name}.csv", [row | part.facts for row in made])


def correctness(part: Run) -> list[Row]:
    """A row for each algorithm and space."""
    spaces = ["tiny"] if part.smoke else list(_gpu_correctness.SPACES)
    works: dict[str, Callable[[], Row]] = {}
    for name, compare, tolerance in _gpu_correctness.checks(part.device, spaces):

        def judged(name: str = name, compare: Callable[[], float] = compare, tolerance: float = tolerance) -> Row:
            apart = compare()
            found = {"difference": str(apart), "tolerance": tolerance, "holds": apart <= tolerance}
            return {"check": name, **found}

        works[name] = judged
    return list(part.journaled("checks", works))


def speed(part: Run) -> list[Row]:
    """Rows for networks and supernets of both spaces, with each batch."""
    works: dict[str, Callable[[], dict[str, Any]]] = {}
    for name, make in SPACES.items():
        pixels = PIXELS // 2 if part.smoke else PIXELS
        space = make(3, pixels, 10)
        for size in BATCHES[part.smoke]:
            batch = partial(noise, size, pixels, part.device)
            kinds = {
                f"{name}'s reference": lambda space=space, batch=batch: of_network(
                    space.decode(space.reference), batch()
                ),
                f"{name}'s supernet": lambda space=space, batch=batch: of_supernet(space, batch()),
            }
            for what, contenders in kinds.items():

                def timed(what: str = what, contenders: Any = contenders, size: int = size) -> dict[str, Any]:
                    return {"rows": rows(what, seconds(contenders(), STEPS[part.smoke], part.device), size)}

                works[f"{what}, {size}"] = timed
    return [row for one in part.journaled("speeds", works) for row in one["rows"]]


def read(path: Path) -> list[dict[str, str]]:
    return [row for _, row in read_csv(path, ())]


def same(found: list[dict[str, str]]) -> Claims:
    wrong = [row["check"] for row in found if row["holds"] != "True"]
    return [at_most(f"of {len(found)} checks, outside the tolerance ({', '.join(wrong) or 'none'})", len(wrong), 0)]


def faster(found: list[dict[str, str]]) -> Claims:
    rates = {(row["what"], row["batch"], row["contender"]): float(row["images_per_s"]) for row in found}
    return [
        at_least(f"{what}, batches of {batch}: images/s, times {other}'s", rates[what, batch, OURS] / rate, 1)
        for (what, batch, other), rate in rates.items()
        if other != OURS
    ]


def ranked(found: list[dict[str, str]]) -> Claims:
    taus = {row["predictor"]: float(row["tau"]) for row in found if row["among"] == "all"}
    title, (best, other) = f"{found[0]['networks']} networks: tau", RULES
    return [
        at_least(f"{title} of the sandwich rule's supernet", taus[best], ABOVE),
        at_least(f"{title} less that of single-path sampling, same steps", taus[best] - taus[other], AHEAD),
    ]


def accurate(found: list[dict[str, str]]) -> Claims:
    return [
        {
            "what": f"{row['network']}: test accuracy, %, after {float(row['passes']):.0f} passes",
            "value": 100 * float(row["test_accuracy"]),
        }
        for row in found
    ]


Part = tuple[Callable[[Run], list[Row]], float, Callable[[list[dict[str, str]]], Claims]]
PARTS: dict[str, Part] = {  # the work, its share of the time, and what it claims
    "correctness": (correctness, 0.10, same),
    "speed": (speed, 0.15, faster),
    "macro": (macro, 0.40, ranked),
    "long": (long, 0.35, accurate),
}


if __name__ == "__main__":
    run(main)
