"""The versions that made a result, and the message about a finished step made by other versions.

A step's key includes its number in `STEPS`, which is raised by hand when a change of the step's code changes all of its
results: older folders are then no longer found, and the step is done again. If only some results change, a number in
`CHOICES` is raised instead, and only these steps are done again. Spaces and kinds of layers need no number: a space's
layers are in the key, and a layer is named by its kind, so a kind whose graph changes gets another name.

The libraries and our own sources also affect a result. They are recorded in the manifest and compared. If they differ,
the finished step is still used, with a line that says so and how to make it again. They are not part of the key,
because otherwise every new torch and every edit of our code would train every supernet again, although most changes do
not matter. The result stays as it was, made by the versions in its manifest.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = (  # that affect results
    *("torch", "torchvision", "numpy", "scikit-learn", "onnx", "onnxruntime", "ai-edge-litert"),
    *("pillow", "scipy", "moocore", "torch-pruning", "onnxscript"),
)
RECORDED = (*LIBRARIES, "hydra-core")
PACKAGES = ("search_spaces", "predictors", "strategies", "compress", "experiments")
TRAINING, MEASURING = ("search_spaces", "experiments"), ("search_spaces", "predictors", "compress", "experiments")
STEPS: dict[str, tuple[int, tuple[str, ...]]] = {  # step -> its version, and the packages whose code it depends on
    "measure": (1, MEASURING),
    "train": (2, TRAINING),
    "retrain": (2, TRAINING),
    "search": (2, PACKAGES),
    "finalists": (1, PACKAGES),
    "compress": (2, PACKAGES),
    "faster_in_float": (1, MEASURING),
    "finetuning": (1, PACKAGES),
    "trial": (1, TRAINING),
    "recipes": (1, PACKAGES),
    "pruned_files": (1, MEASURING),
    "benchmark": (4, PACKAGES),
    "report": (14, PACKAGES),
    "ablation": (4, PACKAGES),
    "hand_made": (4, PACKAGES),
    "pruning_rules": (4, PACKAGES),
    "compare": (2, PACKAGES),
    "exact": (1, PACKAGES),
    "ranking": (3, PACKAGES),
    "fidelity": (2, PACKAGES),
    "protocols": (1, MEASURING),
    "transfer_timing": (1, MEASURING),
    "transfer": (1, PACKAGES),
    "profile": (1, MEASURING),
    "seeds": (4, PACKAGES),
}
# A choice -> its version, if that is not 1; part of the keys of steps whose settings have this choice. It is named by
# the dataclass that declares the field, and the value: "StrategyConfig.name=darts", "PruneConfig.rule=uniform",
# "Stage.stage=lowrank". Without a value, "Recipe.muon" is any use of a field marked `unless`.
CHOICES = {
    "TrainConfig.rule=fair": 2,
    "Images.balanced": 2,
}


def step_version(step: str) -> int:
    return STEPS[step][0] if step in STEPS else 1


@cache
def libraries() -> dict[str, str]:
    """The versions of Python and of the recorded libraries, by name."""
    found = {"python": platform.python_version()}
    for package in RECORDED:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


@cache
def code() -> dict[str, str]:
    """A hash of each package's sources, as of the first call in this process."""
    found = {}
    for package in PACKAGES:
        hashed = hashlib.sha256()
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith(("experiments/runs/", "experiments/bench/")):
                hashed.update(f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
        found[package] = hashed.hexdigest()
    return found


@cache
def commit() -> str | None:
    """The commit of the code, with a plus if it was changed since; None if it has no git repository of its own."""
    own = Path(__file__).resolve()
    if _git("rev-parse", "--show-toplevel") != str(ROOT) or _git("ls-files", "--error-unmatch", str(own)) is None:
        return None  # a copy inside another repository, or no repository
    return _git("describe", "--always", "--abbrev=12", "--dirty=+")


def made_by() -> dict[str, Any]:
    """The versions that a manifest records."""
    return {"versions": libraries(), "code": code(), "git_commit": commit()}


def _git(*words: str) -> str | None:
    elsewhere = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        done = subprocess.run(["git", *words], cwd=ROOT, env=elsewhere, capture_output=True, text=True)
    except OSError:
        return None
    return (done.stdout.strip() or None) if done.returncode == 0 else None


def differences(record: Mapping[str, Any]) -> str:
    """How a finished step's versions differ from the current ones; empty if nothing that affects its result differs."""
    then, here = record["versions"], libraries()
    found = [
        f"{name} {then[name]} (here {here.get(name)})"
        for name in LIBRARIES
        if name in then and then[name] != here.get(name)  # older steps record fewer
    ]
    _, packages = STEPS.get(record.get("step", ""), (1, PACKAGES))
    if changed := [f"{name}/" for name in packages if record["code"].get(name) != code()[name]]:
        found.append(f"other code in {', '.join(changed)} (commit {record.get('git_commit')}, here {commit()})")
    return ", ".join(found)


def disagreements(records: Iterable[Mapping[str, Any]], last: Mapping[str, Any]) -> str:
    """How the versions of other steps differ from those of the `last` one; empty if they agree."""
    found: dict[str, list[str]] = {}
    for record in records:
        facts, own = ({**one["versions"], "commit": one["git_commit"]} for one in (record, last))
        known = [name for name in (*LIBRARIES, "commit") if name in facts and name in own]  # older steps record fewer
        if odd := ", ".join(f"{name} {facts[name]}" for name in known if facts[name] != own[name]):
            steps = found.setdefault(odd, [])
            steps += [record["step"]] if record["step"] not in steps else []
    return "; ".join(f"{', '.join(steps)}: {odd}" for odd, steps in found.items())
