"""A board that is reached by hand: a folder to carry there, `python3 run.py` on it, and a file to carry back.

The folder holds the very program that measures over a connection, so the results are the answers that a live board
would have given: a table is made from them by measuring again with these answers.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from modulefinder import ModuleFinder
from pathlib import Path
from typing import Any

from predictors.device import local
from predictors.lasting import Record, lasting
from predictors.rounds import Protocol, measure
from search_spaces.errors import LutraError

JOB, RESULTS = "lutra/bundle/1", "lutra/bundle-results/1"
RUN = '''"""python3 run.py: times the networks of this folder on this machine; may be interrupted and run again."""

import sys
from pathlib import Path

try:
    import numpy  # noqa: F401
    import onnxruntime  # noqa: F401
except ImportError as error:
    sys.exit(f"{error}; type: python3 -m venv venv && venv/bin/pip install numpy onnxruntime; venv/bin/python run.py")

from predictors.bundle import run

run(Path(__file__).resolve().parent)
'''


@dataclass(frozen=True)
class Results:
    """What a board answered. `passport` says which board."""

    passport: Mapping[str, Any]
    rounds: tuple[Record, ...]


def contents(files: Mapping[str, bytes], protocol: Protocol, threads: int) -> Iterator[tuple[str, bytes]]:
    """The folder to carry: relative paths and what is in them."""
    hashes = {name: hashlib.sha256(onnx).hexdigest() for name, onnx in files.items()}
    numbers = {field.name: getattr(protocol, field.name) for field in fields(Protocol)}
    job = {"schema": JOB, "threads": threads, "protocol": numbers, "files": hashes}
    yield "job.json", _sealed(job)
    yield "run.py", RUN.encode()
    for name, onnx in files.items():
        yield f"files/{hashes[name]}.onnx", onnx
    yield from modules(__file__)


def modules(program: str) -> Iterator[tuple[str, bytes]]:
    """A file of ours and all of ours that it imports: relative paths and sources, to be run elsewhere."""
    root = Path(__file__).parents[1]
    finder = ModuleFinder([str(root)], excludes=["numpy", "onnxruntime"])
    finder.run_script(program)
    for module in finder.modules.values():
        if module.__file__ is not None:  # type: ignore[attr-defined]
            source = Path(module.__file__)  # type: ignore[attr-defined]
            yield source.relative_to(root).as_posix(), source.read_bytes()


def run(folder: Path, say: Callable[[str], None] = print) -> None:
    """On the board: measures, and keeps every finished round in results.json."""
    try:
        fcntl.flock(os.open(folder, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)
        _run(folder, say)
    except BlockingIOError:
        sys.exit("error: run.py is already running in this folder")
    except (LutraError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted; python3 run.py goes on from the finished rounds")


def _run(folder: Path, say: Callable[[str], None]) -> None:
    job = _opened(folder / "job.json", JOB)
    path, protocol = folder / "results.json", Protocol(**job["protocol"])
    files = {name: _file(folder / "files" / f"{sha256}.onnx", sha256) for name, sha256 in job["files"].items()}
    before = _opened(path, RESULTS) if path.exists() else {"job": job["sha256"], "rounds": []}
    rounds = list(before["rounds"])

    with local(job["threads"]) as board:
        results = {"schema": RESULTS, "job": job["sha256"], "passport": dict(board.passport)}
        if (before["job"], before.get("passport", results["passport"])) != (results["job"], results["passport"]):
            raise LutraError(f"{path} is of another bundle or board: move it away, and run this again")

    def keep(record: Record) -> None:
        rounds.append(record)
        _write(path, _sealed({**results, "rounds": rounds, "finished": False}))

    say(f"timing {len(files)} networks on {results['passport']['cpu']}, at most {protocol.max_rounds} rounds")
    start = time.monotonic()
    with lasting(lambda again: local(job["threads"]), list(rounds), keep, say) as lasting_board:
        for number, done in enumerate(measure(lasting_board, files, protocol), 1):
            say(f"round {number}: {len(done.order)} samples, {time.monotonic() - start:.0f} s so far")
    _write(path, _sealed({**results, "rounds": rounds, "finished": True}))
    say(f"done: carry {path} back")


def read_results(path: Path) -> Results:
    """What run.py wrote. Raises LutraError where it is damaged or not finished."""
    content = _opened(path, RESULTS)
    if not content["finished"]:
        raise LutraError(
            f"{path} holds {len(content['rounds'])} rounds and is not finished: type python3 run.py on the board again"
        )
    return Results(content["passport"], tuple(content["rounds"]))


class Carried:
    """A board that answers nothing but what its results hold."""

    def __init__(self, path: Path, results: Results) -> None:
        self._path, self.passport, self.threads = path, results.passport, results.passport["threads"]

    def load(self, name: str, onnx: bytes) -> None:
        """The board has it."""

    def round(self, order: Any, seconds: float, each: bool = False) -> dict[str, Any]:
        return self.ask("round")

    def ask(self, do: str, **arguments: Any) -> Any:
        if do == "state":
            return {}
        if do == "peak_memory":
            return {"peak": None, "runtime": None}
        raise LutraError(
            f"{self._path} does not say this: a bundle's board cannot be asked live, and its results are those of the "
            "networks that `python -m experiments.measure device=bundle` wrote, at these settings"
        )


def _sealed(content: Mapping[str, Any]) -> bytes:
    text = json.dumps(content, sort_keys=True)
    return json.dumps({**content, "sha256": hashlib.sha256(text.encode()).hexdigest()}, sort_keys=True).encode()


def _opened(path: Path, schema: str) -> dict[str, Any]:
    """A sealed file. Raises LutraError where it is missing, damaged, or something else."""
    try:
        content = json.loads(path.read_bytes())
        seal = content.pop("sha256")
        intact = json.loads(_sealed(content))["sha256"] == seal
    except OSError as error:
        raise LutraError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, AttributeError, KeyError, TypeError):
        intact = False
    if not intact or content.get("schema") != schema:
        raise LutraError(f"{path} is damaged or no {schema}: move it away, and make it again")
    return {**content, "sha256": seal}


def _file(path: Path, sha256: str) -> bytes:
    onnx = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(onnx).hexdigest() != sha256:
        raise LutraError(f"{path} is missing or damaged: carry the folder again")
    return onnx


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all."""
    fresh = path.with_suffix(".new")
    with open(fresh, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
