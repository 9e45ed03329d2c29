"""Tests how typed settings, presets and a user's own files make a configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from omegaconf import DictConfig

from experiments.config import Config
from experiments.config.groups import CONFIGS
from tests.experiments.outcomes import Refused
from tests.faults.typed_settings import configuration


def test_a_configuration_is_composed_once(got: Callable[..., list[Config]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Composing takes longer than everything else before a job begins."""
    composed: list[str] = []
    load = ConfigLoaderImpl.load_configuration

    def counted(self: ConfigLoaderImpl, *words: Any, **more: Any) -> DictConfig:
        composed.append("")
        return load(self, *words, **more)

    monkeypatch.setattr(ConfigLoaderImpl, "load_configuration", counted)
    assert [config.seed for config in got("experiment=smoke", "seed=3")] == [3]
    assert len(composed) == 1


def test_options_may_stand_anywhere(got: Callable[..., list[Config]]) -> None:
    assert [config.seed for config in got("experiment=smoke", "--multirun", "seed=0,1")] == [0, 1]
    assert [config.seed for config in got("--multirun", "experiment=smoke", "seed=2,3")] == [2, 3]


def test_references_that_can_be_resolved_are_taken(defaults: DictConfig) -> None:
    assert configuration(defaults, "retrain.steps=${train.steps}").retrain.steps == Config().train.steps
    assert configuration(defaults, "table=/a/${space.name}/${ seed }").table == "/a/tiny/0"
    assert configuration(defaults, r"table=/a/\${x}").table == "/a/${x}"
    assert configuration(defaults, "table=${oc.env:NO_SUCH_VARIABLE,/x}").table == "/x"


def test_a_users_own_folder_of_configurations(
    tmp_path_factory: pytest.TempPathFactory, got: Callable[..., list[Config]], refused: Refused
) -> None:
    folder = tmp_path_factory.mktemp("own")
    (folder / "device").mkdir(parents=True)
    (folder / "device" / "lab.yaml").write_text("name: local\nthreads: 2\n")
    (folder / "room").mkdir()
    (folder / "room" / "quiet.yaml").write_text("# @package _global_\nseed: 7\ntable: /x/${space.name}\n")
    (folder / "room" / "bad.yaml").write_text("# @package _global_\ntable: ${nokey}\n")
    for option in (f"--config-dir={folder}", f"hydra.searchpath=[file://{folder}]"):
        (config,) = got("device=lab", "+room=quiet", option)
        assert (config.device.threads, config.seed, config.table) == (2, 7, "/x/tiny")
    assert "lab" in refused("device=lob", f"--config-dir={folder}").partition("There are")[2]
    assert "table: there is no key 'nokey'" in refused("+room=bad", f"--config-dir={folder}")


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("experiment/*.yaml")), ids=lambda path: path.stem)
def test_presets_are_not_refused(path: Path, got: Callable[..., list[Config]]) -> None:
    needed = ["data=digits", "data.size=32", "device.host=board", "accelerator=auto"]  # their own images are not here
    assert len(got(f"experiment={path.stem}", *(needed if "cifar" in path.stem else ()))) == 1
