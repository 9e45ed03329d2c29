"""Tests that commands start fast: showing something or refusing a command line imports no computing library."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

import experiments
from tests.commands import ROOT, Finished

COMPUTING = ("torch", "torchvision", "sklearn", "moocore")
COMMANDS = sorted(path.stem for path in (ROOT / "experiments").glob("*.py") if "command.run(" in path.read_text())
# Forks a process for every command line, which returns its exit code and the libraries it has imported.
DRIVER = """
import json, os, runpy, sys
import hydra, experiments.config.command
from experiments.config.arguments import checked_words
checked_words(["experiment=smoke", "seed=1"])  # reads what each command reads once
libraries, devnull = sys.argv[1].split(","), os.open(os.devnull, os.O_WRONLY)
assert not {*libraries} & {*sys.modules}
for line in sys.stdin:
    name, *words = json.loads(line)
    read, write = os.pipe()
    if os.fork() == 0:
        os.dup2(devnull, 1), os.dup2(devnull, 2)
        sys.argv, code = [name, *words], 0
        try:
            runpy.run_module(f"experiments.{name}", run_name="__main__", alter_sys=True)
        except SystemExit as stop:
            code = stop.code or 0
        finally:
            os.write(write, json.dumps([code, [one for one in libraries if one in sys.modules]]).encode())
            os._exit(0)
    os.close(write)
    print(os.read(read, 4096).decode(), flush=True)
    os.close(read)
    os.wait()
"""
Started = Callable[..., tuple[int, list[str]]]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """Runs a command in a process; returns its exit code and the computing libraries it has imported."""
    runs = tmp_path_factory.mktemp("runs")
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, ",".join(COMPUTING)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    stdin, stdout = driver.stdin, driver.stdout
    assert stdin
    assert stdout

    def run(name: str, *words: str) -> tuple[int, list[str]]:
        where = [] if any(word.startswith("runs=") for word in words) else [f"runs={runs}"]
        stdin.write(json.dumps([name, *where, *words]) + "\n")
        stdin.flush()
        code, loaded = json.loads(stdout.readline())
        return code, loaded

    with driver:
        yield run
        stdin.close()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_refuses_a_value_without_loading_what_computes(name: str, started: Started) -> None:
    assert started(name, "train.steps=many") == (2, [])


@pytest.mark.parametrize(
    "words",
    [
        ("strategy=surrogate", "strategy.options.population=3"),
        ("strategy=nsga2", "strategy.options.population=0"),
        ("strategy=darts", "strategy.options.every=0"),
        ("space=smal",),
        ("seed=1", "sed=1"),
        ("compress.stages=[qat,quantize]", "compress.quantize.kind=dynamic"),
        ("compress.quantize.method=median",),
        ("compress.sparsify.pattern=every_third",),
        ("model=vgg",),
        ("search.backend=mpi",),
        ("train.batch=65536", "data=cifar10", "data.path=x", "data.size=2048"),
        ("train.steps=100000000", "train.batch=65536"),
        ("device.scenario=sunny",),
        ("threads=1000",),
        ("accelerator=gpu",),
        ("--configure",),
        ("seed=0,1",),
        ("strategy=random", "--multirun", "sweep=a/b"),
    ],
    ids=" ".join,
)
def test_command_lines_are_refused_without_loading_what_computes(words: tuple[str, ...], started: Started) -> None:
    assert started("search", *words) == (2, [])


@pytest.mark.parametrize(
    "line",
    [
        ("search", "--help"),
        ("search", "--cfg", "job"),
        ("compress", "--cfg", "job", "--resolve", "strategy=surrogate"),
        ("train", "--info", "searchpath"),
    ],
    ids=" ".join,
)
def test_help_and_the_configuration_are_shown_without_loading_what_computes(
    line: tuple[str, ...], started: Started
) -> None:
    assert started(*line) == (0, [])


@pytest.mark.parametrize(
    "line",
    [
        ("status",),
        ("tables",),
        ("lineage", "run=nowhere"),
        ("search", "data=image_folder", "data.path=nowhere"),
        ("train", "data=image_folder", "data.path=nowhere", "space=mobile"),
        ("measure", "device=simulated"),
        ("search", "device=simulated", "device.table=nowhere"),
    ],
    ids=" ".join,
)
def test_what_is_not_there_is_told_without_loading_what_computes(line: tuple[str, ...], started: Started) -> None:
    assert started(*line) == (2, [])


@pytest.mark.parametrize("name", ["lineage", "report", "pipeline"])
def test_a_finished_pipeline_is_found_without_loading_what_computes(
    name: str, finished: Finished, started: Started
) -> None:
    assert started(name, *finished.arguments, f"runs={finished.runs}") == (0, [])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("PASSIVE", str(experiments.SPINS))),
        ({"GOMP_SPINCOUNT": "0"}, ("PASSIVE", "0")),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, ("ACTIVE", "None")),
    ],
)
def test_threads_wait_as_the_user_asks_or_spin_for_a_moment(given: dict[str, str], expected: tuple[str, str]) -> None:
    names = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    surroundings = {name: value for name, value in os.environ.items() if name not in names}
    code = f"import os, experiments; print(*map(os.environ.get, {names}))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=surroundings | given, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    assert tuple(done.stdout.split()) == expected
