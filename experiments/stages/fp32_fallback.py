"""Chooses by time which layers stay in float: times whole files on the device before the deployed file is written.

Pruning has chosen widths earlier, with a table of layers in INT8. If a layer that is not pruned, such as the stem,
stays in float, the latencies of all widths change equally, so the choice would be the same; the result is just faster
than its target. With quantization-aware training, the layers are chosen before training, and the file keeps the same
layers in float.
"""

from __future__ import annotations

from pathlib import Path

from experiments.config.reference import Reference
from experiments.display.progress import say
from experiments.stages.inputs import check_device, learned, teachers
from experiments.stages.settings import faster_settings, float_layers, untimed
from experiments.steps.plan import Plan
from experiments.store.keys import passport_key
from experiments.store.provenance import FASTER_IN_FLOAT
from experiments.store.step import Step

FILE = f"{FASTER_IN_FLOAT}.json"
WORK = Reference("experiments.stages.float_timing:work")


def needs(plan: Plan, root: Path, parent: Path) -> dict[str, Path]:
    """The files that quantization reads besides its network: what training learned for it, or the faster layers."""
    return learned(parent) or by_time(plan, parent)


def by_time(plan: Plan, parent: Path) -> dict[str, Path]:
    """The file that lists the layers that stay in float to save time, if this is configured."""
    config = plan.config
    if float_layers(config) in ("time", "both"):
        return {FASTER_IN_FLOAT: faster_layers(plan, parent)}
    chosen = config.compress.quantize
    if (chosen.kind, chosen.float_layers) == ("static", "time") and (why := untimed(config)):
        plan.once("untimed", lambda: say(f"No layer stays in float to save time: {why}."))
    return {}


def before_training(plan: Plan, root: Path, parent: Path) -> dict[str, Path]:
    """The files that quantization-aware training reads: its teacher, and the list of layers that stay in float."""
    return teachers(plan, root, parent) | by_time(plan, parent)


def faster_layers(plan: Plan, parent: Path) -> Path:
    """The file that lists the layers that are faster in float on the device, measured now or before."""
    config = plan.config
    check_device(config)
    settings = faster_settings(config, plan.images)
    inputs: dict[str, Path | str] = {"parent": parent, "passport": passport_key(config.device)}
    label = f"{config.space.name if config.model == 'winner' else config.model}-{settings.label}"
    return plan.folder(Step(FASTER_IN_FLOAT, settings, inputs, WORK, label=label)) / FILE
