"""Tests the words on a space under some of its trunks."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from experiments.display.run_setup import space_facts
from paper.figures import heatmap
from paper.macros import numbers
from paper.origin import TRUNKS, Group, differences, under
from paper.rows import Block
from paper.setup_file import Setup
from search_spaces.spaces.edge import edge
from search_spaces.spaces.edge_imagenet import edge_imagenet
from tests.paper.made_up_results import synthetic, write

RESOLUTION, WIDTH, STEM = "the resolution of the images", "the width", "the stem"


@pytest.mark.parametrize(
    ("kept", "varied"),
    [
        ([0], "It has 7 layers and "),
        ([0, 2, 3], f"one of 3 trunks (of the space's 12); the trunks differ in {RESOLUTION}. This makes "),
        (
            [0, 1],
            f"one of 2 trunks (of the space's 12); the trunks differ in {WIDTH}. This makes ",
        ),  # whose stems are equal
        ([6, 9], f"one of 2 trunks (of the space's 12); the trunks differ in {STEM}. This makes "),
        (range(12), f"one of 12 trunks; the trunks differ in {RESOLUTION}, {WIDTH} and {STEM}. This makes "),
    ],
)
def test_the_trunks_set_what_differs_between_them(kept: list[int], varied: str, tmp_path: Path) -> None:
    whole = edge(3, 32, 10)
    space, results = whole if len(kept) == whole.trunks else whole.under(kept), synthetic(tmp_path / "results")
    blocks = {spec: (layer, place) for layer, specs in enumerate(space.layers) for place, spec in enumerate(specs)}
    rows = [(*place, str(spec), one, 1e-5, 1e-5, 1e-5) for one in ("fp32", "int8") for spec, place in blocks.items()]
    write(results / "table.csv", "layer,option,spec,precision,seconds,low_s,high_s", rows)
    with (results / "setup.csv").open("a") as file:
        file.write(f"trunks,{space_facts(space, 32)['trunks']}\n")
    setup = results / "setup.csv"
    setup.write_text(re.sub(r"(?m)^space,.*$", "space,edge", setup.read_text()))
    assert varied in numbers(results)["SpaceCounts"]


@pytest.mark.parametrize(
    ("run", "made", "said"),
    [
        ({"trunks": "0 2 3"}, {"trunks": "0 2 3"}, []),
        ({}, {}, []),
        ({"trunks": "all"}, {}, []),  # older files are of all trunks
        ({}, {"trunks": "all"}, []),
        ({}, {"trunks": "0 6"}, ["the space edge at 32 pixels with 2 of its 12 trunks"]),
        ({"trunks": "0 2 3"}, {}, ["the space edge at 32 pixels with all 12 trunks"]),
        ({"trunks": "0 2 3"}, {"trunks": "all"}, ["the space edge at 32 pixels with all 12 trunks"]),
        ({"trunks": "all"}, {"trunks": "0 6"}, ["the space edge at 32 pixels with 2 of its 12 trunks"]),
        ({"trunks": "0 2 3"}, {"space": "mobile", "trunks": ""}, ["the space mobile at 32 pixels"]),
        ({"trunks": "0 2 3"}, {"space": ""}, []),  # of a hand-made network
        ({"trunks": "0 2 3"}, {"space": "", "resolution": "64"}, ["images of 64 pixels"]),
    ],
)
def test_files_under_other_trunks_are_named(run: dict[str, str], made: dict[str, str], said: list[str]) -> None:
    common, group = {"space": "edge", "resolution": "32"}, Group("", (), machine=False)
    assert differences(group, Setup(Path(), common | made), Setup(Path(), common | run)) == said


def test_the_number_of_trunks_is_that_of_the_space_and_untold_where_it_is_unknown() -> None:
    assert {"edge": edge(3, 32, 10).trunks, "edge_imagenet": edge_imagenet(3, 224, 10).trunks} == TRUNKS
    assert under("0 2", "own") == " with 2 of its trunks"
    assert under("all", "own") == " with all its trunks"
    assert under("", "edge") == ""


@pytest.mark.parametrize("kept", [[0], [0, 1], [0, 2, 3], [6, 9]])
def test_the_heatmap_shows_the_options_of_one_trunk(kept: list[int]) -> None:
    """Also where all trunks have the same stem, as 0 and 1."""
    space = edge(3, 32, 10).under(kept)
    options = [(layer, place, spec) for layer, row in enumerate(space.layers) for place, spec in enumerate(row)]
    first = {str(spec): (layer, place) for layer, place, spec in reversed(options) if spec.convs}  # each timed once
    blocks = [Block(*place, spec, one, 1e-6) for one in ("fp32", "int8") for spec, place in first.items()]
    panel = heatmap.plot(blocks).axes[0]
    assert ("first trunk" in panel.get_title(loc="left")) == (len(kept) > 1)
    shown = np.asarray(panel.images[0].get_array(), float)
    assert shown.shape == (sum(bool(one.convs) for one in space.choices[-2]), len(space.layers))
