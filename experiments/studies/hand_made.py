"""Compares the winner with hand-made networks: the same data, recipe and quantization.

All are trained and finetuned for the same number of steps; only the winner is pruned in between, to one or more
latencies.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from compress.files.foreign import FOREIGN
from experiments.config import Config
from experiments.config.validation import check_runtime
from experiments.studies.ablation import WHOLE, side_by_side, staged

UNPRUNED = ["finetune", "quantize"]


def hand_made(config: Config) -> Path:
    """The folder of hand_made.csv. Prints it as a table."""
    for name in config.hand_made.models or FOREIGN:  # before anything is trained
        check_runtime(replace(config, model=name))
    variants = {"winner": staged(config, WHOLE), "winner, unpruned": staged(config, UNPRUNED)}
    variants |= {f"winner, saved {part:g}": staged(saving(config, part), WHOLE) for part in config.hand_made.saved}
    variants |= {name: staged(replace(config, model=name), UNPRUNED) for name in config.hand_made.models or FOREIGN}
    return side_by_side(config, "hand_made", variants)


def saving(config: Config, part: float) -> Config:
    """The winner pruned by this fraction of the possible latency reduction, instead of the configured one."""
    prune = replace(config.compress.prune, rule="device", target_ms=None, saved=part)
    return replace(config, compress=replace(config.compress, prune=prune))
