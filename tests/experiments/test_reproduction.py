"""Tests the command that makes everything that the paper shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from experiments.config import Config
from experiments.store import artefacts
from experiments.studies import reproduction
from experiments.studies.reproduction import reproduce, spent
from paper import checksums
from paper.duration_rows import Part
from paper.rows import read
from search_spaces.errors import LutraError
from tests.commands import Finished, Here


def test_a_part_that_fails_does_not_end_the_others(here: Here, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fails(config: Config) -> Path:
        raise LutraError("no pruned network is as fast")

    def is_refused(config: Config) -> Path:
        raise PermissionError(13, "Permission denied", "profile.csv")

    def works(config: Config) -> Path:
        assert config.publish
        return made

    made = artefacts.step(tmp_path, "fidelity", "made", {}, {}, lambda folder: None)
    parts = {"ablation": fails, "profile": is_refused, "fidelity": works}
    monkeypatch.setattr(reproduction, "COMMANDS", parts)
    done = here(reproduce, f"runs={tmp_path}", f"results={tmp_path}", "reproduce.parts=[ablation,profile,fidelity]")
    assert done.code == 2
    assert "2 of 3 parts failed, the others are done: ablation: no pruned network" in done.err
    assert "profile: cannot use profile.csv: Permission denied" in done.err
    assert "fidelity: 0.0 min" in done.out


def test_reproducing_counts_each_step_once(finished: Finished, here: Here, tmp_path: Path) -> None:
    arguments = (*finished.arguments, f"runs={finished.runs}", f"results={tmp_path}")
    done = here(reproduce, *arguments, "reproduce.parts=[pipeline]")
    assert (done.code, done.err) == (0, "")
    assert (tmp_path / "stages.csv").exists()
    ((name, seconds),) = [(part.part, part.seconds) for part in read(tmp_path, Part)]
    counted: set[str] = set()
    whole = spent(finished.runs, finished.folder("report"), counted)
    used = {artefacts.manifest(path.parent)["seconds"] for path in finished.runs.glob(f"*/*/{artefacts.MANIFEST}")}
    assert 0 < whole <= sum(used)
    assert re.search(rf"pipeline\D+{whole / 60:.1f}", done.out)
    assert (name, seconds) == ("pipeline", pytest.approx(whole))
    checksums.check(tmp_path)
    _keeps_parts_of_one_run(tmp_path)
    assert spent(finished.runs, finished.folder("benchmark"), counted) == 0
    unknown = here(reproduce, *arguments, "reproduce.parts=[pipelin]")
    assert unknown.code == 2
    assert "pipeline" in unknown.err


def _keeps_parts_of_one_run(results: Path) -> None:
    reproduction.publish(results, {"seeds": 60.0})
    reproduction.publish(results, {"seeds": 90.0})
    pipeline, seeds = read(results, Part)
    assert (pipeline.part, seeds.part, seeds.seconds) == ("pipeline", "seeds", 90)
    text = (results / "setup.csv").read_text()
    (results / "setup.csv").write_text(text.replace(pipeline.table_sha256, 64 * "0"))
    reproduction.publish(results, {"ranking": 30.0})
    assert [part.part for part in read(results, Part)] == ["ranking"]
