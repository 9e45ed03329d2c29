"""Part `correctness` of the benchmark `gpu`: the algorithms compute on a GPU what they compute on a CPU.

Every algorithm runs twice from the same weights and images, in float32. Training steps amplify rounding errors, and
fake quantization turns some into a whole step, so results are compared within tolerances, relative to their largest
value. A strategy's candidates are evaluated again on the CPU.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from random import Random

import numpy as np
import torch
from torch import Tensor, nn

from compress.pruning.depgraph import prune_groups
from compress.pruning.importance import batch_norm_scale, l1, taylor
from compress.pruning.prune import global_widths, narrow, strongest
from compress.quantization.qat import QuantizationAware
from compress.weights.cluster import cluster, sharing
from compress.weights.finetune import distillation
from compress.weights.lowrank import energy_ranks, lowrank
from compress.weights.sparsify import Schedule, sparsify, sparsifying, two_of_four
from experiments.config.registry import STRATEGIES, default_options
from predictors.costs import LATENCY
from predictors.models.layer_costs import AdditiveCost
from predictors.models.naswot import naswot
from search_spaces.costs import macs
from search_spaces.networks.evaluation import calibrate, predict
from search_spaces.networks.network import Network
from search_spaces.networks.population import accuracies, logits
from search_spaces.networks.supernet import Supernet
from search_spaces.space import SearchSpace
from search_spaces.spaces.edge import edge
from search_spaces.spaces.tiny import tiny
from search_spaces.training.loop import Backward, Recipe, Training, cross_entropy, fit
from search_spaces.training.rules.sandwich import sandwich
from search_spaces.training.rules.single_path import single_path
from strategies.problems.objective import Bounded
from strategies.problems.search import search
from strategies.problems.supernet_problem import supernet_problem

PIXELS, CLASSES, IMAGES, STEPS = 16, 10, 128, 3
SPACES: Mapping[str, SearchSpace] = {"tiny": tiny(3, PIXELS, CLASSES), "edge": edge(3, PIXELS, CLASSES)}
BFLOAT16 = "training in bfloat16"
TOLERANCE = {"qat": 0.05, BFLOAT16: 0.05}  # of the largest value
USUAL_TOLERANCE, CLOSE = 5e-3, 0.02  # of the largest value; of accuracies
SEARCHED = 6  # candidates of each strategy
SHORT = {"every": 1, "initial": 3, "batch": 2, "population": 4, "tournament": 2}  # options of strategies
CPU = torch.device("cpu")
Results = Sequence[Tensor]
Batch = tuple[Tensor, Tensor]  # images [N, C, H, W], labels [N]
Work = Callable[[torch.device], Results]


def images(device: torch.device) -> Batch:
    """Noise, the same on every device."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(IMAGES, 3, PIXELS, PIXELS, generator=draw)
    return x.to(device), torch.randint(CLASSES, (IMAGES,), generator=draw).to(device)


def network(space: SearchSpace, device: torch.device) -> Network:
    torch.manual_seed(0)
    return Network([spec for spec in space.decode(space.reference) if spec.convs]).to(device)


def supernet(space: SearchSpace, device: torch.device) -> Supernet:
    torch.manual_seed(0)
    return Supernet(space).to(device)


def weights(model: nn.Module) -> Results:
    return list(model.state_dict().values())


def trained(model: nn.Module, backward: Backward, batch: Batch, muon: float = 0.0, amp: bool = False) -> Results:
    """The losses and weights after a few steps."""
    recipe = Recipe(STEPS, IMAGES, 0.02, muon=muon, amp=amp)
    losses = [step.loss for step in fit(Training(model, recipe), lambda step: batch, backward)]
    return [torch.tensor(losses), *weights(model)]


def finetuned(model: Network, batch: Batch) -> Results:
    return trained(model, distillation(model, copy.deepcopy(model), 2.0, 0.5, 0.1), batch)


def shared(model: Network, batch: Batch) -> Results:
    clustered = cluster(model, 4)
    return trained(clustered, sharing(cross_entropy(clustered, 0.1), clustered), batch)


def sparse(model: Network, batch: Batch) -> Results:
    return trained(model, sparsifying(cross_entropy(model, 0.1), model, Schedule(0.5, STEPS)), batch)


def aware(model: Network, batch: Batch) -> Results:
    rounding = QuantizationAware(model)
    trained(rounding, cross_entropy(rounding, 0.1), batch)
    return [predict(calibrate(rounding, batch[0]), batch[0])]


