"""Compares the winner with hand-made networks: the same data, recipe and quantization.

All are trained and finetuned for the same number of steps; only the winner is pruned in between, to one or more
latencies.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from experiments.config import Config
from experiments.config.choices import space_of
from experiments.config.compression import NOT_FOR
from experiments.config.validation import check_runtime
from experiments.studies.ablation import WHOLE, side_by_side, staged
from paper.hand_made_names import SAVED

UNPRUNED = ["finetune", "quantize"]
USUAL = ("mobilenet_v2", "mobilenet_v3_small", "shufflenet_v2", "resnet8")
VARIED = (  # of about the sizes, and of all the kinds of blocks, that a space with trunks has
    "resnet8",
    "mobilenet_v2_half",
    "mobilenet_v3_small",
    "shufflenet_v2_half",
    "mobilenet_v4_small",
    "vit",
    "hybrid",
)
ALIKE = {"resnet8": "resnet8_blocks"}  # for a runtime that cannot have the first


def hand_made(config: Config) -> Path:
    """The folder of hand_made.csv. Prints it as a table."""
    models = models_of(config)
    for name in models:  # before anything is trained
        check_runtime(replace(config, model=name))
    variants = {"winner": staged(config, WHOLE), "winner, unpruned": staged(config, UNPRUNED)}
    variants |= {f"{SAVED}{part:g}": staged(saving(config, part), WHOLE) for part in config.hand_made.saved}
    variants |= {name: staged(replace(config, model=name), UNPRUNED) for name in models}
    return side_by_side(config, "hand_made", variants)


def models_of(config: Config) -> list[str]:
    """The hand-made networks to compare with: the configured ones, or those for the space that the runtime can have."""
    if config.hand_made.models:
        return config.hand_made.models
    refused = NOT_FOR.get(config.device.library, {}).get("model", ())
    names = VARIED if refused or space_of(config).trunks > 1 else USUAL
    possible = [ALIKE.get(name, name) if name in refused else name for name in names]
    return [name for name in possible if name not in refused]


def saving(config: Config, part: float) -> Config:
    """The winner pruned by this fraction of the possible latency reduction, instead of the configured one."""
    prune = replace(config.compress.prune, rule="device", target_ms=None, saved=part)
    return replace(config, compress=replace(config.compress, prune=prune))
