"""python -m experiments.pruning_rules: pruning by what the device rewards beside rules that do not ask it.

Uniform widths, and torch-pruning with one threshold for all groups (DepGraph), each prune the same winner to the same
measured latency or a little more, are finetuned alike and quantized, in every layer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

from experiments import artefacts, command
from experiments.ablation import WHOLE, side_by_side, staged
from experiments.compress import chain
from experiments.config import Config
from experiments.devices import board_of, live
from experiments.keys import passport_key
from experiments.measure import followed
from predictors.rounds import summarize
from search_spaces.errors import LutraError

BASELINES = ("depgraph", "uniform")
KEEPS = tuple(round(0.05 * step, 2) for step in range(6, 20))  # fractions of the channels to try


def pruning_rules(config: Config) -> Path:
    """The folder of pruning_rules.csv. Prints it as a table."""
    live(config.device)
    variants = {"device": staged(pruned_by(config, "device", config.compress.prune.keep), WHOLE)}
    for rule, keep in keeps(config).items():
        variants[f"{rule} {keep:g}"] = staged(pruned_by(config, rule, keep), WHOLE)
    return side_by_side(config, "pruning_rules", variants)


def pruned_by(config: Config, rule: str, keep: float) -> Config:
    prune = replace(config.compress.prune, rule=rule, keep=keep)
    quantize = replace(config.compress.quantize, float_layers="none")
    return replace(config, compress=replace(config.compress, prune=prune, quantize=quantize))


def keeps(config: Config) -> dict[str, float]:
    """Of each baseline the fraction of channels with which it is as slow as ours is, or slower by least.

    Raises LutraError where none of `KEEPS` is as slow, or each is slower.
    """
    files = dict(_files(config))
    settings = {"device": asdict(config.device), "measure": asdict(config.measure)}
    inputs = {name: artefacts.sha256(path) for name, path in files.items()} | {"passport": passport_key(config.device)}

    def work(folder: Path) -> None:
        with board_of(config.device, folder) as board:
            onnx = {name: path.read_bytes() for name, path in files.items()}
            values = summarize(list(followed(board, onnx, config.measure, "timing pruned files")))
        seconds = {name: value.seconds for name, value in values.items()}
        artefacts.write(folder / "seconds.json", json.dumps(seconds, indent=1) + "\n")

    label = f"{config.space.name}-{config.data.name}-seed{config.seed}"
    folder = artefacts.step(Path(config.runs), "pruned_files", label, settings, inputs, work)
    seconds = json.loads((folder / "seconds.json").read_text())
    found = {}
    for rule in BASELINES:
        slower = [keep for keep in KEEPS if seconds[f"{rule} {keep}"] >= seconds["device"]]
        if len(slower) in (0, len(KEEPS)):
            raise LutraError(
                f"{rule} pruning cannot be as fast as ours, {1e3 * seconds['device']:.4g} ms: keeping {KEEPS[0]} to "
                f"{KEEPS[-1]} of the channels it is always {'slower' if slower else 'faster'}; "
                "change compress.prune.saved"
            )
        found[rule] = min(slower, key=lambda keep: seconds[f"{rule} {keep}"])
    return found


def _files(config: Config) -> Iterator[tuple[str, Path]]:
    """INT8 files before any finetuning, which changes no latency."""
    ours = pruned_by(config, "device", config.compress.prune.keep)
    yield "device", chain(staged(ours, ["prune", "quantize"]))[-1].path
    for rule in BASELINES:
        for keep in KEEPS:
            yield f"{rule} {keep}", chain(staged(pruned_by(config, rule, keep), ["prune", "quantize"]))[-1].path


if __name__ == "__main__":
    command.run(pruning_rules)
