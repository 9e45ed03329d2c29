"""python -m experiments.bench.fidelity_published [csv=FILE] [fbnet=FILE] [seeds=20]: latency learned from few networks.

The tied additive predictor and plain ridge regression on one-hot choices, on the same splits of two published tables:
NAS-Bench-201 on a Raspberry Pi 4 (HW-NAS-Bench) and FBNet on a Xeon (HELP). Reports medians over splits, on all
networks not used for learning. Nothing is tuned on those: ridge's penalty is chosen by leave-one-out, the other's prior
by evidence. Takes 15 seconds.

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

from experiments.bench._published import parse, published, run
from experiments.comparison.learning_curves import median, points, shown
from experiments.comparison.published_latencies import Measurements, read_measurements
from experiments.config import FidelityConfig
from experiments.display.progress import console, track
from experiments.store import artefacts
from paper.rows import Judged
from predictors.metrics.agreement import agreement
from predictors.models.learned import LEARNERS

OUTPUT = Path("experiments/runs/bench/fidelity_published.json")
SHARED = {"csv": "nasbench201_cifar10_rpi4.csv", "fbnet": "fbnet_end_to_end_xeon4210r.csv"}  # in $LUTRA_DATA
COMPARED = ("ridge", "tied_additive")
BARS = (  # data, networks, column, bar
    ("csv", 50, "tau", 0.86),
    ("csv", 900, "tau", 0.89),
    ("fbnet", 200, "within_5", 0.995),
)
TITLES = {"csv": "NAS-Bench-201, Pi 4", "fbnet": "FBNet, Xeon"}
COLUMNS = {"tau": "Kendall's tau-b", "within_5": "share within 5 %"}


def main(arguments: Sequence[str]) -> None:
    settings = parse(arguments, {**dict.fromkeys(SHARED, ""), "seeds": "20"})
    paths = {
        name: published(settings[name], file, f"{name}=FILE, with {TITLES[name]}'s measurements")
        for name, file in SHARED.items()
    }
    data = {name: read_measurements(path, FidelityConfig()) for name, path in paths.items()}
    learners = {name: LEARNERS[name] for name in COMPARED}
    found: list[Judged] = []
    for name, measurements in data.items():
        sizes = [size for of, size, *_ in BARS if of == name]
        total = len(sizes) * int(settings["seeds"]) * len(learners)
        found += track(points(name, measurements, learners, sizes, int(settings["seeds"])), TITLES[name], total)
    limit = asdict(agreement(*alike(data["csv"])))
    hashes = {path.name: artefacts.sha256(path) for path in paths.values()}
    raw = {"sha256": hashes, "limit": {"csv": limit}, "points": [asdict(one) for one in found]}
    artefacts.write(OUTPUT, json.dumps(raw, indent=1) + "\n")
    for name in data:
        console.print(shown(found, name))
    console.print(f"{TITLES['csv']}, means of alike cells known: tau-b {limit['tau']:.4f}, tau-a {limit['tau_a']:.4f}")
    print(json.dumps([claim(found, *bar) for bar in BARS]))


def alike(measurements: Measurements) -> tuple[np.ndarray, np.ndarray]:
    """Each network's mean seconds over all networks with the same counts of options; and its measured seconds."""
    counts = np.stack([(measurements.archs == option).sum(1) for option in range(max(measurements.options))], axis=1)
    _, kind = np.unique(counts, axis=0, return_inverse=True)
    means = np.bincount(kind, measurements.seconds) / np.bincount(kind)
    return means[kind], measurements.seconds


def claim(found: Sequence[Judged], data: str, size: int, column: str, bar: float) -> dict[str, object]:
    groups = {
        name: [one for one in found if (one.data, one.trained_on, one.predictor) == (data, size, name)]
        for name in COMPARED
    }
    ours, ridge = groups["tied_additive"], groups["ridge"]
    beside = f"ridge {median(ridge, column):.4f}"
    if column == "tau":
        beside += f"; tau-a {median(ours, 'tau_a'):.4f}, ridge {median(ridge, 'tau_a'):.4f}"
    value = median(ours, column)
    what = f"{TITLES[data]}, {size} networks: {COLUMNS[column]}, {len(ours)} splits ({beside})"
    return {"what": what, "value": value, "bar": bar, "holds": value >= bar}


if __name__ == "__main__":
    run(main)
