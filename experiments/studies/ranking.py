"""Whether the supernet orders networks as training each of them alone does.

Random networks of the space are trained alone, by one recipe (`retrain`). Their test accuracies are the truth for the
supernet's validation accuracies, and beside them for multiply-accumulates, parameters and NASWOT, which need no
training. With ranking.csv=PATH the truth is published: NAS-Bench-Macro's file, with space=nasbench_macro.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import torch
from rich.table import Table
from torch import nn

from experiments.comparison.ranking_truth import published, trained_alone
from experiments.compute.accelerator import accelerator
from experiments.compute.parallel_evaluation import spread
from experiments.config import Config
from experiments.config.choices import space_of
from experiments.display import events
from experiments.display.progress import console, track
from experiments.display.publish import copy
from experiments.setup.images import training_data
from experiments.steps.plan import train
from experiments.steps.train import prepare
from experiments.store import artefacts, journal
from experiments.store.keys import accelerator_key, data_key, space_key
from experiments.store.weights import load_supernet
from paper.figures import ranking as figure
from paper.rows import Ranked, RankTau, read
from predictors.metrics.rank_correlation import rank_correlation
from predictors.models.naswot import naswot
from search_spaces.costs import macs, parameters
from search_spaces.networks.network import Network
from search_spaces.networks.population import accuracies
from search_spaces.space import Arch, SearchSpace

BATCH = 128  # images for NASWOT, as in its paper
TOGETHER = 64  # networks judged between two lines of progress
RESAMPLES = 1000
PREDICTORS = {"supernet": "inherited", "NASWOT": "naswot", "parameters": "parameters", "MACs": "macs"}  # -> column


def ranking(config: Config) -> Path:
    """The folder of ranking.csv, a row a network, and correlations.csv. Prints the latter."""
    space = space_of(config)
    alone = published(config, space) if config.ranking.csv else trained_alone(config, space)
    supernet = Path(config.ranking.supernet) if config.ranking.supernet else train(config)
    settings = {
        "space": space_key(config),
        "data": data_key(config.data),
        "calibration": config.search.calibration,
        "validation": config.search.validation,
        "alone": artefacts.digest(sorted(alone.items())),
        "seed": config.seed,
        "threads": config.threads,
        **accelerator_key(config),
    }
    inputs = {"supernet": artefacts.sha256(supernet)}
    label = f"{config.space.name}-{config.data.name}-seed{config.seed}"
    folder = artefacts.step(
        Path(config.runs), "ranking", label, settings, inputs, lambda folder: _ranking(config, alone, supernet, folder)
    )
    if config.publish:
        copy(config, [folder / name for name in ("ranking.csv", "correlations.csv")])
    console.print(shown(read(folder, RankTau)))
    return folder


def _ranking(config: Config, alone: Mapping[Arch, float], supernet: Path, folder: Path) -> None:
    prepare(config.threads, config.seed)
    space = space_of(config)
    inherited, scores = _judged(config, space, alone, supernet, folder), _scored(config, space, alone)
    found = [
        {
            "arch": artefacts.arch_name(arch),
            "alone": truth,
            "inherited": inherited[arch],
            "macs": macs(space.decode(arch)),
            "parameters": parameters(space.decode(arch)),
            "naswot": scores[arch],
        }
        for arch, truth in alone.items()
    ]
    artefacts.write_csv(folder / "ranking.csv", found)
    taus = correlations(read(folder, Ranked), config.seed)
    artefacts.write_csv(folder / "correlations.csv", [asdict(one) for one in taus])
    with events.writer(folder) as board:
        events.show_figure(board, folder, "ranking", figure.draw(folder))
        for one in taus:
            board.add_scalar(f"tau {one.among}/{one.predictor}", one.tau, 0)


def _judged(
    config: Config, space: SearchSpace, archs: Iterable[Arch], supernet: Path, folder: Path
) -> dict[Arch, float]:
    """Accuracies as a search sees them, kept as they come: a killed command goes on."""
    data, log = training_data(config), folder / "inherited.jsonl"
    known = {tuple(record["arch"]): record["accuracy"] for record in journal.read(log)}
    calibration = data.fixed(data.train, config.search.calibration, config.seed)[0]
    validation = data.fixed(data.validation, config.search.validation, config.seed)
    net = load_supernet(supernet, space).to(accelerator(config.accelerator))
    inherited = partial(accuracies, net, calibration, validation)
    judge = spread(inherited, config.search.jobs, config.search.backend, config.threads)
    left = sorted(set(archs) - set(known))  # neighbours share layers
    parts = [left[first : first + TOGETHER] for first in range(0, len(left), TOGETHER)]
    for part in track(parts, "judging with the supernet", len(parts)):
        for arch, value in zip(part, judge(part), strict=True):
            journal.append(log, {"arch": arch, "accuracy": value})
            known[arch] = value
    return known


def _scored(config: Config, space: SearchSpace, archs: Mapping[Arch, float]) -> dict[Arch, float]:
    data, scores = training_data(config), {}
    images = data.fixed(data.train, BATCH, config.seed)[0][:]
    for arch in track(archs, "scoring without training", len(archs)):
        torch.manual_seed(config.seed)
        network = Network([spec for spec in space.decode(arch) if spec.convs]).to(images.device)
        for norm in network.modules():
            if isinstance(norm, nn.BatchNorm2d):
                nn.init.ones_(norm.weight)  # as published: with residual blocks that are no identities
        scores[arch] = naswot(network, images)
    return scores


def correlations(networks: Sequence[Ranked], seed: int) -> list[RankTau]:
    """Each predictor's, among all networks, and among those above the median of the truth where they are three."""
    median = np.median([network.alone for network in networks])
    groups = {"all": networks, "above median": [network for network in networks if network.alone > median]}
    return [
        RankTau(
            name,
            among,
            len(group),
            **asdict(
                rank_correlation(
                    np.array([getattr(network, column) for network in group]),
                    np.array([network.alone for network in group]),
                    RESAMPLES,
                    seed,
                )
            ),
        )
        for among, group in groups.items()
        if len(group) > 2
        for name, column in PREDICTORS.items()
    ]


def shown(found: Sequence[RankTau]) -> Table:
    table = Table(
        "predictor", "among", "networks", "Kendall tau", "Spearman rho", title="order, against training alone"
    )
    for one in found:
        tau = f"{one.tau:.3f} [{one.tau_low:.3f}, {one.tau_high:.3f}]"
        rho = f"{one.rho:.3f} [{one.rho_low:.3f}, {one.rho_high:.3f}]"
        table.add_row(one.predictor, one.among, str(one.networks), tau, rho)
    return table
