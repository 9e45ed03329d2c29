"""Profiles the quantized file on the device, operator by operator, and measures its latency under steady load.

The fp32 file of the same network is profiled too. Operators are timed by the runtime's own profiler or, if it has none,
as differences between files that end one operator apart (`predictors.agent.runtimes`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from compress.files.source import Source
from compress.layers import OURS
from compress.runtimes import RUNTIMES
from experiments.config import Config
from experiments.config.command_config import ProfileConfig
from experiments.config.reference import Reference
from experiments.config.stage_order import QUANTIZE
from experiments.display import events
from experiments.display.layer_numbers import numbers
from experiments.display.progress import console, track
from experiments.display.publish import publish
from experiments.setup.devices import board_of, live
from experiments.stages import int8_record
from experiments.stages.settings import Quantize
from experiments.steps.compress import chain, settings_of
from experiments.steps.device_settings import Device
from experiments.steps.plan import plan_of
from experiments.store import artefacts
from experiments.store.key_fields import implied
from experiments.store.keys import passport_key
from experiments.store.step import Means, Step
from experiments.store.weights import load_network
from paper import rows as results
from paper.figures import profile as figure
from paper.figures import steady
from paper.profile_rows import Moment, Operator
from predictors.board.device import Board, as_arguments
from search_spaces.errors import LutraError
from search_spaces.layers import Spec
from search_spaces.networks.network import Network

PROFILE, STEADY = "profile.csv", "steady.csv"
AGREE = 0.1  # allowed difference between the sum of the operators and the whole file, as a fraction of the latter
SAMPLE = 1.0  # seconds of inferences between two readings of the board's state
WEIGHTED = ("conv", "gemm", "fully_connected")  # parts of the names of operators with weights, in lower case


@dataclass(frozen=True)
class Settings:
    """The settings of the step `profile`."""

    device: Device
    profile: ProfileConfig
    whole: tuple[Spec, ...] | None = implied("network")  # the network before pruning

    @property
    def label(self) -> str:
        return f"{self.device.name}-{self.device.library}"


def profile(config: Config) -> Path:
    """Makes profile.csv, and steady.csv if there was a load; prints both and returns their folder."""
    live(config.device)
    if config.model != "winner":
        raise LutraError("a profile is about the search's winner: leave model at winner")
    root, made = chain(config)[0], chain(config)[-1]
    if not made.deployed:
        raise LutraError("only a quantized file is profiled: end compress.stages with quantize")
    assert made.parent is not None
    inputs: dict[str, Path | str] = {
        "deployed": made.path,
        "network": made.parent,
        "passport": passport_key(config.device),
    }
    quantized = settings_of(config, QUANTIZE, root.path)
    assert isinstance(quantized, Quantize)
    settings = Settings(Device.of(config.device), config.profile, quantized.whole)
    step = Step("profile", settings, inputs, Reference(f"{__name__}:work"))
    folder = plan_of(config).folder(step)
    if config.publish:
        names = sorted(path.name for path in folder.glob("*.csv"))
        publish(config, folder, names, "profile_setup.csv", 0, {"deployed": artefacts.sha256(made.path)})
    rows = results.read(folder, Operator)
    console.print(shown(rows))
    for line in remarks(rows):
        console.print(line, highlight=False, soft_wrap=True)
    return folder


def work(settings: Settings, files: Mapping[str, Path], means: Means, folder: Path) -> None:
    """Profiles both files, and runs the quantized one for the configured minutes."""
    network = load_network(files["network"])
    assert isinstance(network, Network)
    runtime, deployed = RUNTIMES[settings.device.library], files["deployed"]
    precision = int8_record.load(deployed.parent).precision
    compared = {"fp32": runtime.fp32(Source.of(network)), precision: deployed.read_bytes()}
    known = numbers(settings.whole, network.specs) if settings.whole else range(len(network.specs))
    layers = dict(zip(known, network.specs))
    with board_of(settings.device.at(means), folder) as board:
        found = [
            asdict(Operator(precision=name, **row))
            for name, file in compared.items()
            for row in operators(board, name, file, settings.profile.seconds, layers)
        ]
        artefacts.write_csv(folder / PROFILE, found)
        if settings.profile.minutes:
            moments = steadily(board, compared[precision], settings.profile)
            artefacts.write_csv(folder / STEADY, [asdict(moment) for moment in moments])
    with events.writer(folder) as tensorboard:
        events.show_figure(tensorboard, folder, "profile", figure.draw(folder))
        if settings.profile.minutes:
            events.show_figure(tensorboard, folder, "steady", steady.draw(folder))


def operators(
    board: Board, name: str, file: bytes, seconds: float, layers: Mapping[int, Spec]
) -> Iterator[dict[str, Any]]:
    """Yields a row per operator of a file of these layers, by their numbers.

    An operator's name contains its layer; if the runtime renames it, the layer is that of the last operator with
    weights.
    """
    answer = board.ask("profile", **as_arguments(name, file, board), seconds=seconds)
    numbered, seen = list(layers), 0
    weighted = [number for number, spec in layers.items() for _ in spec.graph.weighted]
    for operator, kind, spent in answer["operators"]:
        seen += any(word in kind.lower() for word in WEIGHTED)
        named = OURS.match(operator)
        layer = numbered[int(named[1])] if named else weighted[min(max(seen, 1), len(weighted)) - 1]
        yield {"layer": layer, "operator": operator, "kind": kind, "seconds": spent, "whole_s": answer["whole"]}


def steadily(board: Board, file: bytes, chosen: ProfileConfig) -> Iterator[Moment]:
    """Yields about one row per second under load; a fact that the board does not report is empty."""
    board.load("deployed", file)
    start, end = time.monotonic(), 60 * chosen.minutes
    for _ in track(range(max(1, round(end / SAMPLE))), "steady load", max(1, round(end / SAMPLE))):
        done = board.ask("round", order=["deployed"], seconds=SAMPLE, each=False)
        state = done["after"]
        clock, heat = state.get("clock_khz"), state.get("temperature_mc")
        yield Moment(
            time_s=time.monotonic() - start,
            latency_s=done["samples"][0][0],
            clock_hz=None if clock is None else 1e3 * clock,
            temperature_c=None if heat is None else 1e-3 * heat,
            throttled=state.get("throttled") or "",
        )


def shown(rows: Sequence[Operator]) -> Table:
    """Formats the seconds of each file by layer and kind of operator."""
    table = Table("layer", "operators", "us", "share %", title="where the time goes")
    for precision in dict.fromkeys(row.precision for row in rows):
        own = [row for row in rows if row.precision == precision]
        total = sum(row.seconds for row in own)
        table.add_section()
        table.add_row(precision, "", f"{1e6 * total:.1f}", "100")
        for layer in dict.fromkeys(row.layer for row in own):
            here = [row for row in own if row.layer == layer]
            spent = sum(row.seconds for row in here)
            kinds = ", ".join(dict.fromkeys(row.kind for row in here))
            table.add_row(str(layer), kinds, f"{1e6 * spent:.1f}", f"{100 * spent / total:.1f}")
    return table


def remarks(rows: Sequence[Operator]) -> Iterator[str]:
    """Yields a line for each file that says whether the times of its operators add up to that of the whole file."""
    for precision in dict.fromkeys(row.precision for row in rows):
        own = [row for row in rows if row.precision == precision]
        total, whole = sum(row.seconds for row in own), own[0].whole_s
        message = f"{precision}: the operators take {1e6 * total:.1f} us together, the whole file {1e6 * whole:.1f} us"
        if abs(total / whole - 1) > AGREE:
            message += f": they differ by more than {100 * AGREE:.0f} %, so compare operators only within a file"
        yield message
