"""python -m experiments.bench.ranking [GROUP.KEY=VALUE ...]: how well supernets rank networks trained alone.

`experiments.ranking` with supernets of the sandwich rule and of single-path sampling, with equally many steps, on the
same networks. Needs no GPU: 12 networks of `mobile` on CIFAR-10, with a short recipe (RECIPE). Keys are passed to both
and change the recipe; ranking.csv=FILE uses NAS-Bench-Macro's published accuracies and its space. Nearly all of the
time is training; the trained weights are kept in `experiments/runs/bench/ranking`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from experiments.bench._published import published, run
from experiments.display.progress import console
from experiments.store import artefacts
from paper.ranking_rows import RankTau
from paper.rows import read

RUNS = Path("experiments/runs/bench/ranking")
OUTPUT = RUNS.with_suffix(".json")
RULES = ("sandwich", "single_path")
RECIPE = ("train.steps=1000", "train.batch=64", "retrain.steps=700", "retrain.batch=64", "search.calibration=2000")
NAME = "cifar10_jpeg.tar.gz"  # in $LUTRA_DATA
ABOVE_MEDIAN = 0.80  # tau, on published accuracies
AHEAD = 0.10  # tau beyond single-path sampling's


def main(arguments: Sequence[str]) -> None:
    asked = [argument for argument in arguments if "." in argument.partition("=")[0]]
    of_published = any(argument.startswith("ranking.csv=") for argument in asked)
    given = next((argument.partition("=")[2] for argument in asked if argument.startswith("data.path=")), "")
    images = published(given, NAME, "data.path=FILE, a .tar.gz of CIFAR-10 in class folders")
    space = "nasbench_macro" if of_published else "mobile"
    common = [f"space={space}", "data=image_folder", f"data.path={images}", f"runs={RUNS}", *RECIPE, *asked]
    found = {rule: ranked([*common, f"train.rule={rule}"]) for rule in RULES}
    raw = {"command": common, **{rule: [asdict(one) for one in taus] for rule, taus in found.items()}}
    artefacts.write(OUTPUT, json.dumps(raw, indent=1) + "\n")
    if not of_published:
        console.print(f"Without a GPU: {space} and a short recipe, not NAS-Bench-Macro's 6,561 published networks.")
    print(json.dumps(claims(found, of_published)))


def ranked(command: Iterable[str]) -> list[RankTau]:
    """The command's results; it prints their folder on its last line."""
    done = subprocess.run(
        [sys.executable, "-m", "experiments.ranking", *command], check=True, stdout=subprocess.PIPE, text=True
    )
    *shown, folder = done.stdout.strip().splitlines()
    print("\n".join(shown), file=sys.stderr)
    return read(Path(folder), RankTau)


def claims(found: Mapping[str, Sequence[RankTau]], of_published: bool) -> list[dict[str, object]]:
    taus = {(rule, one.among): one for rule, ones in found.items() for one in ones if one.predictor == "supernet"}
    best, other = (taus[rule, "all"] for rule in RULES)
    ahead = f"{best.networks} networks: tau of the sandwich rule's supernet less single-path sampling's, same steps"
    made = [claim(ahead, best.tau - other.tau, AHEAD)]
    if of_published:
        upper = taus[RULES[0], "above median"]
        made.append(claim(f"tau on the {upper.networks} networks above the median", upper.tau, ABOVE_MEDIAN))
    return made


def claim(what: str, value: float, bar: float) -> dict[str, object]:
    return {"what": what, "value": value, "bar": bar, "holds": value >= bar}


if __name__ == "__main__":
    run(main)
