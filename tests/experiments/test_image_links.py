"""Tests links among images: what is behind them is read once, and never twice under two names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from experiments.data.image_tree import read_tree
from tests.experiments.image_files import counts, key, png, refused, write_folders


def test_class_folders_may_be_links_and_what_is_behind_them_is_in_the_key(tmp_path: Path) -> None:
    store = write_folders(tmp_path / "store", "x", "y")
    images = tmp_path / "images"
    images.mkdir()
    (images / "cat").symlink_to(store / "x")
    (images / "dog").symlink_to(store / "y")
    assert read_tree(str(images)).classes == ("cat", "dog")
    before = key(images)
    stat = (store / "y" / "0.png").stat()
    (store / "y" / "0.png").write_bytes(png(99))
    os.utime(store / "y" / "0.png", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert key(images) != before


@pytest.mark.parametrize("target", [".", "..", "../..", "deep", "deep/deeper"])
def test_a_link_to_a_folder_that_it_is_in_is_passed_over(tmp_path: Path, target: str) -> None:
    root = write_folders(tmp_path / "pets", "cat", "dog", "cat/deep/deeper")
    tree = read_tree(str(root))
    assert counts(tree) == {"train": 9}
    link = root / "cat" / "deep" / "deeper" / "again"
    link.symlink_to({"deep": "../../deep", "deep/deeper": "../deeper"}.get(target, target))
    again = read_tree(str(root))
    assert again.files == tree.files
    assert "cat/deep/deeper/again" in again.passed


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("wolf", "dog"),  # one class under two names
        ("cat/more", "../dog"),  # dogs as cats
        ("cat/copy.png", "../dog/0.png"),
        ("cat/copy.png", "0.png"),  # the same cat twice
        ("cat/all", "../cat/young"),
    ],
)
def test_links_that_make_one_image_several_are_refused_by_both_names(tmp_path: Path, link: str, target: str) -> None:
    root = write_folders(tmp_path / "pets", "cat", "dog", "cat/young")
    (root / link).symlink_to(target)
    said = refused(root)
    assert str(root / link) in said
    assert str(Path(os.path.normpath(root / Path(link).parent / target))) in said


def test_folders_that_link_to_each_other_are_refused(tmp_path: Path) -> None:
    root = write_folders(tmp_path / "pets", "cat", "dog")
    (root / "cat" / "x").symlink_to("../dog")
    (root / "dog" / "y").symlink_to("../cat")
    assert "by a link" in refused(root)


@pytest.mark.parametrize("name", ["emu", "cat/9.png"])
@pytest.mark.parametrize("target", ["nowhere", "itself"])
def test_a_link_that_leads_nowhere_is_named(tmp_path: Path, name: str, target: str) -> None:
    root = write_folders(tmp_path / "pets", "cat", "dog")
    (root / name).symlink_to(Path(name).name if target == "itself" else target)
    assert f"the link {root / name} leads nowhere" in refused(root)