def pruned(model: Network, batch: Batch) -> Results:
    widths = global_widths(batch_norm_scale(model), model.specs, 0.5)
    return [*weights(narrow(model, strongest(l1(model), widths))), *taylor(model, [batch]).values()]


def alone(space: SearchSpace) -> dict[str, Work]:
    """Algorithms on a single network."""
    works: dict[str, Callable[[Network, Batch], Results]] = {
        "training": lambda model, batch: trained(model, cross_entropy(model, 0.1), batch),
        "training with Muon": lambda model, batch: trained(model, cross_entropy(model, 0.1), batch, 0.02),
        BFLOAT16: lambda model, batch: trained(model, cross_entropy(model, 0.1), batch, amp=True)[:1],
        "calibration": lambda model, batch: [predict(calibrate(model, batch[0]), batch[0])],
        "finetuning": finetuned,
        "clustering": shared,
        "sparse training": sparse,
        "two of four": lambda model, batch: weights(sparsify(model, 0.5, two_of_four)),
        "qat": aware,
        "pruning": pruned,
        "depgraph": lambda model, batch: weights(prune_groups(model, (3, PIXELS, PIXELS), 0.5)),
        "low rank": lambda model, batch: [predict(lowrank(model, energy_ranks(model, 0.5)), batch[0])],
        "NASWOT": lambda model, batch: [torch.tensor(naswot(model, batch[0]))],
    }

    def on(work: Callable[[Network, Batch], Results]) -> Work:
        return lambda device: work(network(space, device), images(device))

    return {name: on(work) for name, work in works.items()}


def together(space: SearchSpace) -> dict[str, Work]:
    """Algorithms on a supernet."""
    archs = [space.reference, space.largest, space.smallest, *space.others(3, [], Random(0))]

    def mixed(device: torch.device) -> Results:
        net, (x, _) = supernet(space, device), images(device)
        return [net(x, [torch.full((count,), 1 / count, device=device) for count in space.options]).detach()]

    def population(device: torch.device) -> Results:
        x = images(device)[0]
        return logits(supernet(space, device), x, x, archs)

    def by_rule(rule: Callable[..., Backward]) -> Work:
        def work(device: torch.device) -> Results:
            net = supernet(space, device)
            return trained(net, rule(net, space, 0.1, 0), images(device))

        return work

    return {
        "sandwich": by_rule(sandwich),
        "single path": by_rule(single_path),
        "population": population,
        "mixture": mixed,
    }


def strategy(name: str, space: SearchSpace, device: torch.device) -> float:
    """The largest difference of a candidate's accuracy from that on the CPU."""
    values = np.full((len(space.layers), max(map(len, space.layers))), np.nan)
    for layer, options in enumerate(space.layers):
        values[layer, : len(options)] = [1e-12 * macs((spec,)) for spec in options]
    costs = {LATENCY: AdditiveCost(values, trunks=space.trunks)}
    objective, batch = Bounded({LATENCY: costs[LATENCY](space.reference)}), images(device)
    net, there = supernet(space, device), images(CPU)
    problem = supernet_problem(net, costs, objective, lambda step: batch, batch[0], batch)
    short = {key: SHORT[key] for key in default_options(name) if key in SHORT}
    found = list(search(partial(STRATEGIES[name].function, **short), problem, Random(0), SEARCHED))
    again = accuracies(net.cpu(), there[0], there, [candidate.arch for candidate in found])
    return max(abs(candidate.accuracy - own) for candidate, own in zip(found, again, strict=True))


def difference(ours: Results, others: Results) -> float:
    """The largest difference, relative to the largest value of each tensor; infinite if shapes differ."""
    largest = 0.0
    for one, other in zip(ours, others, strict=True):
        a, b = (value.detach().float().cpu() for value in (one, other))
        if a.shape != b.shape or not torch.isfinite(b).all():
            return float("inf")
        if a.numel():
            largest = max(largest, ((a - b).abs().max() / a.abs().max().clamp_min(0.01)).item())
    return largest


def checks(device: torch.device, spaces: Sequence[str]) -> Iterator[tuple[str, Callable[[], float], float]]:
    """Yields each check: its name, the work that measures a difference, and the tolerance."""
    for name in spaces:
        space = SPACES[name]
        for what, work in {**alone(space), **together(space)}.items():

            def compared(work: Work = work) -> float:
                return difference(work(CPU), work(device))

            yield f"{name}: {what}", compared, TOLERANCE.get(what, USUAL_TOLERANCE)
    for name in STRATEGIES:
        yield f"{spaces[0]}: {name}", partial(strategy, name, SPACES[spaces[0]], device), CLOSE
