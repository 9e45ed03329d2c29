"""Tests choices of stages that contradict each other."""

from __future__ import annotations

import dataclasses

import pytest

from experiments.config.compression import CompressConfig, QuantizeConfig, check
from search_spaces.errors import LutraError


@pytest.mark.parametrize(
    ("chosen", "accepted"),
    [
        (QuantizeConfig(), True),
        (QuantizeConfig(reduce_range=True), True),
        (QuantizeConfig(float_layers="none"), True),
        (QuantizeConfig(float_layers="time", reduce_range=True), True),
        (QuantizeConfig(float_layers="accuracy"), False),
        (QuantizeConfig(float_layers="both"), False),
        (QuantizeConfig(bias_correction=True), False),
        (QuantizeConfig("fp16"), False),
        (QuantizeConfig("dynamic"), False),
    ],
)
def test_choices_that_contradict_the_training_for_int8_are_refused(chosen: QuantizeConfig, accepted: bool) -> None:
    asked = CompressConfig(stages=["prune", "finetune", "qat", "quantize"], quantize=chosen)
    if accepted:
        check(asked, "winner")
    else:
        with pytest.raises(LutraError, match=r"contradicts the stage qat, .* or remove qat from compress\.stages"):
            check(asked, "winner")
    check(dataclasses.replace(asked, stages=["prune", "finetune", "quantize"]), "winner")


@pytest.mark.parametrize("kind", ["fp16", "dynamic"])
@pytest.mark.parametrize("of_static", ["method", "float_layers", "bias_correction", "reduce_range"])
def test_choices_of_static_int8_are_refused_of_other_kinds(kind: str, of_static: str) -> None:
    value = {"method": "entropy", "float_layers": "both"}.get(of_static, True)
    with pytest.raises(LutraError, match=f"{of_static}.* apply to static INT8, not to {kind}"):
        check(CompressConfig(quantize=dataclasses.replace(QuantizeConfig(kind), **{of_static: value})), "winner")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["fp16", "dynamic"])
@pytest.mark.parametrize("usual", ["time", "none"])
def test_the_default_is_accepted_of_every_kind(kind: str, usual: str) -> None:
    check(CompressConfig(quantize=QuantizeConfig(kind, float_layers=usual)), "winner")


def test_a_teacher_without_weight_is_refused() -> None:
    with pytest.raises(LutraError, match=r"compress\.teacher=largest .* add compress\.distillation=0\.5"):
        check(CompressConfig(teacher="largest"), "winner")
    check(CompressConfig(teacher="largest", distillation=0.5), "winner")
