"""Compares pruning by measured latency with rules that ignore the device.

Uniform widths, and torch-pruning with one threshold for all groups (DepGraph), each prune the same winner until its
quantized file takes the same time on the device as ours, or slightly more. All are finetuned and quantized in the same
way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from experiments.config import Config, MeasureConfig
from experiments.config.compression import NOT_FOR
from experiments.config.reference import Reference
from experiments.display.progress import say
from experiments.setup.devices import board_of, live
from experiments.stages.settings import float_layers
from experiments.steps.compress import chain
from experiments.steps.device_settings import Device
from experiments.steps.measure import followed
from experiments.steps.plan import plan_of
from experiments.store import artefacts
from experiments.store.json_records import typed
from experiments.store.key_fields import FOLDER, implied
from experiments.store.keys import passport_key
from experiments.store.step import Means, Step
from experiments.studies.ablation import WHOLE, side_by_side, staged
from predictors.timing.rounds import summarize
from search_spaces.documents import read_json
from search_spaces.errors import LutraError

BASELINES = ("depgraph", "uniform")
KEEPS = tuple(round(0.05 * step, 2) for step in range(6, 20))  # fractions of the channels to try

WORK = Reference("experiments.studies.pruning_rules:work")


@dataclass(frozen=True)
class Settings:
    """The settings for timing files that are pruned to different widths."""

    device: Device
    measure: MeasureConfig
    label: str = implied(FOLDER)


def pruning_rules(config: Config) -> Path:
    """The folder of pruning_rules.csv. Prints it as a table."""
    live(config.device)
    variants = {"device": staged(pruned_by(config, "device", config.compress.prune.keep), WHOLE)}
    for rule, keep in keeps(config).items():
        variants[f"{rule} {keep:g}"] = staged(pruned_by(config, rule, keep), WHOLE)
    return side_by_side(config, "pruning_rules", variants)


def baselines(config: Config) -> list[str]:
    """The rules to compare with: torch-pruning's networks only exist in onnxruntime's files."""
    refused = NOT_FOR.get(config.device.library, {}).get("compress.prune.rule", ())
    return [rule for rule in BASELINES if rule not in refused]


def pruned_by(config: Config, rule: str, keep: float) -> Config:
    """The stage's settings; only the device's rule uses `target_ms`."""
    chosen = config.compress.prune
    prune = replace(chosen, rule=rule, keep=keep, target_ms=chosen.target_ms if rule == "device" else None)
    return replace(config, compress=replace(config.compress, prune=prune))


def plain(config: Config) -> Config:
    """Settings with every layer in INT8, which are quick enough to try all fractions of channels."""
    quantize = replace(config.compress.quantize, float_layers="none")
    return replace(config, compress=replace(config.compress, quantize=quantize))


def keeps(config: Config) -> dict[str, float]:
    """For each baseline, the fraction of channels whose file is as slow as ours, or otherwise slightly slower.

    First, files of all fractions are compared with every layer in INT8. Then each is quantized like ours, with its own
    choice of layers in float by time, and channels are added while it is faster than ours. A baseline that is always
    faster, or always slower, is left out, and a line says so. Raises LutraError if none is left.
    """
    seconds = timed(config, {name: pruned(plain(config), *rule) for name, rule in _rules(config).items()})
    found, reasons = {}, []
    for rule in baselines(config):
        slower = [keep for keep in KEEPS if seconds[f"{rule} {keep}"] >= seconds["device"]]
        nearest = min(slower, key=lambda keep: seconds[f"{rule} {keep}"], default=None)
        keep = nearest if len(slower) < len(KEEPS) else None
        if keep is not None and float_layers(config) in ("time", "both"):
            keep = _as_slow(config, rule, keep)
        if keep is not None:
            found[rule] = keep
            continue
        reasons.append(
            f"{rule} pruning cannot be as fast as ours, {1e3 * seconds['device']:.4g} ms: keeping {KEEPS[0]} to "
            f"{KEEPS[-1]} of the channels it is always {'slower' if len(slower) == len(KEEPS) else 'faster'}"
        )
        say(reasons[-1])
    if not found:
        raise LutraError(f"{'; '.join(reasons)}; change compress.prune.saved")
    return found


def _as_slow(config: Config, rule: str, least: float) -> float | None:
    """The first fraction of channels, from `least` on, whose deployed file is not faster than ours."""
    ours = pruned(config, "device", config.compress.prune.keep)
    for keep in KEEPS[KEEPS.index(least) :]:
        seconds = timed(config, {"device": ours, rule: pruned(config, rule, keep)})
        if seconds[rule] >= seconds["device"]:
            return keep
    return None


def _rules(config: Config) -> dict[str, tuple[str, float]]:
    tried = {f"{rule} {keep}": (rule, keep) for rule in baselines(config) for keep in KEEPS}
    return {"device": ("device", config.compress.prune.keep), **tried}


def pruned(config: Config, rule: str, keep: float) -> Path:
    """The quantized file without finetuning, which does not change the latency."""
    return chain(staged(pruned_by(config, rule, keep), ["prune", "quantize"]))[-1].path


def timed(config: Config, files: Mapping[str, Path]) -> dict[str, float]:
    """Seconds of files timed in one session on the device, now or in an earlier command."""
    label = f"{config.space.name}-{config.data.label}-seed{config.seed}"
    settings = Settings(Device.of(config.device), config.measure, label)
    step = Step("pruned_files", settings, {**files, "passport": passport_key(config.device)}, WORK)
    path = plan_of(config).folder(step) / "seconds.json"
    return typed(dict[str, float], read_json(path), path)


def work(settings: Settings, files: Mapping[str, Path], means: Means, folder: Path) -> None:
    """Times the files and writes their seconds."""
    with board_of(settings.device.at(means), folder) as board:
        onnx = {name: path.read_bytes() for name, path in files.items()}
        values = summarize(list(followed(board, onnx, settings.measure, "timing pruned files")))
    seconds = {name: value.seconds for name, value in values.items()}
    artefacts.write(folder / "seconds.json", json.dumps(seconds, indent=1) + "\n")
