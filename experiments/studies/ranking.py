"""Tests whether the supernet ranks networks as separate training does.

Random networks of the space are trained separately with one recipe (`retrain`). Their test accuracies are the truth for
the supernet's validation accuracies, and for multiply-accumulates, parameters and NASWOT, which need no training.
ranking.band=0.1 takes only networks within 10 % of the target's latency, so that size explains less of the ranking.
With ranking.seeds=N, each network is trained N times and the truth is the mean; the agreement of the first training
with the others shows how much of the ranking is chance (a perfect predictor agrees with the mean better).
ranking.csv=PATH takes published accuracies instead: NAS-Bench-Macro's file, with space=nasbench_macro.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from rich.table import Table
from torch import nn

from experiments.comparison.ranking_correlations import correlations
from experiments.comparison.ranking_truth import Truth, facts, published, trained_alone
from experiments.compute.accelerator import accelerator
from experiments.compute.parallel_evaluation import spread
from experiments.config import Config
from experiments.config.reference import Reference
from experiments.data.dataset import Dataset
from experiments.display import events
from experiments.display.progress import console, track
from experiments.display.publish import publish
from experiments.setup.images import placed
from experiments.steps.plan import plan_of
from experiments.steps.settings import Images
from experiments.steps.train import prepare
from experiments.store import artefacts, journal
from experiments.store.key_fields import implied, unless
from experiments.store.step import Means, Step
from experiments.store.weights import load_supernet
from paper.figures import ranking as figure
from paper.ranking_rows import Ranked, RankTau
from paper.rows import read
from predictors.models.naswot import naswot
from search_spaces.costs import macs, parameters
from search_spaces.errors import LutraError
from search_spaces.networks.network import Network
from search_spaces.networks.population import accuracies
from search_spaces.networks.supernet import Supernet
from search_spaces.space import Arch, SearchSpace

BATCH = 128  # images for NASWOT, as in its paper
TOGETHER = 64  # networks evaluated between two updates of the progress bar
WORK = Reference("experiments.studies.ranking:work")


@dataclass(frozen=True)
class Settings:
    space: SearchSpace
    data: Images
    calibration: int
    validation: int
    alone: str  # a hash of the truth
    seed: int
    threads: int
    accelerator: str = unless("cpu")
    truth: Truth = implied("alone")

    @property
    def label(self) -> str:
        return f"{self.space.name}-{self.data.label}-seed{self.seed}"


def ranking(config: Config) -> Path:
    """The folder of ranking.csv, with a row per network, and correlations.csv. Prints the latter."""
    plan, search, asked = plan_of(config), config.search, config.ranking
    if asked.csv and (asked.band is not None or asked.seeds > 1 or asked.passes):
        raise LutraError("ranking.csv= trains nothing: give ranking.band=null ranking.seeds=1 ranking.passes=0")
    truth = (published if asked.csv else trained_alone)(config, plan.space)
    settings = Settings(
        plan.space,
        plan.images,
        search.calibration,
        search.validation,
        artefacts.digest([(arch, *values) for arch, values in sorted(truth.items())]),
        config.seed,
        config.threads,
        plan.accelerator,
        truth,
    )
    supernet = Path(asked.supernet) if asked.supernet else plan.supernet
    folder = plan.folder(Step("ranking", settings, {"supernet": supernet}, WORK))
    if config.publish:
        files = ("ranking.csv", "correlations.csv")
        publish(config, folder, files, "ranking_setup.csv", 0, facts(config), device=asked.band is not None)
    console.print(shown(read(folder, RankTau)))
    return folder


def work(settings: Settings, files: Mapping[str, Path], means: Means, folder: Path) -> None:
    """Evaluates the networks with the supernet, and with predictors that need no training."""
    prepare(settings.threads, settings.seed)
    space, data = settings.space, placed(settings.data.at(means), settings.accelerator)
    net = load_supernet(files["supernet"], space).to(accelerator(settings.accelerator))
    inherited, scores = _judged(settings, means, data, net, folder), _scored(settings, data)
    found = [
        Ranked(
            arch=artefacts.arch_name(arch),
            alone=float(np.mean(trainings)),
            inherited=inherited[arch],
            macs=macs(space.decode(arch)),
            parameters=parameters(space.decode(arch)),
            naswot=scores[arch],
            first=trainings[0],
            others=float(np.mean(trainings[1:])) if len(trainings) > 1 else None,
        )
        for arch, trainings in settings.truth.items()
    ]
    artefacts.write_csv(folder / "ranking.csv", [asdict(one) for one in found])
    taus = correlations(read(folder, Ranked), settings.seed)
    artefacts.write_csv(folder / "correlations.csv", [asdict(one) for one in taus])
    with events.writer(folder) as board:
        events.show_figure(board, folder, "ranking", figure.draw(folder))
        for one in taus:
            board.add_scalar(f"tau {one.among}/{one.predictor}", one.tau, 0)


def _judged(settings: Settings, means: Means, data: Dataset, net: Supernet, folder: Path) -> dict[Arch, float]:
    """Accuracies as a search sees them; kept in a journal, so that an interrupted command continues."""
    log = folder / "inherited.jsonl"
    known = {tuple(record["arch"]): record["accuracy"] for record in journal.read(log)}
    calibration = data.fixed(data.train, settings.calibration, settings.seed)[0]
    validation = data.fixed(data.validation, settings.validation, settings.seed)
    inherited = partial(accuracies, net, calibration, validation)
    judge = spread(inherited, means.jobs, means.backend, settings.threads)
    left = sorted(set(settings.truth) - set(known))  # neighbours share layers
    parts = [left[first : first + TOGETHER] for first in range(0, len(left), TOGETHER)]
    for part in track(parts, "judging with the supernet", len(parts)):
        for arch, value in zip(part, judge(part), strict=True):
            journal.append(log, {"arch": arch, "accuracy": value})
            known[arch] = value
    return known


def _scored(settings: Settings, data: Dataset) -> dict[Arch, float]:
    scores: dict[Arch, float] = {}
    images = data.fixed(data.train, BATCH, settings.seed)[0][:]
    for arch in track(settings.truth, "scoring without training", len(settings.truth)):
        torch.manual_seed(settings.seed)
        network = Network([spec for spec in settings.space.decode(arch) if spec.convs]).to(images.device)
        for norm in network.modules():
            if isinstance(norm, nn.BatchNorm2d):
                nn.init.ones_(norm.weight)  # as published: residual blocks do not start as identities
        scores[arch] = naswot(network, images)
    return scores


def shown(found: Sequence[RankTau]) -> Table:
    table = Table(
        "predictor",
        "among",
        "networks",
        "Kendall tau",
        "Spearman rho",
        "supernet's tau less this",
        title="rank correlation with separately trained networks",
    )
    for one in found:
        tau = f"{one.tau:.3f} [{one.tau_low:.3f}, {one.tau_high:.3f}]"
        rho = f"{one.rho:.3f} [{one.rho_low:.3f}, {one.rho_high:.3f}]"
        less = ""
        if one.difference is not None:
            less = f"{one.difference:.3f} [{one.difference_low:.3f}, {one.difference_high:.3f}]"
        table.add_row(one.predictor, one.among, str(one.networks), tau, rho, less)
    return table
