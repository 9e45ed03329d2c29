"""Tests the benchmark `edge` on made-up results, written as the commands write them."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from compress.files.own_kinds import OWN_KINDS
from experiments.bench import _edge_references, _edge_winners, edge
from experiments.bench._edge_results import of_seeds
from experiments.comparison.significance import LEVEL
from experiments.config.choices import SPACES
from experiments.store import artefacts
from paper.compression_rows import HandMade, Stage
from paper.rows import FILES, Judged, Pair
from paper.seed_rows import Seeded
from paper.transfer_rows import MACS, Transferred
from search_spaces.errors import LutraError
from search_spaces.spaces.tiny import tiny

STAGE = Stage("retrained", "fp32", 0.9, 0.9, 1e-3, 1e-3, None, 4000, macs=10, parameters=5, sha256="")


def written(folder: Path, rows: Sequence[Any]) -> Path:
    artefacts.write_csv(folder / FILES[type(rows[0])], [asdict(row) for row in rows])
    return folder


def claims(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> tuple[list[Any], str]:
    """Runs the benchmark; returns its claims, and what it printed before them."""
    edge.main(arguments)
    *shown, last = capsys.readouterr().out.splitlines()
    return json.loads(last), "\n".join(shown)


def holds(found: list[Any]) -> list[bool]:
    return [one["holds"] for one in found if "bar" in one]


def test_a_part_without_results_is_named_and_leaves_its_claims_out(capsys: pytest.CaptureFixture[str]) -> None:
    found, shown = claims(["part=winners,chain,hand_made,search,transfer"], capsys)
    assert found == []
    for name in ("winners: give edge=", "chain: give edge=", "hand_made: give hand_made=", "search: give comparison="):
        assert shown.count(name) == 1
    with pytest.raises(LutraError, match="winners"):
        edge.main(["part=winner"])


@pytest.mark.parametrize(("error", "tau", "expected"), [(0.08, 0.8, True), (0.03, 0.8, False), (0.08, 0.9, False)])
def test_the_table_is_compared_with_macs(
    error: float, tau: float, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(edge, "FIDELITY", tmp_path / "copy" / "fidelity.csv")
    rows = [
        Judged(precision, predictor, 24, mape=mape, within_5=share, tau=own, held_out=60, seed=0, **NONE)
        for precision in ("fp32", "int8")
        for predictor, mape, share, own in (("corrected table", 0.01, 0.98, 0.97), ("MACs", error, 0.4, tau))
    ]
    written(tmp_path, rows)
    found, _ = claims(["part=table", f"fidelity={tmp_path}"], capsys)
    assert [*map(all, (holds(found)[:3], holds(found)[3:]))] == [expected, expected]
    assert (tmp_path / "copy" / "fidelity.csv").exists()


NONE = {"bias": 0.0, "within_10": 1.0, "tau_a": 0.9}


def test_the_newest_results_of_a_runs_folder_are_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def pairs(p: float) -> list[Pair]:
        ours = {"evolution": (0.02, 0.01), "surrogate": (0.02, 0.005), "nsga2": (0.02, 0.01)}
        return [Pair("evaluations", 60.0, "regret", "random", b, *m, p, p < LEVEL, 6, 6) for b, m in ours.items()]

    for name, p in (("edge-a", 0.4), ("edge-b", 0.01)):
        folder = written(tmp_path / "compare" / name, pairs(p))
        found, _ = claims(["part=search", f"runs={tmp_path}"], capsys)
        assert holds(found) == ([] if name == "edge-a" else [False, False])  # without a manifest it is unfinished
        artefacts.write(folder / artefacts.MANIFEST, "{}")
    found, _ = claims(["part=search", f"runs={tmp_path}"], capsys)
    assert holds(found) == [True, True]


def test_hand_made_networks_are_compared_by_means_over_seeds(tmp_path: Path, capsys: Any) -> None:
    def rows(gain: float) -> list[HandMade]:
        own = {"winner": (0.85, 1e-4), "winner, unpruned": (0.9, 2e-4), "resnet8": (0.85 + gain, 0.8e-4)}
        fields = {name: value for name, value in asdict(STAGE).items() if name != "stage"}
        return [
            HandMade(name, **{**fields, "test_accuracy": accuracy, "latency_median_s": seconds})
            for name, (accuracy, seconds) in own.items()
        ]

    folders = [written(tmp_path / str(seed), rows(gain)) for seed, gain in enumerate((0.01, -0.03))]
    for given, expected in ((folders[:1], False), (folders, True)):
        found, _ = claims(["part=hand_made", f"hand_made={','.join(map(str, given))}"], capsys)
        assert holds(found)[0] is expected


def test_transfer_counts_pairs_that_certainly_lose_much(tmp_path: Path, capsys: Any) -> None:
    def row(target: str, chosen: str, loss: float, low: float) -> Transferred:
        return Transferred(target, chosen, "0", 0.9, 1, 1, 1, 1, 1, 1, loss, low, loss, "cpu", "litert 2", "clean")

    rows = [row("a", "a", 0, 0), row("b", "b", 0, 0), row("a", "b", 0.3, 0.2), row("b", "a", 9, 0.1)]
    folder = written(tmp_path, [*rows, row("a", MACS, 20.0, 19.0)])
    found, _ = claims(["part=transfer", f"transfer={folder}"], capsys)
    assert [one["value"] for one in found] == [1, 9, 20]
    assert "b on a" not in found[1]["what"]


def winner(space: str, accuracy: float, seconds: float) -> dict[str, Any]:
    names = [f"{name}_{precision}_s" for name in ("onnxruntime", "litert") for precision in ("fp32", "int8")]
    made = dict(zip(names, (4 * seconds, 2 * seconds, 3 * seconds, seconds)))
    return {"space": space, "int8_accuracy": accuracy, **made}


def test_winners_are_compared_in_their_best_runtimes() -> None:
    mobile = winner("mobile", 0.80, 2e-3)
    found = _edge_winners.compared([winner("edge", 0.796, 1e-3), winner("edge", 0.86, 2e-3)], [mobile])
    assert [one["value"] for one in found] == [pytest.approx(2), pytest.approx(6)]
    assert holds(found) == [True, True]
    nobody = _edge_winners.compared([winner("edge", 0.79, 1e-3)], [mobile])
    assert [one["value"] for one in nobody] == [0, pytest.approx(-1)]
    assert holds(_edge_winners.int8_gains([mobile])) == [True]


def seeded(lost: Sequence[float], arch: str = "0-0-0") -> list[Seeded]:
    fields = {name: value for name, value in asdict(STAGE).items() if name not in ("stage", "precision")}
    rows = []
    for seed, points in enumerate(lost):
        for stage, precision in (("retrained", "fp32"), ("retrained", "int8"), ("int8", "int8")):
            own = fields | ({"file_bytes": 500, "latency_median_s": 2.5e-4} if stage == "int8" else {})
            own["test_accuracy"] = 0.9 - (points if stage == "int8" else 0)
            rows.append(Seeded(stage, precision, **own, seed=seed, whole_arch=arch))
    return rows


def test_every_reference_is_timed_in_both_runtimes_and_precisions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(_edge_references, "REFERENCES", path := tmp_path / "references.csv")
    monkeypatch.setattr(_edge_references, "ROUNDS", 1)
    monkeypatch.setattr(_edge_references, "OWN_KINDS", {name: OWN_KINDS[name] for name in ("vit", "resnet8_blocks")})
    found, _ = claims(["part=references"], capsys)
    assert len(found) == 4
    rows = {row["arch"]: row for row in csv.DictReader(path.open(newline=""))}
    assert {*rows} == {"vit", "resnet8_blocks"}
    for one in found:
        name, _, runtime = one["what"].partition(":")[0].partition(" in ")
        fp32, int8 = (float(rows[name][f"{runtime}_{precision}_s"]) for precision in ("fp32", "int8"))
        assert one["value"] == fp32 / int8 > 0


def test_the_winner_of_each_seed_is_read_and_timed_once(tmp_path: Path) -> None:
    space = tiny(1, 16, 10)
    arch = "-".join(["0"] * len(space.layers))
    found = [*of_seeds(written(tmp_path, seeded([0, 0], arch)), space)]
    again = replace(found[1], whole={name: replace(row, test_accuracy=0.0) for name, row in found[1].whole.items()})
    (row,) = _edge_winners.timed("tiny", space, [found[0], again], rounds=1)
    assert row["trainings"] == 2
    assert row["fp32_accuracy"] == pytest.approx(0.45)
    assert len(_edge_winners.int8_gains([row])) == 2
    for name, told in (("0", "is of another space: give one of space=tiny"), ("", "does not name the winners")):
        with pytest.raises(LutraError, match=told):
            [*of_seeds(written(tmp_path, seeded([0], name)), space)]


def test_the_chain_is_judged_by_means_over_seeds(tmp_path: Path, capsys: Any) -> None:
    arch = "-".join("0" * len(SPACES["edge"](3, 32, 10).layers))
    for lost, expected in (((0.0, 0.008), True), ((0.004, 0.008), False)):
        folder = written(tmp_path, seeded(lost, arch))
        found, _ = claims(["part=chain", f"edge={folder}"], capsys)
        assert [one["value"] for one in found[:2]] == [4, 8]
        assert holds(found) == [True, True, expected]
