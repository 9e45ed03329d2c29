"""Images per second of training steps, ours and others', in turns in one process."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from random import Random
from statistics import median

import torch
from torch import Tensor, nn

from experiments.bench._plain_torch import SMOOTHING, Plain, Step, training
from experiments.display.progress import say, track
from search_spaces.layers import Spec
from search_spaces.networks.network import Network
from search_spaces.networks.supernet import Supernet
from search_spaces.space import SearchSpace
from search_spaces.training.loop import Backward, Recipe, Training, cross_entropy, fit
from search_spaces.training.rules.sandwich import networks, sandwich

OURS, PLAIN, OFA = "lutra", "plain torch", "ofa"
MANY = 1_000_000  # steps that no benchmark reaches
WARM = 3  # steps that are not timed: allocation, and the choice of kernels
Batch = tuple[Tensor, Tensor]  # images [N, C, H, W], labels [N]
Row = dict[str, object]


def noise(batch: int, pixels: int, device: torch.device, classes: int = 10) -> Batch:
    """Images and labels that stay where the step computes."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(batch, 3, pixels, pixels, generator=draw).to(device, memory_format=torch.channels_last)
    return x, torch.randint(classes, (batch,), generator=draw).to(device)


def ours(model: nn.Module, backward: Backward, batch: Batch, amp: bool | None = None) -> Step:
    """A step as our commands do it, with the moving average of the weights."""
    steps = fit(Training(model, Recipe(MANY, len(batch[1]), 0.01, amp=amp)), lambda step: batch, backward)
    return lambda: next(steps).loss


def of_network(specs: Sequence[Spec], batch: Batch, amp: bool | None = None) -> dict[str, Step]:
    """Steps of one network, by contender."""
    device, specs = batch[0].device, [spec for spec in specs if spec.convs]
    own = Network(specs).to(device)
    return {
        OURS: ours(own, cross_entropy(own, SMOOTHING), batch, amp),
        PLAIN: training([Plain(specs).to(device)], *batch, amp),
    }


def of_supernet(space: SearchSpace, batch: Batch, amp: bool | None = None) -> dict[str, Step]:
    """Sandwich steps of a supernet, always of the same four networks, which plain torch trains one after another."""
    device, own = batch[0].device, Supernet(space).to(batch[0].device)
    found = {
        OURS: ours(own, repeated(sandwich(own, space, SMOOTHING, 0)), batch, amp),
        PLAIN: training([Plain(space.decode(arch)).to(device) for arch in networks(space, 0, 0)], *batch, amp),
    }
    if space.name != "mobile":
        return found
    try:
        from experiments.bench._ofa import OfaSupernet, in_turn

        other = OfaSupernet(own).to(device).to(memory_format=torch.channels_last)
        found[OFA] = ours(other, repeated(in_turn(other, space, SMOOTHING, 0)), batch, amp)
    except ImportError as error:
        say(f"{error.name} is not installed, so its supernet is left out")
    return found


def repeated(rule: Backward) -> Backward:
    """The rule's first step in every step, so that all contenders train the same networks."""
    return lambda step, images, labels: rule(0, images, labels)


def seconds(contenders: Mapping[str, Step], steps: int, device: torch.device) -> dict[str, list[float]]:
    """The seconds of each step; in every turn, each contender does one step, in shuffled order."""
    spent: dict[str, list[float]] = {name: [] for name in contenders}
    order = Random(0)
    for turn in track(range(WARM + steps), "stepping in turns", WARM + steps):
        for name in order.sample(list(contenders), len(contenders)):
            with freely(device, name != OURS):
                start = time.perf_counter()
                contenders[name]()
                if device.type == "cuda":
                    torch.cuda.synchronize()
                taken = time.perf_counter() - start
            if turn >= WARM:
                spent[name].append(taken)
    return spent


@contextmanager
def freely(device: torch.device, chosen: bool) -> Iterator[None]:
    """On a GPU, lets a contender use kernels that are not deterministic, and choose the fastest ones."""
    if not chosen or device.type == "cpu":
        yield
        return
    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=True)
        torch.backends.cudnn.benchmark = before[1]


def rows(what: str, spent: Mapping[str, Sequence[float]], batch: int) -> list[Row]:
    """A row for each contender, with its images per second by the median step."""
    return [
        {"what": what, "contender": name, "batch": batch, "steps": len(own), "images_per_s": batch / median(own)}
        for name, own in spent.items()
    ]
