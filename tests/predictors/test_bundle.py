"""Tests offline boards: the bundle runs on its own and survives a kill, and its results are checked and used once."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from random import Random

import onnxruntime
import pytest

from predictors.board.fingerprint import runtime_of
from predictors.board.offline_job import OfflineBoard, contents, read_results
from predictors.board.resumable import resumable
from predictors.timing.rounds import Protocol, Round, measure
from search_spaces.errors import LutraError
from search_spaces.networks import litert_writer
from search_spaces.networks.onnx_writer import random_weights, write
from search_spaces.spaces.tiny import tiny

SPACE = tiny(1, 16, 10)
SPECS = SPACE.decode(SPACE.smallest)
FILES = {f"fp32/{seed}": write(SPECS, random_weights(SPECS, seed)) for seed in range(4)}
QUICK = Protocol(min_rounds=4, max_rounds=4, sample_seconds=0.002, within=1e9)
NOT_THERE = ("torch", "onnx", "hydra", "rich", "matplotlib", "experiments", "compress", "strategies")


def carry(
    folder: Path, protocol: Protocol = QUICK, files: Mapping[str, bytes] = FILES, runtime: str = "onnxruntime"
) -> Path:
    """Writes the bundle to a folder, as on the board."""
    for name, data in contents(files, protocol, 1, runtime=runtime):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def run(folder: Path, absent: Sequence[str] = ("ai_edge_litert",)) -> subprocess.Popen[str]:
    """Starts run.py where only numpy and the runtime are installed."""
    program = (
        f"import runpy, sys; sys.modules.update(dict.fromkeys({(*NOT_THERE, *absent)})); "
        "import predictors; assert predictors.__file__.startswith(sys.argv[1]); "
        "runpy.run_path('run.py', run_name='__main__')"
    )
    command = [sys.executable, "-u", "-c", program, str(folder)]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def imported(path: Path, files: dict[str, bytes] = FILES, protocol: Protocol = QUICK) -> list[Round]:
    """Returns the rounds that `measure device=bundle device.results=PATH` makes of the results."""
    results = read_results(path)
    kept: list[object] = []
    with resumable(lambda again: nullcontext(OfflineBoard(path, results)), results.rounds, kept.append) as board:
        rounds = list(measure(board, files, protocol))
    assert not kept
    return rounds


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the results of a board where run.py was killed after two rounds and run again."""
    folder = carry(tmp_path_factory.mktemp("bundle"))
    first = run(folder)
    assert first.stdout is not None
    while not first.stdout.readline().startswith("round 2"):
        assert first.poll() is None
    first.kill()
    first.communicate()
    told = json.loads((folder / "results.json").read_text())["rounds"]
    output, errors = run(folder).communicate()
    assert output.splitlines()[-1] == f"done: copy {folder / 'results.json'} back", errors
    content = json.loads((folder / "results.json").read_text())
    assert len(told) >= 2
    assert content["rounds"][: len(told)] == told
    return folder / "results.json"


def test_the_results_are_the_rounds_that_the_board_measured(results: Path) -> None:
    recorded = [record["answer"] for record in read_results(results).rounds]
    rounds = imported(results)
    assert [list(zip(r.seconds, map(list, r.singles))) for r in rounds] == [
        [tuple(sample) for sample in answer["samples"]] for answer in recorded
    ]
    assert all(answer["before"].items() <= r.before.items() for r, answer in zip(rounds, recorded))
    assert {r.before["threads"] for r in rounds} == {1}
    assert len(rounds) == 4
    assert read_results(results).passport["threads"] == 1


def test_litert_is_timed_without_a_network(tmp_path: Path) -> None:
    files = {f"fp32/{seed}": litert_writer.write(SPECS, random_weights(SPECS, seed)) for seed in range(2)}
    folder = carry(tmp_path, replace(QUICK, min_rounds=2, max_rounds=2), files, "litert")
    output, errors = run(folder, ("onnxruntime",)).communicate()
    assert output.splitlines()[-1] == f"done: copy {folder / 'results.json'} back", errors
    found = read_results(folder / "results.json")
    assert runtime_of(found.passport) == "litert"
    assert len(found.rounds) == 2
    assert len(imported(folder / "results.json", files, replace(QUICK, min_rounds=2, max_rounds=2))) == 2


def test_results_of_other_files_or_settings_are_not_taken(results: Path) -> None:
    altered = {**FILES, "fp32/3": write(SPECS, random_weights(SPECS, 99))}
    for files, protocol in ((altered, QUICK), (FILES, replace(QUICK, seed=1)), (FILES, replace(QUICK, max_rounds=5))):
        with pytest.raises(LutraError, match="answers no new requests") as caught:
            imported(results, files, replace(protocol, min_rounds=protocol.max_rounds))
        assert "\n" not in str(caught.value)


def test_every_damage_to_the_results_is_found(results: Path, tmp_path: Path) -> None:
    rng, good = Random(0), results.read_bytes()
    damaged = tmp_path / "results.json"
    flipped = ((rng.randrange(len(good)), 1 << rng.randrange(7)) for _ in range(80))
    flips = [good[:at] + bytes([good[at] ^ bit]) + good[at + 1 :] for at, bit in flipped]
    same_values = [good.replace(b": ", b":", 1), good + b"\n", b"\xef\xbb\xbf" + good, good.replace(b"e-", b"E-", 1)]
    for content in (*flips, *same_values, *(good[: rng.randrange(len(good))] for _ in range(20))):
        if content != good:
            damaged.write_bytes(content)
            with pytest.raises(LutraError, match="damaged") as caught:
                read_results(damaged)
            assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"sha256": 1}', '"results"'])
def test_what_is_no_result_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(LutraError, match="damaged"):
        read_results(tmp_path / "results.json")
    with pytest.raises(LutraError, match="cannot read"):
        read_results(tmp_path / "elsewhere.json")


def test_a_damaged_network_or_job_is_not_run(tmp_path: Path) -> None:
    folder = carry(tmp_path)
    (folder / "job.json").write_text((folder / "job.json").read_text().replace('"threads": 1', '"threads": 2'))
    assert "job.json is damaged" in run(folder).communicate()[1]
    carry(folder)
    next((folder / "files").iterdir()).write_bytes(b"")
    assert "is missing or damaged: copy the folder again" in run(folder).communicate()[1]


def test_unfinished_results_name_what_to_do(results: Path, tmp_path: Path) -> None:
    folder = carry(tmp_path, replace(QUICK, max_rounds=1000, min_rounds=1000))
    process = run(folder)
    assert process.stdout is not None
    while not process.stdout.readline().startswith("round 1"):
        assert process.poll() is None
    second = run(folder).communicate()
    assert second == ("", "error: run.py is already running in this folder\n")
    process.kill()
    process.communicate()
    with pytest.raises(LutraError, match=r"holds \d+ rounds and is not finished: run python3 run.py"):
        read_results(folder / "results.json")


def test_what_is_carried_is_for_python_3_9() -> None:
    for name, data in contents({}, QUICK, 1):
        if name.endswith(".py"):
            ast.parse(data, feature_version=(3, 9))
            assert b"zip(strict" not in data
            assert b"pairwise" not in data


def test_a_board_without_the_runtime_is_told_to_install_the_hosts_version(tmp_path: Path) -> None:
    folder = carry(tmp_path)
    done = subprocess.run([sys.executable, "-S", "-E", "run.py"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"pip install numpy onnxruntime=={onnxruntime.__version__};" in done.stderr
