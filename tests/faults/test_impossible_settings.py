"""Tests settings with which a command cannot end, fit in memory or write: it says so first."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.config import Config
from experiments.config.validation import check
from experiments.setup.recipes import check_batches
from search_spaces.errors import LutraError
from tests.experiments.asking import changed, with_values


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"data.size": 2048, "train.batch": 65536, "data.name": "cifar10", "space.name": "mobile"}, "GiB"),
        ({"data.size": 2048, "data.name": "cifar10"}, "60,000 images at 2048 px need"),
        ({"train.steps": 10**8, "retrain.steps": 10**8, "ranking.networks": 10**6}, "years"),
        ({"measure.max_rounds": 1000, "measure.min_rounds": 1000, "measure.sample_seconds": 10.0,
          "fidelity.networks": 10_000}, "years"),
        ({"compare.seeds": 10_000, "search.budget": 10**6, "space.name": "mobile"}, "years"),
    ],
)  # fmt: skip
def test_what_cannot_end_or_fit_is_told_first(changes: dict[str, object], said: str) -> None:
    with pytest.raises(LutraError, match=said) as refused:
        check(with_values(changes))
    assert "lower" in str(refused.value)


def test_a_batch_larger_than_a_small_data_set_is_told() -> None:
    assert check_batches(Config(), 1000) == ""
    assert "train.batch=64, retrain.batch=64" in check_batches(Config(), 20)
    with pytest.raises(LutraError, match=r"train\.batch=2000 is more than the 300 training images"):
        check_batches(with_values({"train.batch": 2000}), 300)


@pytest.mark.parametrize("key", ["results", "demo.bundle", "demo.record"])
def test_where_nothing_can_be_written_is_told_first(key: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    wanted = with_values({"publish": True, "results": str(tmp_path)})
    check(changed(wanted, key, str(tmp_path / "new" / "deeper.gif")))
    for place in (tmp_path / "file" / "x.gif", Path("/proc/x/x.gif"), Path("/dev/null/x.gif")):
        with pytest.raises(LutraError, match=rf"{key}: nothing can be written"):
            check(changed(wanted, key, str(place)))
