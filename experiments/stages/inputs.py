"""The input files of stages besides their network. Finding or making them does not load torch."""

from __future__ import annotations

from pathlib import Path

from compress.pruning.widths import width_space
from experiments.config import Config
from experiments.config.reference import Reference
from experiments.setup.devices import live
from experiments.steps.plan import Plan
from experiments.store.network_specs import specs_of
from experiments.store.provenance import FASTER_IN_FLOAT
from search_spaces.errors import LutraError
from search_spaces.space import SearchSpace

NETWORK = "network.safetensors"
RANGES = "ranges.json"  # activation ranges learned by quantization-aware training
FLOATS = "floats.json"  # the layers that it kept in float
RANKS = Reference("experiments.stages.pruning:space_of_ranks")


def table_of_widths(plan: Plan, root: Path, parent: Path) -> dict[str, Path]:
    """The table of layers in every width, if pruning uses measured latencies."""
    chosen, specs = plan.config.compress.prune, specs_of(parent)
    if chosen.rule != "device" or specs is None:
        return {}
    return {"table": table_of(plan, width_space(specs, chosen.widths))}


def table_of_ranks(plan: Plan, root: Path, parent: Path) -> dict[str, Path]:
    """The table of factorised convolutions, if factorising makes some cheaper."""
    space = RANKS(parent, plan.config.compress.energy)
    return {} if space is None else {"table": table_of(plan, space)}


def learned(parent: Path) -> dict[str, Path]:
    """The files that quantization-aware training wrote for quantization, if it made the network of `parent`."""
    files = {"ranges": parent.parent / RANGES, FASTER_IN_FLOAT: parent.parent / FLOATS}
    return {name: path for name, path in files.items() if path.exists()}


def teachers(plan: Plan, root: Path, parent: Path) -> dict[str, Path]:
    """The teacher of a training: the file of the unpruned network, or the supernet for its largest network."""
    chosen = plan.config.compress
    if not chosen.distillation:
        return {}
    return {"teacher": root} if chosen.teacher == "winner" else {"supernet": plan.supernet}


def table_of(plan: Plan, space: SearchSpace) -> Path:
    """The file of a table of pruned or factorised layers, measured on the same device as the search's table."""
    check_device(plan.config)
    return plan.table_of(space)


def check_device(config: Config) -> None:
    """Raises LutraError if the search's table may come from another device."""
    if config.table is not None and config.ignore:
        raise LutraError(
            "changed layers are measured on this device, but with ignore= the table may come from another device: "
            "measure a table here, or choose without a device: compress.prune.rule=uniform, and "
            "compress.quantize.float_layers=accuracy instead of both"
        )
    live(config.device)
