"""The commands that repeat a run, from the settings in the manifests of its steps."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from experiments.config import Config, StrategyConfig
from experiments.config.stage_order import STAGES
from experiments.config.values import options
from experiments.display.events import flat

GROUPS = ("data", "space", "strategy", "objective", "device")  # chosen by name
COMPRESSION = ("prune", "energy", "finetune", "distillation", "temperature", "teacher", "sparsify", "clusters")
QUANTIZATION = ("qat", "quantize", "calibration", "inside")
LIBRARIES = ("torch", "onnxruntime")
HASHES = ("data.decoder", "data.files", "device.table")  # hashes in a step's key, not settings
ELSEWHERE = {"image_folder": "data.path=FOLDER", "ssh": "device.host=HOST", "bundle": "device.results=FILE"}


def commands(
    steps: Sequence[tuple[str, Mapping[str, Any]]], own: Mapping[str, Any], facts: Mapping[str, Any]
) -> list[str]:
    """The lines of a shell.

    `steps`: those of the run, each with its manifest's settings; `own`: the report's settings; `facts`: setup.csv's.
    """
    by_name = dict(steps)
    names = by_name["train"]["data"]["name"], by_name["benchmark"]["device"]["name"]
    words = [f"{key}={_written(value)}" for key, value in changed(steps, own).items()]
    words += [ELSEWHERE[name] for name in names if name in ELSEWHERE]
    words += [f"data.title={facts['data_title']}"] if facts.get("data_title") else []
    versions = [f"{name}=={facts[name]}" for name in LIBRARIES if facts.get(name)]
    checkout = [f"git checkout {str(facts['git_commit']).rstrip('+')}"] if facts.get("git_commit") else []
    return [
        *checkout,
        shlex.join(["pip", "install", ".", *versions]),
        shlex.join(["python", "-m", "experiments.pipeline", *words]),
    ]


def changed(steps: Sequence[tuple[str, Mapping[str, Any]]], own: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration's keys whose values are not the defaults."""
    usual, found = dict(flat(asdict(Config()))), settings(steps) | dict(own)
    name = found.pop("strategy.name")
    usual_options = options(StrategyConfig(name))
    keys = {f"strategy.options.{key}": value for key, value in usual_options.items()}
    names = {group: found.pop(f"{group}.name", name) for group in GROUPS}
    chosen = {group: one for group, one in names.items() if one != usual[f"{group}.name"]}
    known = usual | keys
    return chosen | {key: value for key, value in found.items() if key in known and value != known[key]}


def settings(steps: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """The settings of all steps by the configuration's keys."""
    by_name, found = dict(steps), dict[str, Any]()
    stages = [name for name, _ in steps if name in STAGES]
    for name in stages:
        own = {key: value for key, value in by_name[name].items() if key in (*COMPRESSION, *QUANTIZATION)}
        found |= {f"compress.{key}": value for key, value in flat(own)}
    search, last = by_name.get("finalists", by_name["search"]), by_name["benchmark"]
    parts = {key: search[key] for key in ("data", "strategy", "objective", "search")}
    parts |= {"train": by_name["train"]["train"], "retrain": by_name["retrain"]["retrain"]}
    parts |= {"device": last["device"], "measure": last["measure"] | by_name.get("measure", last)["measure"]}
    found |= dict(flat(parts))
    found |= {key: search[key] for key in ("precision", "seed", "threads", "accelerator") if key in search}
    found |= {"space.name": search["space"]["name"], "supernet_seed": by_name["train"]["seed"]}
    found |= {"search.timed": "timing" in search, "compress.stages": stages, "compress.memory": last["memory"]}
    return {key: value for key, value in found.items() if key not in HASHES}


def _written(value: Any) -> str:
    """A value as a command line takes it."""
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_written, value))}]"
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
