"""Tests the hash that names a job of a sweep."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from experiments.config.schema import configured
from experiments.config.stored_schema import schema
from experiments.store import artefacts, keys, versions
from experiments.sweep import job_keys
from search_spaces.errors import LutraError


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Returns a function that hashes a job on a made-up device and machine."""
    monkeypatch.setattr(keys, "passport_of", lambda device: passport)
    passport = {"cpu": "one", "onnxruntime": "1"}

    def hashed(*overrides: str, command: str = "pipeline", **changes: str) -> str:
        passport.update(changes)
        settings = OmegaConf.merge(schema("pipeline"), OmegaConf.from_dotlist(list(overrides)))
        return artefacts.digest(job_keys.job_key(command, configured(OmegaConf.to_container(settings))))

    return hashed


def test_a_job_s_hash_has_its_device_its_machine_and_their_versions(
    key: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [key(), key(onnxruntime="2"), key(cpu="another")]
    found += [key("device.threads=2"), key("device.name=ssh"), key("seed=1"), key(command="report")]
    monkeypatch.setattr(job_keys, "processor", lambda: "of another node")
    found.append(key())
    monkeypatch.setattr(versions, "libraries", lambda: {"torch": "99"})
    found.append(key())
    monkeypatch.setitem(versions.STEPS, "train", (99, ("experiments",)))
    found.append(key())
    monkeypatch.setitem(versions.CHOICES, "TrainConfig.rule=fair", 99)
    found.append(key())
    assert len({*found}) == len(found)


def test_a_job_s_hash_has_neither_names_of_hosts_nor_places(key: Callable[..., str]) -> None:
    reached = ("device.host=pi", "device.user=me", "device.port=2222", "device.patience=99", "device.folder=x")
    found = {key(), *map(key, reached), key("runs=elsewhere"), key("sweep=another"), key("results=elsewhere")}
    assert len(found) == 1


@pytest.mark.parametrize(
    ("name", "override"),
    [("exact", "exact.csv=a"), ("compare", "compare.csv=a"), ("fidelity", "csv=a"), ("train", "seed=0")],
)
def test_a_job_that_asks_no_device_has_none_in_its_hash(name: str, override: str, key: Callable[..., str]) -> None:
    assert key(override, command=name) == key(override, command=name, onnxruntime="2")


def test_a_job_has_all_devices_that_it_asks_in_its_hash(
    key: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("compare.csv=a", "compare.latency=table")  # is measured
    assert key(*asked, command="compare") != key(*asked, command="compare", onnxruntime="3")
    versions = {"board": "1"}
    monkeypatch.setattr(job_keys, "passport_key", lambda device: versions.get(device.host, "here"))
    targets = ("transfer.targets=[precision=fp32,'device.name=ssh device.host=board']",)
    known = key(*targets, command="transfer")
    versions["board"] = "2"
    assert key(*targets, command="transfer") != known
    results = tmp_path / "R.json"
    results.write_text("one")
    carried = ("device.name=bundle", f"device.results={results}")
    known = key(*carried)
    results.write_text("two")
    assert key(*carried) != known


def test_a_job_whose_device_cannot_be_reached_still_has_a_hash(
    key: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(device: object) -> None:
        raise LutraError("nobody there")

    known = key()
    monkeypatch.setattr(keys, "passport_of", unreachable)
    assert key() != known


def test_files_that_a_job_names_are_in_its_hash_by_their_content(
    key: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "table.json").write_text("one")
    (tmp_path / "search").mkdir()
    (tmp_path / "search" / "manifest.json").write_text("one")
    known = [key("table=~/table.json"), key(f"run={tmp_path / 'search'}")]
    (tmp_path / "table.json").write_text("two")
    (tmp_path / "search" / "manifest.json").write_text("two")
    found = [key("table=~/table.json"), key(f"run={tmp_path / 'search'}")]
    assert len({*known, *found}) == 4
