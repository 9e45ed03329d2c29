"""Tables that the tests of this folder share."""

from __future__ import annotations

import pytest

from predictors.tables.table import LatencyTable
from tests.predictors.tables.simulated_table import simulated_table, text_of_table


@pytest.fixture(scope="module")
def table() -> LatencyTable:
    return simulated_table()


@pytest.fixture(scope="module")
def text() -> str:
    return text_of_table()
