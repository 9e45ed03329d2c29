"""Part `macro` of the benchmark `gpu`: how supernets of `nasbench_macro` rank its published accuracies.

The sandwich rule and single-path sampling train for equally many steps, as many as the time allows; both supernets then
judge all networks, or as many as there is time for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

import numpy as np

from experiments.bench._gpu_run import Rule, Run, seconds_of_step
from experiments.bench._published import published as file_of
from experiments.comparison.ranking_truth import published
from experiments.config import Config
from experiments.display.progress import say, track
from experiments.store import journal
from experiments.store.weights import load_supernet, save_supernet
from predictors.metrics.rank_correlation import rank_correlation
from search_spaces.costs import macs, parameters
from search_spaces.networks.population import accuracies
from search_spaces.networks.supernet import Supernet
from search_spaces.space import Arch, SearchSpace
from search_spaces.spaces.nasbench_macro import nasbench_macro
from search_spaces.training.loop import Backward
from search_spaces.training.recipe import Recipe
from search_spaces.training.rules.sandwich import sandwich
from search_spaces.training.rules.single_path import single_path

RULES: Mapping[str, Callable[..., Backward]] = {"sandwich": sandwich, "single_path": single_path}
NAME = "nas_bench_macro_cifar10.csv"  # in $LUTRA_DATA
TRAINING = 0.6  # share of the time; the rest is for judging
TOGETHER = 128  # networks judged at a time
CALIBRATION, VALIDATION = {False: 1000, True: 64}, {False: 2500, True: 128}  # images, by smoke
RECIPE = Recipe(steps=1_000_000, batch=256, learning_rate=0.1)
SMOKE_NETWORKS, RESAMPLES = 8, 1000
Row = dict[str, object]


def macro(run: Run) -> list[Row]:
    """A row for each predictor: its rank correlations among all networks, and among the better half."""
    data = run.images
    space = nasbench_macro(data.shape.in_channels, data.shape.resolution, data.shape.classes)
    truth = truth_of(run, space)
    recipe = replace(RECIPE, batch=16) if run.smoke else RECIPE
    nets = {name: Supernet(space).to(run.device) for name in RULES}

    def fitting() -> int:
        taken = sum(seconds_of_step(net, data, recipe, rule_of(name, space)) for name, net in nets.items())
        return int(TRAINING * run.left / taken)

    recipe = replace(recipe, steps=run.steps("macro", fitting))
    for name in RULES:
        nets[name] = supernet(run, name, nets[name], recipe)
    values: dict[str, dict[Arch, float]] = {}
    for left, name in zip((2, 1), RULES):
        values[name] = judged(run, name, nets[name], sorted(truth), run.left / left)
    values |= {
        "MACs": {arch: float(macs(space.decode(arch))) for arch in truth},
        "parameters": {arch: float(parameters(space.decode(arch))) for arch in truth},
    }
    return [{**row, "steps": recipe.steps, "batch": recipe.batch} for row in correlations(values, truth, list(RULES))]


def rule_of(name: str, space: SearchSpace) -> Rule:
    return lambda net: RULES[name](net, space, RECIPE.label_smoothing, 0)


def truth_of(run: Run, space: SearchSpace) -> dict[Arch, float]:
    """The published accuracy of each network; in a smoke run without the file, some networks' MACs instead."""
    if run.smoke and not run.settings["macro"]:
        return {arch: float(macs(space.decode(arch))) for arch in space.others(SMOKE_NETWORKS, [], Random(0))}
    path = file_of(run.settings["macro"], NAME, "macro=FILE, NAS-Bench-Macro's accuracies on CIFAR-10")
    config = Config()
    known = published(replace(config, ranking=replace(config.ranking, csv=str(path))), space)
    found = {arch: accuracy for arch, (accuracy,) in known.items()}
    return dict(sorted(found.items())[:SMOKE_NETWORKS]) if run.smoke else found


def supernet(run: Run, name: str, net: Supernet, recipe: Recipe) -> Supernet:
    """The supernet trained by a rule."""
    path = Path(run.folder / f"{name}.safetensors")
    if not path.exists():
        run.trained(name, net, run.images, recipe, rule_of(name, net.space))
        save_supernet(path, net)
    return load_supernet(path, net.space).to(run.device)


def judged(run: Run, name: str, net: Supernet, archs: Sequence[Arch], seconds: float) -> dict[Arch, float]:
    """Accuracies with inherited weights, for at most so many seconds: neighbours together, in random order."""
    data, log = run.images, run.folder / f"{name}.jsonl"
    known = {tuple(record["arch"]): record["accuracy"] for record in journal.read(log)}
    calibration = data.fixed(data.train, CALIBRATION[run.smoke], 0)[0]
    judge = partial(accuracies, net, calibration, data.fixed(data.validation, VALIDATION[run.smoke], 0))
    parts = [archs[first : first + TOGETHER] for first in range(0, len(archs), TOGETHER)]
    end = run.left - seconds
    for part in track(Random(0).sample(parts, len(parts)), f"judging with {name}", len(parts)):
        missing = [arch for arch in part if arch not in known]
        if not missing:
            continue
        if run.left < end and known:
            say(f"{name}: out of time after {len(known)} of {len(archs)} networks")
            break
        for arch, value in zip(missing, judge(missing), strict=True):
            journal.append(log, {"arch": arch, "accuracy": value})
            known[arch] = value
    return known


def correlations(
    values: Mapping[str, Mapping[Arch, float]], truth: Mapping[Arch, float], trained: Sequence[str]
) -> list[Row]:
    """Kendall's tau of each predictor, on the networks that all the `trained` ones have judged."""
    shared = [arch for arch in truth if all(arch in values[name] for name in trained)]
    median = np.median([truth[arch] for arch in shared])
    groups = {"all": shared, "above median": [arch for arch in shared if truth[arch] > median]}
    found: list[Row] = []
    for among, archs in groups.items():
        for name, own in values.items():
            guessed, real = (np.array([each[arch] for arch in archs], float) for each in (own, truth))
            tau = rank_correlation(guessed, real, RESAMPLES, 0)
            row = {"tau": tau.tau, "tau_low": tau.tau_low, "tau_high": tau.tau_high}
            found.append({"predictor": name, "among": among, "networks": len(archs), **row})
    return found
