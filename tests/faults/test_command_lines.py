"""Campaign on command lines made from the schema: each gives a configuration, or one line that says what to type."""

from __future__ import annotations

import math
from collections.abc import Iterator
from operator import attrgetter
from random import Random

import pytest
from omegaconf import DictConfig

from experiments.config import Config
from experiments.config.choices import STRATEGIES
from experiments.config.schema import Setting, settings
from experiments.config.values import CHOICES, option_settings
from search_spaces.errors import LutraError
from tests.faults.campaign import FOLDER, Figures, campaign
from tests.faults.typed_settings import GRAMMAR, configuration

FREE = {  # names of something on a board, in a file or in the paper; lists that their command checks
    *("paper.title", "paper.author", "recipes.tried", "transfer.targets", "data.group", "data.title"),
    *("device.host", "device.hosts", "device.user", "device.python", "device.folder", "device.cores", "device.runtime"),
    *(
        "fidelity.options",
        "fidelity.latency",
        "compare.options",
        "compare.accuracy",
        "compare.report",
        "compare.latency",
    ),
    *("exact.options", "exact.accuracy", "exact.latency", "ranking.options", "ranking.accuracy"),
}
VALUES = (
    *("", "null", "true", "ten", "-1", "0", "1", "1.5", "1e400", "nan", "-inf", "18446744073709551616", "9" * 5000),
    *("[]", "[1,2]", "{a: 1}", "(", "ảnh (1)/a=b,c#d", "Tom's", '"', "a\\", "a b", "a\nb", "\x1b[31m", "\udcff"),
    *("~", "~no_one/x", "../../esc", "/dev/null/x", "${nokey}", "${", "${seed}", "???", "1,2", "range(0,3)", "'a'"),
    "[" * 100,
)


def configuration_or_line(defaults: DictConfig, *words: str) -> Config | str:
    try:
        return configuration(defaults, *words)
    except LutraError as error:
        return str(error)


def numbers() -> Iterator[Setting]:
    yield from (one for one in settings().values() if one.kind in (int, float))
    for strategy in STRATEGIES:
        yield from (one for one in option_settings(strategy).values() if one.kind in (int, float))


def test_every_number_has_a_range_with_an_upper_end() -> None:
    unlimited = [one.key for one in numbers() if one.limits is None or not math.isfinite(one.limits.high)]
    assert unlimited == []
    assert len([*numbers()]) > 80


def test_every_text_is_a_path_or_a_name_or_a_choice() -> None:
    texts = {one.key for one in settings().values() if one.kind is str and one.text is None}
    assert texts - set(CHOICES) == FREE


@pytest.mark.parametrize("one", [*numbers()], ids=lambda one: one.key)
def test_numbers_out_of_range_are_refused(one: Setting) -> None:
    assert one.limits is not None
    outside = [one.limits.low - 1, one.limits.high + 1, 2**64, -(2**64), 10**400, math.nan, math.inf, -math.inf]
    outside += [one.limits.low] * one.limits.above + [one.limits.high] * one.limits.below
    outside += [1.5] * (one.kind is int)
    for value in (*outside, "ten", "", {"a": 1}, [[1]], True):
        with pytest.raises(LutraError) as refused:
            one.value([value] if one.many else value)
        assert one.key in str(refused.value)
        assert str(refused.value).isprintable()


@pytest.mark.parametrize("key", settings())
def test_every_key_takes_or_refuses_every_kind_of_value(key: str, defaults: DictConfig) -> None:
    """The fast share gives each key one value in three: neighbouring keys get different ones."""
    one = settings()[key]
    values = VALUES if FOLDER else VALUES[[*settings()].index(key) % 3 :: 3]

    def every_value(_: Random) -> Figures:
        taken = [config for value in values if (config := taken_or_refused(defaults, one, value)) is not None]
        assert len(taken) < len(values)
        return {"command lines": len(values), "taken": len(taken)}

    campaign(f"command-lines-{key}", "command lines", len(values), len(values), every_value)


def taken_or_refused(defaults: DictConfig, one: Setting, value: str) -> Config | None:
    """Returns the configuration with a valid value of a setting; None if one line refuses it."""
    config = configuration_or_line(defaults, f"{one.key}={value}")
    if isinstance(config, str):
        assert config.isprintable(), value
        assert not GRAMMAR.search(config), value
        return None
    taken = attrgetter(one.key)(config)
    for number in (taken if one.many else [taken]) if one.limits is not None and taken is not None else []:
        assert number in one.limits, value
        assert type(number) is one.kind, value
    return config
