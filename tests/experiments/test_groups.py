"""data.group keeps all images of one thing in one split, for any names, fractions and seeds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.config import Config, DataConfig
from experiments.config.validation import check
from experiments.data.groups import compiled, groups_of, hold_out_groups
from experiments.data.image_folder import image_folder
from experiments.data.near_duplicates import Near
from experiments.data.summary import leaks
from experiments.steps.settings import Images
from experiments.store.step import Means
from search_spaces.errors import LutraError
from tests.experiments.asking import changed
from tests.experiments.image_files import photo, write_photos

CLASSES = ("a", "b", "c")


def said(pattern: str, *names: str) -> str:
    with pytest.raises(LutraError) as caught:
        groups_of(pattern, names, [name.split("/")[0] for name in names])
    assert "\n" not in str(caught.value)
    return str(caught.value)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), min_size=30, max_size=90), st.integers(0, 5))
def test_no_group_is_on_both_sides(images: list[tuple[int, int]], seed: int) -> None:
    """Groups up to 4 are of one class, the others of several; two of each class are there in any case."""
    images = [*images, *((label, number) for label in range(3) for number in (0, 1))]
    labels = np.array([label for label, _ in images])
    groups = np.array([10 * label + number if number < 5 else 100 + number for label, number in images])
    kept, held = hold_out_groups(labels, groups, 0.3, seed, "test", CLASSES)
    assert not {*groups[kept]} & {*groups[held]}
    assert sorted([*kept, *held]) == [*range(len(labels))]
    assert {*labels[kept]} == {*labels[held]} == {0, 1, 2}
    again = hold_out_groups(labels, groups, 0.3, seed, "test", CLASSES)
    assert np.array_equal(held, again[1])


def test_the_fraction_is_met_where_groups_are_small() -> None:
    labels, groups = np.arange(300) % 3, np.arange(300) // 6
    _, held = hold_out_groups(labels, groups, 0.2, 0, "test", CLASSES)
    assert 0.2 <= len(held) / 300 <= 0.25
    assert np.bincount(labels[held]).min() >= 20


def test_classes_of_one_group_are_named() -> None:
    labels, groups = np.array([0, 0, 0, 1, 1, 1, 2, 2]), np.array([0, 0, 0, 1, 1, 1, 4, 5])
    with pytest.raises(LutraError, match="classes 'a', 'b' have too few groups to draw a test split from: "):
        hold_out_groups(labels, groups, 0.2, 0, "test", CLASSES)


def test_parentheses_name_the_group() -> None:
    names = ["x/a/01_1.png", "x/a/01_2.png", "x/a/02_1.png", "x/b/01_1.png", "x/b/other.png", "x/b/more.png"]
    numbers = groups_of(r"(\d+)_", names, ["a", "a", "a", "b", "b", "b"]).tolist()
    assert numbers == [0, 0, 1, 0, 2, 3]
    assert groups_of(r"^\d", names[:4], ["a", "a", "a", "b"]).tolist() == [0, 0, 0, 0]
    assert groups_of(r"(\d+)_(\d)", names[:2], ["a", "a"]).tolist() == [0, 1]


def test_the_class_folder_is_not_part_of_the_name() -> None:
    names = ["12_stop/7_1.png", "12_stop/8_1.png", "12_stop/scene/8_2.png"]
    assert groups_of(r"(\d+)_", names, ["12_stop"] * 3).tolist() == [0, 1, 1]


def test_bad_patterns_are_named() -> None:
    assert "matches no image, for example not a/1.png" in said("frame", "a/1.png")
    for pattern in ("(", "[", "*", "(?P<a"):
        with pytest.raises(LutraError, match="is not a regular expression"):
            compiled(pattern)
        with pytest.raises(LutraError, match="is not a regular expression"):
            check(changed(changed(Config(), "data.name", "image_folder"), "data.group", pattern))
    with pytest.raises(LutraError, match="data=digits has no groups"):
        check(changed(Config(), "data.group", "(a)"))


def test_images_of_one_thing_stay_together(tmp_path: Path) -> None:
    root = write_photos(tmp_path / "signs", stop=[photo(n) for n in range(20)], go=[photo(n) for n in range(40, 60)])
    for folder in root.iterdir():
        for file in sorted(folder.iterdir()):
            number = int(file.stem)
            file.rename(folder / f"{number // 4:02}_{number % 4}.png")  # four frames of each thing
    data = image_folder(str(root), 32, 0.25, 0, group=r"(\d+)_")
    assert any(line.startswith("groups of images that stay together") for line in data.summary)
    assert {len(split.labels) % 4 for split in (data.train, data.validation, data.test)} == {0}
    assert sum(len(split.labels) for split in (data.train, data.validation, data.test)) == 40


def test_folders_that_split_a_group_are_warned_of(tmp_path: Path) -> None:
    parts = {"train__a": 0, "train__b": 20, "test__a": 40, "test__b": 60}
    root = write_photos(
        tmp_path / "signs", **{name: [photo(n) for n in range(at, at + 8)] for name, at in parts.items()}
    )
    data = image_folder(str(root), 32, 0.25, 0, group=r"0*(\d+)\.")
    (line,) = (line for line in data.summary if "of a group that training images have" in line)
    assert line.startswith("warning: ")


def test_near_duplicates_in_spite_of_a_pattern_ask_for_another_one() -> None:
    (line,) = leaks({"test": Near(2, 9)}, r"(\d+)_")
    assert line.endswith(r"split, by folders or another pattern than data.group=(\d+)_")
    (line,) = leaks({"test": Near(2, 9)})
    assert line.endswith("by folders or data.group=PATTERN")


def test_the_pattern_is_in_the_key_and_reaches_the_reader() -> None:
    data = DataConfig(group="(a)")
    assert Images.of(data).group == "(a)"
    assert Images.of(data).at(Means.of(Config())).group == "(a)"
