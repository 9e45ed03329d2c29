"""python -m experiments.bench.population [images=FILE] [steps=100]: evaluating a population at once or one by one.

A parent and 63 mutants from `mobile`'s supernet, each calibrated on 2,000 CIFAR-10 images and evaluated on 5,000: ours
in one call, and the first few also as a user of once-for-all would, by `set_running_statistics` and validation of a
stack of its `DynamicMBConvLayer` with the same weights, at its batch sizes. In turns, on two threads. The supernet is
first trained for `steps`, so that accuracies are meaningful. images=FILE: a .tar.gz of class folders, by default
cifar10_jpeg.tar.gz in $LUTRA_DATA. Takes about five minutes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from experiments.bench._ofa import OfaSupernet
from experiments.bench._published import parse, published, run
from experiments.config import DataConfig
from experiments.data.dataset import Dataset
from experiments.display.progress import track
from experiments.setup.images import dataset_of
from experiments.steps.train import prepare
from experiments.store import artefacts
from search_spaces.networks.population import accuracies
from search_spaces.networks.supernet import Supernet
from search_spaces.space import Arch
from search_spaces.spaces.mobile import RESOLUTION, mobile
from search_spaces.training.loop import Recipe, Training, fit
from search_spaces.training.rules.sandwich import sandwich

BAR = 4.0  # times the peer's networks per second
CLOSE = 0.1  # points
POPULATION, CALIBRATION, VALIDATION = 64, 2000, 5000
PEER_CALIBRATION, PEER_VALIDATION = 200, 100  # images per batch in ofa's `calib_bn` and `eval_ofa_net.py`
TURNS, PEERS = 3, 2  # turns, and the peer's networks per turn
THREADS = 2
NAME = "cifar10_jpeg.tar.gz"
DEFAULTS = {"images": "", "steps": "100", "seeds": "1"}
OUTPUT = Path("experiments/runs/bench/population.json")
Batches = list[tuple[Tensor, Tensor]]  # images [N, C, H, W], labels [N]


class Active(nn.Module):
    """One network of the peer's supernet, in its functions' interface."""

    def __init__(self, supernet: OfaSupernet, arch: Arch) -> None:
        super().__init__()
        self.supernet, self.arch = supernet, arch

    def forward(self, x: Tensor) -> Tensor:
        return self.supernet(x, self.arch)


@torch.no_grad()
def peer_accuracy(supernet: OfaSupernet, arch: Arch, calibration: Batches, validation: Batches) -> float:
    from ofa.imagenet_classification.elastic_nn.utils import set_running_statistics

    network = Active(supernet, arch).eval()
    set_running_statistics(network, calibration)
    right = sum(int((network(images).argmax(1) == labels).sum()) for images, labels in validation)
    return right / sum(len(labels) for _, labels in validation)


def main(arguments: Sequence[str]) -> None:
    settings = parse(arguments, DEFAULTS)
    path = published(settings["images"], NAME, "images=FILE, a .tar.gz of CIFAR-10 in class folders")
    data = dataset_of(DataConfig("image_folder", str(path), RESOLUTION, 0.1))
    prepare(THREADS, 0)
    supernet = trained(data, int(settings["steps"]))
    archs = mutants(supernet, POPULATION)
    fixed = (data.fixed(data.train, CALIBRATION, 0), data.fixed(data.validation, VALIDATION, 0))
    calibration, validation = ((images[:], labels) for images, labels in fixed)
    peer = OfaSupernet(supernet)
    theirs = batched(calibration, PEER_CALIBRATION), batched(validation, PEER_VALIDATION)
    spent: dict[str, list[float]] = {"lutra": [], "ofa": []}  # seconds per network
    found: dict[str, list[float]] = {"lutra": [], "ofa": []}
    for turn in track(range(TURNS), "judging", TURNS):
        start = time.perf_counter()
        found["lutra"] = accuracies(supernet, calibration[0], validation, archs)
        between = time.perf_counter()
        found["ofa"] += [peer_accuracy(peer, arch, *theirs) for arch in archs[turn * PEERS :][:PEERS]]
        spent["lutra"].append((between - start) / POPULATION)
        spent["ofa"].append((time.perf_counter() - between) / PEERS)
    names = [artefacts.arch_name(arch) for arch in archs]
    raw = {"archs": names, "seconds_a_network": spent, "accuracies": found, "ofa": version("ofa")}
    artefacts.write(OUTPUT, json.dumps(raw, indent=1) + "\n")
    print(json.dumps(claims(spent, found)))


def claims(spent: dict[str, list[float]], found: dict[str, list[float]]) -> list[dict[str, Any]]:
    ratio = float(np.median(spent["ofa"]) / np.median(spent["lutra"]))
    apart = 100 * max(abs(ours - theirs) for ours, theirs in zip(found["lutra"], found["ofa"]))
    what = f"a population of {POPULATION} mutants, networks/s, times ofa's one by one"
    close = f"largest difference of {len(found['ofa'])} accuracies from ofa's, points (at most)"
    return [
        {"what": what, "value": ratio, "bar": BAR, "holds": ratio >= BAR},
        {"what": close, "value": apart, "bar": CLOSE, "holds": apart <= CLOSE},
    ]


def trained(data: Dataset, steps: int) -> Supernet:
    supernet = Supernet(mobile(3, RESOLUTION, len(data.classes)))
    recipe = Recipe(steps=steps, batch=64, learning_rate=0.1)
    training, rule = Training(supernet, recipe), sandwich(supernet, supernet.space, recipe.label_smoothing, 0)
    done = fit(training, lambda step: data.batch(step, recipe.batch, 0), rule)
    for _ in track(done, "training the supernet", steps):
        pass
    return supernet


def mutants(supernet: Supernet, count: int) -> list[Arch]:
    """A random network and distinct mutations of it, as evolution makes them."""

    def drawn() -> Iterator[Arch]:
        rng = Random(0)
        parent = supernet.space.sample(rng)
        yield parent
        while True:
            yield supernet.space.mutate(parent, rng)

    distinct: dict[Arch, None] = {}
    for arch in drawn():
        distinct[arch] = None
        if len(distinct) == count:
            break
    return list(distinct)


def batched(subset: tuple[Tensor, Tensor], size: int) -> Batches:
    """Batches as a data loader gives them: contiguous, channels first."""
    images, labels = subset
    return list(zip(images.contiguous(memory_format=torch.contiguous_format).split(size), labels.split(size)))


if __name__ == "__main__":
    run(main)
