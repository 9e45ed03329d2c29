"""What the paper says of a step: its CSV files, and beside them what they were measured on."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from experiments import artefacts
from experiments.choices import space_of
from experiments.config import Config
from experiments.devices import passport_of


def publish(config: Config, folder: Path, names: Iterable[str], setup: str, fitted: int) -> None:
    """Puts files of a finished step into the paper's results, and its machine, sizes and commit into `setup`.

    `fitted`: how many whole networks its corrections were fitted on.
    """
    space, passport = space_of(config), passport_of(config.device)
    facts = {
        "space": space.name,
        "resolution": space.layers[0][0].resolution,
        "fitted_networks": fitted,
        "fresh_networks": config.fidelity.networks,
        "device": passport.get("model") or passport.get("cpu"),
        **{key: passport.get(key) for key in ("cpu", "machine", "threads", "onnxruntime")},
        "seed": config.seed,
        "git_commit": artefacts.manifest(folder)["git_commit"],
    }
    for name in names:
        artefacts.write(Path(config.results) / name, (folder / name).read_bytes())
    artefacts.write_csv(Path(config.results) / setup, [{"key": key, "value": value} for key, value in facts.items()])
