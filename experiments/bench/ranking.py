"""python -m experiments.bench.ranking [GROUP.KEY=VALUE ...]: how well supernets rank networks trained alone.

`experiments.ranking` with two supernets on the same networks, trained by different rules. Needs no GPU:
`experiment=cifar10_laptop`, whose networks all have about the target's latency and are trained twice; against its rule,
the fair one with a third of the steps, which train four networks each. It claims that the supernet's tau is 0.10 higher
than with the other rule, and either 0.9 of the tau between two trainings or significantly above that of every predictor
without training. ranking.csv=FILE uses NAS-Bench-Macro's published accuracies and its space instead: the sandwich rule
against single-path sampling, with equally many steps. Keys are passed to both. Nearly all of the time is training; the
trained weights are kept in `experiments/runs/bench/ranking`, or in runs=FOLDER.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from experiments.bench._published import published, run
from experiments.comparison.ranking_correlations import PREDICTORS
from experiments.store import artefacts
from paper.ranking_rows import ANOTHER, OTHERS, RankTau
from paper.rows import read

RUNS = Path("experiments/runs/bench/ranking")
Rules = Mapping[str, Sequence[str]]  # the rule of each supernet, ours first, and the keys of its training
RULES: Mapping[bool, Rules] = {  # whether accuracies are published
    True: {"sandwich": (), "single_path": ()},
    False: {"single_path": (), "fair": ("train.steps=3000",)},
}
ALONE = ("experiment=cifar10_laptop",)
PUBLISHED = ("space=nasbench_macro", "data=image_folder", "train.steps=1000", "train.batch=64")
NAME = "cifar10_jpeg.tar.gz"  # in $LUTRA_DATA
ABOVE_MEDIAN = 0.80  # tau, on published accuracies
AHEAD = 0.10  # tau beyond that of the other rule
OF_ANOTHER = 0.9  # tau, as a fraction of that between two trainings


def main(arguments: Sequence[str]) -> None:
    asked = [argument for argument in arguments if "." in argument.partition("=")[0] or argument.startswith("jobs=")]
    of_published = any(argument.startswith("ranking.csv=") for argument in asked)
    given = {key: value for key, _, value in (argument.partition("=") for argument in arguments)}
    images = published(given.get("data.path", ""), NAME, "data.path=FILE, a .tar.gz of CIFAR-10 in class folders")
    runs = Path(given.get("runs", RUNS))
    common = [*(PUBLISHED if of_published else ALONE), f"data.path={images}", f"runs={runs}"]
    found = {rule: ranked([*common, f"train.rule={rule}", *keys, *asked]) for rule, keys in RULES[of_published].items()}
    raw = {"command": [*common, *asked], **{rule: [asdict(one) for one in taus] for rule, taus in found.items()}}
    artefacts.write(runs.with_suffix(".json"), json.dumps(raw, indent=1) + "\n")
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
    taus = {(rule, one.predictor, one.among): one for rule, ones in found.items() for one in ones}
    ours, theirs = found
    best, other = (taus[rule, "supernet", "all"] for rule in found)
    ahead = f"{best.networks} networks: tau of the supernet, rule {ours}, less that of rule {theirs}"
    made = [claim(ahead, best.tau - other.tau, AHEAD)]
    if of_published:
        upper = taus[ours, "supernet", "above median"]
        made.append(claim(f"tau on the {upper.networks} networks above the median", upper.tau, ABOVE_MEDIAN))
    elif (ours, ANOTHER, OTHERS) in taus:
        untrained = [taus[ours, name, "all"] for name in PREDICTORS if name != "supernet"]
        made.append(against_another(taus[ours, "supernet", OTHERS], taus[ours, ANOTHER, OTHERS], untrained))
    return made


def against_another(supernet: RankTau, another: RankTau, untrained: Sequence[RankTau]) -> dict[str, object]:
    """The supernet predicts other trainings nearly as well as one does, or significantly better than all the untrained.

    If one training does not certainly predict others, nothing can be said. `untrained`: predictors without training,
    compared with the supernet by the mean of all trainings.
    """
    agree = another.tau_low > 0
    what = f"tau with other trainings: the supernet's, {supernet.tau:.2f}, divided by that of one training"
    made = claim(what, supernet.tau / another.tau if agree else 0.0, OF_ANOTHER)
    better = agree and all(one.significantly_worse for one in untrained)
    return made | {"better_than_all_without_training": better, "holds": bool(made["holds"]) or better}


def claim(what: str, value: float, bar: float) -> dict[str, object]:
    return {"what": what, "value": value, "bar": bar, "holds": value >= bar}


if __name__ == "__main__":
    run(main)
