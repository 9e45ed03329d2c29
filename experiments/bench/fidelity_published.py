"""python -m experiments.bench.fidelity_published [csv=FILE] [fbnet=FILE] [seeds=20]: latency learned from few networks.

All learned predictors on the same splits of two published tables: NAS-Bench-201 on a Raspberry Pi 4 (HW-NAS-Bench) and
FBNet on a Xeon (HELP). Reports medians over splits, on all networks not used for learning. Nothing is tuned on those:
ridge's penalty is chosen by leave-one-out, the priors and kernels by evidence. Takes two minutes.

`additive_process` is compared with the best of the others, in each split and at the median. It also states an
uncertainty: the share of held-out networks within one and two standard deviations should be 68 and 95 %.

On NAS-Bench-201 noise is the limit: cells with the same operations in other places take the same time, up to noise. The
result of knowing the mean of all such cells, including held-out ones, is also printed. Kendall's tau-b ignores pairs
that are predicted to be equal; tau-a counts them as half right, and is printed too.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from experiments.bench._published import parse, published, run
from experiments.comparison.learning_curves import median, points, shown, split
from experiments.comparison.published_latencies import Measurements, read_measurements
from experiments.config import FidelityConfig
from experiments.display.progress import console, track
from experiments.store import artefacts
from paper.rows import Judged
from predictors.metrics.agreement import agreement
from predictors.models.additive_process import additive_process
from predictors.models.learned import LEARNERS

OUTPUT = Path("experiments/runs/bench/fidelity_published.json")
SHARED = {"csv": "nasbench201_cifar10_rpi4.csv", "fbnet": "fbnet_end_to_end_xeon4210r.csv"}  # in $LUTRA_DATA
OURS, SIMPLE = "additive_process", "ridge"
NETWORKS = 200  # at which all predictors are compared; at other numbers, OURS and SIMPLE
BARS = (  # data, networks, column, bar
    ("csv", 50, "tau", 0.86),
    ("csv", 900, "tau", 0.89),
    ("fbnet", NETWORKS, "within_5", 0.995),
)
COVERED = {1: (0.62, 0.75), 2: (0.92, 0.98)}  # standard deviations -> least and largest share of networks
TITLES = {"csv": "NAS-Bench-201, Pi 4", "fbnet": "FBNet, Xeon"}
COLUMNS = {"tau": "Kendall's tau-b", "within_5": "share within 5 %"}


def main(arguments: Sequence[str]) -> None:
    settings = parse(arguments, {**dict.fromkeys(SHARED, ""), "seeds": "20"})
    paths = {
        name: published(settings[name], file, f"{name}=FILE, with {TITLES[name]}'s measurements")
        for name, file in SHARED.items()
    }
    data = {name: read_measurements(path, FidelityConfig()) for name, path in paths.items()}
    found: list[Judged] = []
    seeds = int(settings["seeds"])
    for name, measurements in data.items():
        for size in sorted({NETWORKS, *(size for of, size, *_ in BARS if of == name)}):
            learners = LEARNERS if size == NETWORKS else {one: LEARNERS[one] for one in (SIMPLE, OURS)}
            judged = points(name, measurements, learners, [size], seeds)
            found += track(judged, f"{TITLES[name]}, {size} networks", seeds * len(learners))
    shares = {name: coverage(measurements, seeds) for name, measurements in data.items()}
    limit = asdict(agreement(*alike(data["csv"])))
    hashes = {path.name: artefacts.sha256(path) for path in paths.values()}
    raw = {"sha256": hashes, "limit": {"csv": limit}, "coverage": shares, "points": [asdict(one) for one in found]}
    artefacts.write(OUTPUT, json.dumps(raw, indent=1) + "\n")
    for name in data:
        console.print(shown(found, name))
    console.print(f"{TITLES['csv']}, means of alike cells known: tau-b {limit['tau']:.4f}, tau-a {limit['tau_a']:.4f}")
    claims = [claim(found, *bar) for bar in BARS] + [best(found, name) for name in data]
    print(json.dumps(claims + [covered(name, *one) for name in data for one in shares[name].items()]))


def alike(measurements: Measurements) -> tuple[np.ndarray, np.ndarray]:
    """Each network's mean seconds over all networks with the same counts of options; and its measured seconds."""
    counts = np.stack([(measurements.archs == option).sum(1) for option in range(max(measurements.options))], axis=1)
    _, kind = np.unique(counts, axis=0, return_inverse=True)
    means = np.bincount(kind, measurements.seconds) / np.bincount(kind)
    return means[kind], measurements.seconds


def coverage(measurements: Measurements, seeds: int) -> dict[int, float]:
    """The share of held-out networks within so many standard deviations of the default predictor; all splits pooled."""
    errors = []
    for seed in range(seeds):
        known, others = split(measurements, NETWORKS, seed)
        with threadpool_limits(1):
            model = additive_process(measurements.archs[known], measurements.seconds[known], measurements.options)
            seconds, deviations = model.predict(measurements.archs[others])
        errors.append(np.abs(measurements.seconds[others] - seconds) / deviations)
    return {count: float((np.concatenate(errors) <= count).mean()) for count in COVERED}


def covered(data: str, deviations: int, share: float) -> dict[str, object]:
    least, most = COVERED[deviations]
    what = f"{TITLES[data]}, {NETWORKS} networks: share within {deviations} standard deviation(s), at most {most}"
    return {"what": what, "value": share, "bar": least, "holds": least <= share <= most}


def group(found: Sequence[Judged], data: str, size: int, name: str) -> list[Judged]:
    return [one for one in found if (one.data, one.trained_on, one.predictor) == (data, size, name)]


def best(found: Sequence[Judged], data: str) -> dict[str, object]:
    """The smallest median of the mean error among all other predictors, divided by the default predictor's."""
    errors = {name: np.array([one.mape for one in group(found, data, NETWORKS, name)]) for name in LEARNERS}
    ours = errors.pop(OURS)
    rival = min(errors, key=lambda name: float(np.median(errors[name])))
    value = float(np.median(errors[rival]) / np.median(ours))
    wins = int((ours < errors[rival]).sum())
    what = (
        f"{TITLES[data]}, {NETWORKS} networks: mean error of the best other predictor, {rival}, by that of {OURS}, "
        f"{100 * np.median(ours):.3f} % (smaller in {wins} of {len(ours)} splits)"
    )
    return {"what": what, "value": value, "bar": 1.0, "holds": value > 1}


def claim(found: Sequence[Judged], data: str, size: int, column: str, bar: float) -> dict[str, object]:
    ours, ridge = (group(found, data, size, name) for name in (OURS, SIMPLE))
    beside = f"ridge {median(ridge, column):.4f}"
    if column == "tau":
        beside += f"; tau-a {median(ours, 'tau_a'):.4f}, ridge {median(ridge, 'tau_a'):.4f}"
    value = median(ours, column)
    what = f"{TITLES[data]}, {size} networks: {COLUMNS[column]}, {len(ours)} splits ({beside})"
    return {"what": what, "value": value, "bar": bar, "holds": value >= bar}


if __name__ == "__main__":
    run(main)
