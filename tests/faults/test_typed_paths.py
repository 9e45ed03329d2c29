"""Tests paths on the command line, which are taken as they are typed."""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import DictConfig

from experiments.config import Config
from experiments.config.arguments import PARSER, checked_words
from experiments.config.schema import settings
from search_spaces.errors import LutraError
from tests.experiments.outcomes import Refused
from tests.faults.typed_settings import configuration

PATHS = ["ảnh", "my photos (1)", "Tom's", "a#b", "a=b", "a,b", "a;b", "{a}", "[a]", "a:b", "007", "1e3", "true", "-a"]
PATHS += ["nan", "é\u0301", "日本", "a\\b", "a\\", 'say "no"', "'", "a'b\"c", "$HOME", "a&b|c", "%20", "a  b", " a "]
KEYS = [one.key for one in settings().values() if one.text is not None and one.text.path]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_taken_as_it_is_typed(path: str, defaults: DictConfig) -> None:
    for place in (path, f"/{path}/{path}"):
        config = configuration(defaults, "data.name=image_folder", *(f"{key}={place}" for key in KEYS))
        assert {key: attrgetter(key)(config) for key in KEYS} == dict.fromkeys(KEYS, place)


@given(st.text(st.characters(exclude_categories=["C"]), min_size=1))
def test_any_printable_text_is_taken_as_it_is_typed(text: str) -> None:
    word = f"table=/{text}"
    (override,) = PARSER.parse_overrides(checked_words([word]))
    assert override.value() == f"/{text}"


def test_the_home_folder_is_found_for_every_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, got: Callable[..., list[Config]], defaults: DictConfig
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "my home"))
    monkeypatch.chdir(tmp_path)
    for quote in ("", "'"):
        words = (f"{key}={quote}~/x{quote}" for key in KEYS)
        config = configuration(defaults, "data.name=image_folder", *words)
        assert {key: attrgetter(key)(config) for key in KEYS} == dict.fromkeys(KEYS, f"{tmp_path}/my home/x")
    got("runs=~/runs", "--multirun", "seed=0,1")
    got("runs='~/other'", "--multirun", "seed=0,1")
    assert not [path for path in tmp_path.rglob("*") if "~" in str(path)]
    assert (tmp_path / "my home" / "other" / "sweeps").is_dir()


def test_a_comma_in_a_path_separates_only_where_a_sweep_is_asked_for(
    tmp_path: Path, got: Callable[..., list[Config]], refused: Refused
) -> None:
    (one,) = got(f"table={tmp_path}/a,b")
    assert one.table == f"{tmp_path}/a,b"
    assert [config.table for config in got("table=a (1),b", "--multirun")] == ["a (1)", "b"]
    (tmp_path / "a,b").mkdir()
    quoted = f"'table=\"{tmp_path}/a,b\"'"
    with pytest.raises(LutraError, match=re.escape(quoted)):
        checked_words([f"table={tmp_path}/a,b", "--multirun"])
    assert [config.table for config in got(f'table="{tmp_path}/a,b"', "seed=0,1", "--multirun")] == [one.table] * 2
