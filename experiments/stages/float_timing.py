"""Times files on the device with each layer in float, and records the layers that are faster in float."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path

from compress.layers import layers_of
from compress.quantization.faster_in_float import faster_in_float
from compress.runtimes import RUNTIMES
from experiments.setup.devices import board_of
from experiments.stages import quantizing
from experiments.stages.fp32_fallback import FILE
from experiments.stages.settings import Faster as Settings
from experiments.steps.measure import followed
from experiments.steps.train import prepare
from experiments.store import artefacts
from experiments.store.step import Means
from experiments.store.weights import load_network
from predictors.timing.rounds import Value, summarize


def work(settings: Settings, files: Mapping[str, Path], means: Means, folder: Path) -> None:
    """Times whole files on the device, with each layer in float."""
    prepare(1, settings.seed)
    images = settings.data.at(means)
    source = quantizing.source_of(images, settings.seed, load_network(files["parent"]))
    calibration = quantizing.calibration(images, settings.calibration, settings.seed)
    ranges = quantizing.ranges_of(source.onnx, calibration, settings.method, {})
    write = partial(RUNTIMES[settings.device.library].int8, source, ranges, reduce_range=settings.reduce_range)
    with board_of(settings.device.at(means), folder) as board:

        def timed(files: Mapping[str, bytes]) -> Mapping[str, Value]:
            return summarize(list(followed(board, files, settings.measure, "timing layers in float")))

        found = [asdict(layer) for layer in faster_in_float(layers_of(source.onnx), write, timed)]
    artefacts.write(folder / FILE, json.dumps(found, indent=1) + "\n")
