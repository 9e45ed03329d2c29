"""Tests the JSON record and the text of every kind of layer."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest

from search_spaces.layers import Spec
from search_spaces.layers.json_specs import from_json, to_json
from tests.search_spaces.layers.examples import EXAMPLES


@pytest.mark.parametrize("spec", EXAMPLES, ids=str)
def test_json_round_trip(spec: Spec) -> None:
    assert from_json(json.loads(json.dumps(to_json(spec)))) == spec


@pytest.mark.parametrize("spec", EXAMPLES, ids=str)
def test_a_layer_s_text_has_its_kind_and_all_its_numbers(spec: Spec) -> None:
    """Keys of steps have this text."""
    others = [replace(spec, **{one.name: getattr(spec, one.name) + 1}) for one in fields(spec)]
    assert str(spec).startswith(f"{type(spec).__name__}(")
    assert len({str(one) for one in (spec, *others)}) == 1 + len(others)
