"""Publishes a step for the paper: its CSV files, and a description of what they were measured on."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from experiments.config import Config
from experiments.config.choices import images_shape, space_of
from experiments.display.progress import console
from experiments.display.run_setup import STATE, judged, space_facts
from experiments.setup.devices import passport_of
from experiments.setup.session_record import RECORD, read_rows
from experiments.store import artefacts, locks
from experiments.store.json_records import typed
from paper import checksums, title
from predictors.board.fingerprint import runtime_of
from predictors.timing.verdict import Verdict
from search_spaces.documents import read_json, sha256

VERDICT = "verdict.json"


def write_verdict(folder: Path, sessions: Mapping[str, Verdict]) -> None:
    """Writes the verdicts on a step's sessions, given by name, with their reasons."""
    worst = max(sessions.values(), key=lambda one: ("clean", "noisy", "throttled").index(one.state))
    reasons = [f"{name}: {reason}" for name, one in sessions.items() for reason in one.reasons]
    artefacts.write(folder / VERDICT, json.dumps(judged("session", worst.state, reasons), indent=1) + "\n")


def _verdict(folder: Path) -> dict[str, str]:
    if (folder / RECORD).exists():
        session = read_rows(folder)[1]
        return judged("session", session.state, session.reasons)
    path = folder / VERDICT
    return typed(dict[str, str], read_json(path, "verdict"), path) if path.exists() else {}


def publish(
    config: Config,
    folder: Path,
    names: Iterable[str],
    setup: str,
    fitted: int,
    more: Mapping[str, str] | None = None,
    device: bool = True,
) -> None:
    """Copies files of a finished step into the paper's results, and records in `setup` where they come from.

    Records the machine, space and images, the commit, each file's sha256, and `more`, by key. `fitted`: the number of
    whole networks that its corrections were fitted on; `device`: whether the results depend on the device.
    """
    space = space_of(config)
    facts = {
        **space_facts(space, images_shape(config.data).resolution),
        "data": config.data.name,
        "data_file": config.data.names.file,
        "data_title": config.data.title,
        "fitted_networks": fitted,
        "fresh_networks": config.fidelity.networks,
        **(_device(config) if device else {}),
        **_verdict(folder),
        "seed": config.seed,
        "git_commit": artefacts.manifest(folder)["git_commit"],
    }
    copies = {name: (folder / name).read_bytes() for name in names}
    hashes = {f"{Path(name).stem}_sha256": sha256(data) for name, data in copies.items()}
    put(Path(config.results), copies | {setup: _text({**facts, **hashes, **(more or {})})} | _title(config))


def _device(config: Config) -> dict[str, Any]:
    passport = passport_of(config.device)
    named = {"device": passport.get("model") or passport.get("cpu")}
    return named | {key: passport.get(key) for key in ("cpu", "machine", "threads", runtime_of(passport), *STATE)}


def copy(config: Config, paths: Iterable[Path]) -> None:
    """Copies files into the paper's results unchanged."""
    put(Path(config.results), {path.name: path.read_bytes() for path in paths} | _title(config))


def _title(config: Config) -> dict[str, bytes]:
    """The file of the paper's title and author, if they are given."""
    given = {key: text for key, text in vars(config.paper).items() if text}
    return {title.FILE: _text(given)} if given else {}


def _text(facts: Mapping[str, Any]) -> bytes:
    return artefacts.csv_text([{"key": key, "value": value} for key, value in facts.items()]).encode()


def replaced(results: Path, files: Mapping[str, bytes]) -> str:
    """A line that names the files that publishing overwrites with other content, and how to get them back."""
    there = [name for name in files if (results / name).is_file()]
    lost = [name for name in there if (results / name).read_bytes() != files[name]]
    kept = [name for name in lost if _committed(results, name)]
    said = f"publishing overwrites {len(lost)} files in {results}: {', '.join(lost)}"
    if kept == lost:
        names = [*kept, *([checksums.LIST] if _committed(results, checksums.LIST) else [])]
        back = f"to get them back: git -C {results} restore -- {' '.join(names)}"
    else:
        others = ", ".join(name for name in lost if name not in kept)
        back = f"git has no copy of the present content of {others}, so it is lost"
    return f"{said}; {back}" if lost else ""


def _committed(results: Path, name: str) -> bool:
    """Whether git can restore the file as it is."""
    words = ("status", "--porcelain", "--ignored", "--untracked-files=all", "--", name)
    try:
        done = subprocess.run(["git", "-C", str(results), *words], capture_output=True, text=True)
    except OSError:  # git is not installed
        return False
    return done.returncode == 0 and not done.stdout.strip()


def put(results: Path, files: Mapping[str, bytes]) -> None:
    """Writes files by name, then the list of hashes that the paper's build compares them with."""
    if lost := replaced(results, files):
        console.print(lost, highlight=False, soft_wrap=True)
    with artefacts.disk_errors(results):
        results.mkdir(parents=True, exist_ok=True)
        with locks.exclusive(results / artefacts.LOCK):
            hashes = checksums.load(results) if (results / checksums.LIST).exists() else {}
            for name, data in files.items():
                artefacts.write(results / name, data)
            hashes |= {name: sha256(data) for name, data in files.items()}
            artefacts.write(results / checksums.LIST, checksums.dump(hashes))
