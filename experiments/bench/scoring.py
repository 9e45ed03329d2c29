"""python -m experiments.bench.scoring: architectures per second by our table and by that of the PyPI package `ofa`.

Both score the same networks of `mobile` with the same random seconds, in turns in one process: ours given as an array
of choices, theirs as configurations for its table, prepared beforehand. Takes half a minute.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from experiments.bench._published import run
from experiments.display.progress import track
from experiments.store import artefacts
from predictors.models.layer_costs import AdditiveCost
from predictors.timing.blocks import computing
from search_spaces.layers import Head, MBConv, Skip, Spec
from search_spaces.space import SearchSpace
from search_spaces.spaces.mobile import RESOLUTION, mobile

BAR = 1000.0  # times the peer's architectures per second
CLOSE = 1e-6  # relative
NETWORKS = 10_000
TURNS = 15
IMAGE = 2 * RESOLUTION  # pixels for the peer, whose first convolution always halves them; ours does not
OUTPUT = Path("experiments/runs/bench/scoring.json")


def main(arguments: Sequence[str]) -> None:
    space = mobile(3, RESOLUTION, 10)
    seconds = drawn_seconds(space)
    ours, theirs = our_table(space, seconds), their_table(space, seconds)
    rng = Random(0)
    archs = [space.sample(rng) for _ in range(NETWORKS)]
    array, configs = np.array(archs), [their_config(space.decode(arch)) for arch in archs]
    spent: dict[str, list[float]] = {"lutra": [], "ofa": []}
    apart = 0.0
    for _ in track(range(TURNS), "scoring", TURNS):
        start = time.perf_counter()
        scored = ours.of(array)
        between = time.perf_counter()
        answers = [theirs.predict_network_latency_given_config(config, IMAGE) for config in configs]
        end = time.perf_counter()
        spent["lutra"].append(between - start)
        spent["ofa"].append(end - between)
        apart = max(apart, float(np.abs(scored / np.array(answers) - 1).max()))
    raw = {"networks": NETWORKS, "seconds": spent, "relative_difference": apart, "ofa": version("ofa")}
    artefacts.write(OUTPUT, json.dumps(raw, indent=1) + "\n")
    print(json.dumps(claims(spent, apart)))


def claims(spent: dict[str, list[float]], apart: float) -> list[dict[str, object]]:
    ratio = float(np.median(spent["ofa"]) / np.median(spent["lutra"]))
    equal = f"largest relative difference of {NETWORKS} networks' seconds from ofa's (at most)"
    return [
        {"what": "architectures/s by the table, times ofa's", "value": ratio, "bar": BAR, "holds": ratio >= BAR},
        {"what": equal, "value": apart, "bar": CLOSE, "holds": apart <= CLOSE},
    ]


def drawn_seconds(space: SearchSpace) -> dict[Spec, float]:
    """Random seconds for every layer of the space except Skips."""
    rng = np.random.default_rng(0)
    specs = dict.fromkeys(spec for options in space.layers for spec in options)
    return {spec: 0.0 if isinstance(spec, Skip) else float(rng.uniform(1e-6, 1e-4)) for spec in specs}


def our_table(space: SearchSpace, seconds: dict[Spec, float]) -> AdditiveCost:
    array = np.full((len(space.layers), max(space.options)), np.nan)
    for layer, options in enumerate(space.layers):
        array[layer, : len(options)] = [seconds[spec] for spec in options]
    return AdditiveCost(array)


class _Asked:
    """A look-up table of zeros that records the requested keys."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def __getitem__(self, key: str) -> dict[str, float]:
        self.keys.append(key)
        return {"mean": 0.0}


def their_table(space: SearchSpace, seconds: dict[Spec, float]) -> Any:
    """ofa's table for MobileNetV2's blocks, with our seconds under its keys.

    Made without its constructor, which downloads a table and reads it in a way that PyYAML 6 refuses.
    """
    from ofa.nas.efficiency_predictor import ProxylessNASLatencyTable

    table = ProxylessNASLatencyTable.__new__(ProxylessNASLatencyTable)
    rows = {}
    for option in range(max(space.options)):
        specs = computing(space.decode(tuple(min(option, count - 1) for count in space.options)))
        table.lut = _Asked()
        table.predict_network_latency_given_config(their_config(specs), IMAGE)
        *layers, head = (seconds[spec] for spec in specs)
        means = (*layers, head / 2, head / 2)  # its head has two rows
        rows.update({key: {"mean": mean} for key, mean in zip(table.lut.keys, means, strict=True)})
    table.lut = rows
    return table


def their_config(specs: Sequence[Spec]) -> dict[str, Any]:
    """A network like ofa's `ProxylessNASNets.config`, as far as the table reads it."""
    stem, *blocks, head = specs
    assert isinstance(head, Head)
    return {
        "first_conv": {"out_channels": stem.out_channels},
        "blocks": [their_block(spec) for spec in blocks],
        "feature_mix_layer": {"in_channels": head.in_channels, "out_channels": head.hidden_channels},
        "classifier": {"in_features": head.hidden_channels, "out_features": head.classes},
    }


def their_block(spec: Spec) -> dict[str, Any]:
    if not isinstance(spec, MBConv):
        return {"conv": None, "shortcut": {"name": "IdentityLayer"}}
    conv = {
        "in_channels": spec.in_channels,
        "out_channels": spec.out_channels,
        "kernel_size": spec.kernel,
        "stride": spec.stride,
        "expand_ratio": spec.hidden_channels // spec.in_channels,
    }
    return {"conv": conv, "shortcut": {"name": "IdentityLayer"} if spec.residual else None}


if __name__ == "__main__":
    run(main)
