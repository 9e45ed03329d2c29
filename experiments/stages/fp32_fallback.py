"""Which layers stay in float by time: whole files are timed on the device, before one of them is the deployed file.

Pruning has chosen widths before by a table of layers in INT8. A layer that is not pruned, as the stem, shifts the
latencies of all widths alike when it stays in float, and the choice is the same; the result is then faster than its
target. Quantization-aware training asks before it trains, and the file has the same layers in float.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path

from compress.faster_in_float import Faster, faster_in_float
from compress.layers import layers_of
from compress.quantize import quantize_within
from experiments import artefacts
from experiments.config import Config
from experiments.devices import board_of
from experiments.keys import data_key, device_key, passport_key
from experiments.provenance import FASTER
from experiments.stages import quantizing
from experiments.stages.learning import learned, teachers
from experiments.stages.task import at_hand
from experiments.steps.measure import followed
from experiments.steps.train import prepare
from experiments.weights import load_network
from predictors.rounds import Value, summarize

FILE = f"{FASTER}.json"


def needs(config: Config, root: Path, parent: Path) -> dict[str, Path]:
    """Files that quantization reads beside its network: what was learned for it, or the layers that are faster."""
    return learned(parent) or by_time(config, parent)


def by_time(config: Config, parent: Path) -> dict[str, Path]:
    """The file of the layers that stay in float by time, where they are asked for."""
    chosen = config.compress.quantize
    wanted = chosen.kind == "static" and chosen.float_layers in ("time", "both")
    return {FASTER: faster_layers(config, parent)} if wanted else {}


def before_training(config: Config, root: Path, parent: Path) -> dict[str, Path]:
    """Files that quantization-aware training reads: its teacher's, and the layers that the file will have in float."""
    return teachers(config, root, parent) | by_time(config, parent)


def faster_layers(config: Config, parent: Path) -> Path:
    """The file of the layers that are faster in float on the device, measured now or before."""
    at_hand(config)
    chosen = config.compress.quantize
    settings = {
        "method": chosen.method,
        "reduce_range": chosen.reduce_range,
        "calibration": config.compress.calibration,
        "device": device_key(config.device),
        "measure": asdict(config.measure),
        "data": data_key(config.data),
        "seed": config.seed,
    }
    inputs = {"parent": artefacts.sha256(parent), "passport": passport_key(config.device)}
    label = f"{config.space.name if config.model == 'winner' else config.model}-{config.data.name}-seed{config.seed}"

    def work(folder: Path) -> None:
        prepare(config.threads, config.seed)
        found = [asdict(layer) for layer in _measured(config, parent, folder)]
        artefacts.write(folder / FILE, json.dumps(found, indent=1) + "\n")

    return artefacts.step(Path(config.runs), FASTER, label, settings, inputs, work) / FILE


def _measured(config: Config, parent: Path, folder: Path) -> list[Faster]:
    model = quantizing.fp32_file(config, load_network(parent))
    ranges = quantizing.ranges_of(config, model, {})
    write = partial(quantize_within, model, ranges, reduce_range=config.compress.quantize.reduce_range)
    with board_of(config.device, folder) as board:

        def timed(files: Mapping[str, bytes]) -> Mapping[str, Value]:
            return summarize(list(followed(board, files, config.measure, "timing layers in float")))

        return list(faster_in_float(layers_of(model), write, timed))
