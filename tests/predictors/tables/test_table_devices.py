"""Tests which devices and spaces a table is valid for."""

from __future__ import annotations

import dataclasses
import re

import pytest

from predictors.board.fingerprint import KEYS, deciding
from predictors.tables.table import LatencyTable
from predictors.timing.blocks import block_specs
from search_spaces.errors import LutraError
from search_spaces.layers import Skip
from search_spaces.space import SearchSpace
from search_spaces.spaces.mobile import mobile
from search_spaces.spaces.tiny import tiny
from tests.predictors.tables.simulated_table import SPACE, swapped


def test_an_unmeasured_layer_is_an_error_never_zero(table: LatencyTable) -> None:
    strange = dataclasses.replace(block_specs(SPACE)[1], hidden_channels=999)
    with pytest.raises(LutraError, match=r"hidden 999.*never measured.*python -m experiments.measure"):
        table.seconds(strange, "fp32")
    with pytest.raises(LutraError, match="holds fp32, int8, not int4"):
        table.require(table.passport, precision="int4")
    assert table.seconds(Skip(24, 8), "fp32") == 0


GOLDEN = {
    "model": "Raspberry Pi 4 Model B Rev 1.4",
    "cpu": "Cortex-A72",
    "machine": "armv7l",
    "cores": "0",
    "quota": 1.5,
    "clock_max_khz": "3000000",
    "clock_cap_khz": "1500000",
    "governor": "ondemand",
    "turbo": True,
    "power": "battery",
    "onnxruntime": "1.24.2",
    "threads": 4,
}


def test_the_golden_pairs_are_of_every_key(table: LatencyTable) -> None:
    assert list(GOLDEN) == list(deciding(table.passport))


def test_a_table_of_one_runtime_is_refused_for_another(table: LatencyTable) -> None:
    other = {key: value for key, value in table.passport.items() if key != "onnxruntime"} | {"litert": "2.3.0"}
    for ignore in ((), KEYS):
        with pytest.raises(LutraError, match=r"runtime=onnxruntime, .*runtime=litert"):
            table.require(other, ignore)


@pytest.mark.parametrize("key", GOLDEN)
def test_a_table_of_another_device_is_refused_unless_told(table: LatencyTable, key: str) -> None:
    other = {**table.passport, key: GOLDEN[key]}
    table.require(table.passport)
    with pytest.raises(LutraError, match=f"{key}: .*{table.passport[key]}, .*{GOLDEN[key]};"):
        table.require(other)
    table.require(other, ignore=[key])
    with pytest.raises(LutraError, match=f"{key}: "):
        table.require(other, ignore=[k for k in KEYS if k != key])


@pytest.mark.parametrize("count", [1, 2, len(GOLDEN)])
def test_the_refusal_spells_out_the_ignore_that_accepts_the_table(table: LatencyTable, count: int) -> None:
    keys = [key for key in GOLDEN if key != "threads"][:count]
    other = {**table.passport, **{key: GOLDEN[key] for key in keys}}
    for accepted in ([], keys[:1]):
        if accepted == keys:
            continue
        with pytest.raises(LutraError) as caught:
            table.require(other, accepted)
        (typed,) = re.findall(r"ignore=\[(.*)\]", str(caught.value))
        assert typed.split(",") == keys
        table.require(other, typed.split(","))


def test_what_does_not_decide_may_differ(table: LatencyTable) -> None:
    table.require({**table.passport, "kernel": "6.13.0", "python": "3.14.0"}, (), SPACE, "int8")


@pytest.mark.parametrize(
    ("key", "space"),
    [
        ("channels: .* 1, .* 3", tiny(3, 16, 10)),
        ("resolution: .* 16, .* 32", tiny(1, 32, 10)),
        ("classes: .* 10, .* 100", tiny(1, 16, 100)),
        ("layers: .* 7, .* 13", mobile(1, 16, 10)),
        ("layers: .* layer 2", swapped()),
    ],
)
def test_a_table_of_another_space_is_refused_unless_told(table: LatencyTable, key: str, space: SearchSpace) -> None:
    with pytest.raises(LutraError, match=key):
        table.require(table.passport, (), space)
    table.require(table.passport, [key.split(":")[0]], space)
