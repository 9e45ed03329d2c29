"""What the paper says of a step: its CSV files, and beside them what they were measured on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from experiments import artefacts
from experiments.choices import space_of
from experiments.config import Config
from experiments.devices import passport_of
from experiments.record import RECORD, read_rows
from experiments.setting import STATE, judged
from predictors.verdict import Verdict

VERDICT = "verdict.json"


def write_verdict(folder: Path, sessions: Mapping[str, Verdict]) -> None:
    """What a step's sessions were worth, by the name of each; their reasons with it."""
    worst = max(sessions.values(), key=lambda one: ("clean", "noisy", "throttled").index(one.state))
    reasons = [f"{name}: {reason}" for name, one in sessions.items() for reason in one.reasons]
    artefacts.write(folder / VERDICT, json.dumps(judged("session", worst.state, reasons), indent=1) + "\n")


def _verdict(folder: Path) -> dict[str, str]:
    if (folder / RECORD).exists():
        session = read_rows(folder)[1]
        return judged("session", session.state, session.reasons)
    return json.loads((folder / VERDICT).read_text()) if (folder / VERDICT).exists() else {}


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
        **{key: passport.get(key) for key in ("cpu", "machine", "threads", "onnxruntime", *STATE)},
        **_verdict(folder),
        "seed": config.seed,
        "git_commit": artefacts.manifest(folder)["git_commit"],
    }
    for name in names:
        artefacts.write(Path(config.results) / name, (folder / name).read_bytes())
    artefacts.write_csv(Path(config.results) / setup, [{"key": key, "value": value} for key, value in facts.items()])
