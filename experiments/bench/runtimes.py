"""python -m experiments.bench.runtimes [networks=60] [rounds=9]: onnxruntime and LiteRT on this machine, one thread.

Random networks of `mobile` and `edge` at 32 px and of `mobile_imagenet` and `edge_imagenet` at 128 px, in fp32 and
INT8, written for both runtimes from the same weights and ranges and timed interleaved in one session per space.
Published as experiments/bench/runtimes.csv, one row per network; there is no bar.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random

import numpy as np

from compress.files.source import Source
from compress.quantization.calibration import activation_ranges
from compress.runtimes import RUNTIMES
from experiments.display.progress import say, track
from experiments.store import artefacts
from predictors.board.device import Connection, as_arguments
from predictors.board.local_device import local
from search_spaces.layers import Spec
from search_spaces.networks.onnx_writer import random_weights
from search_spaces.spaces.edge import edge
from search_spaces.spaces.edge_imagenet import edge_imagenet
from search_spaces.spaces.mobile import mobile
from search_spaces.spaces.mobile_imagenet import mobile_imagenet

PUBLISHED = Path("experiments/bench/runtimes.csv")
SAMPLE = 0.02  # seconds
SPACES = {  # the function that makes the space, pixels
    "mobile": (mobile, 32),
    "edge": (edge, 32),
    "mobile_imagenet": (mobile_imagenet, 128),
    "edge_imagenet": (edge_imagenet, 128),
}
Kind = tuple[str, str]  # runtime, precision
KINDS = tuple((runtime, precision) for precision in ("fp32", "int8") for runtime in RUNTIMES)


def main() -> None:
    given = {"networks": 60, "rounds": 9}
    given |= {key: int(value) for key, _, value in (word.partition("=") for word in sys.argv[1:]) if key in given}
    rows: list[dict[str, object]] = []
    for name, (make, pixels) in SPACES.items():
        space, rng = make(3, pixels, 10), Random(0)
        archs = [space.sample(rng) for _ in range(given["networks"])]
        networks = {artefacts.arch_name(arch): space.decode(arch) for arch in archs}
        of_space = {"space": name, "pixels": pixels}
        rows += [of_space | row for row in measured(f"networks of {name}", networks, given["rounds"])]
    artefacts.write_csv(PUBLISHED, rows)
    print(json.dumps(summary(rows)))


def measured(what: str, networks: Mapping[str, Sequence[Spec]], rounds: int) -> Iterator[dict[str, object]]:
    """Yields a row for each network: its median seconds in each runtime and precision. `what` is shown as progress."""
    with local(1) as board:
        board.lock(say)
        versions = {runtime: board.ask("passport", runtime=runtime)[runtime] for runtime in RUNTIMES}
        loaded: dict[str, tuple[str, Kind]] = {}
        for name, layers in track(networks.items(), f"writing {what}", len(networks)):
            for kind, file in files(layers).items():
                label = f"{name} {' '.join(kind)}"
                board.ask("load", **(as_arguments(label, file, board) | {"runtime": kind[0]}))
                loaded[label] = name, kind
        seconds = timed(board, list(loaded), rounds, what)
        cpu = board.passport["cpu"]
    for name in networks:
        medians = {f"{'_'.join(kind)}_s": seconds[label] for label, (own, kind) in loaded.items() if own == name}
        yield {"arch": name, **medians, "cpu": cpu, **versions}


def files(layers: Sequence[Spec]) -> dict[Kind, bytes]:
    """Returns the network's file in each runtime and precision."""
    specs = [spec for spec in layers if spec.convs]
    source = Source.with_weights(specs, random_weights(specs))
    shape = (4, specs[0].in_channels, specs[0].resolution, specs[0].resolution)
    ranges = activation_ranges(source.onnx, np.random.default_rng(0).standard_normal(shape, dtype=np.float32))
    found: dict[Kind, bytes] = {}
    for name, runtime in RUNTIMES.items():
        found[name, "fp32"], found[name, "int8"] = runtime.fp32(source), runtime.int8(source, ranges)
    return found


def timed(board: Connection, labels: list[str], rounds: int, what: str) -> dict[str, float]:
    """Returns the median seconds of every file; each round times every file once, in shuffled order."""
    samples: dict[str, list[float]] = {label: [] for label in labels}
    for number in track(range(rounds), f"timing {what}", rounds):
        order = Random(number).sample(labels, len(labels))
        for label, (seconds, _) in zip(order, board.round(order, SAMPLE)["samples"]):
            samples[label].append(seconds)
    return {label: statistics.median(own) for label, own in samples.items()}


def summary(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Returns the median milliseconds of each space, runtime and precision, and how often each is fastest."""
    found: list[dict[str, object]] = []
    for space in SPACES:
        own = [row for row in rows if row["space"] == space]
        fastest = [min(KINDS, key=lambda kind: seconds_of(row, kind)) for row in own]
        for kind in KINDS:
            median = statistics.median(seconds_of(row, kind) for row in own)
            title = f"{space}, {' '.join(kind)}"
            found += [
                {"what": f"{title}: median milliseconds", "value": 1000 * median},
                {"what": f"{title}: share of networks fastest in it", "value": fastest.count(kind) / len(own)},
            ]
    return found


def seconds_of(row: Mapping[str, object], kind: Kind) -> float:
    value = row["_".join((*kind, "s"))]
    assert isinstance(value, float)
    return value


if __name__ == "__main__":
    main()
