"""A .zip of images is read as a .tar.gz of the same tree is, whatever made it; damage is one line."""

from __future__ import annotations

import stat
import struct
import zipfile
from pathlib import Path

import pytest

from experiments.data import archives, shape_of
from experiments.data.entry import MAX_BYTES
from experiments.data.image_folder import image_folder
from experiments.data.image_hashes import contents
from tests.experiments.image_files import key, png, refused, write_folders, write_tar, write_zip


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    return write_folders(tmp_path / "pets", "train/cat", "train/Ảnh", "test/cat", "test/Ảnh", count=6)


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("windows", [False, True])
def test_a_zip_holds_the_same_images(tmp_path: Path, pets: Path, windows: bool, kind: int) -> None:
    path = write_zip(tmp_path / "pets.zip", pets, windows, kind)
    assert key(path) == key(pets) == key(write_tar(tmp_path / "pets.tgz", pets))


def test_letters_are_kept_where_a_zip_does_not_say_that_its_names_are_utf8(tmp_path: Path, pets: Path) -> None:
    """Finder on macOS, and zip on Linux, write such archives."""
    path = write_zip(tmp_path / "pets.zip", pets)
    content = bytearray(path.read_bytes())
    for at in range(len(content)):
        if (place := {b"PK\x03\x04": 6, b"PK\x01\x02": 8}.get(bytes(content[at : at + 4]))) is not None:
            struct.pack_into("<H", content, at + place, 0)
    path.write_bytes(content)
    with zipfile.ZipFile(path) as archive:
        assert not any("Ảnh" in name for name in archive.namelist())
    assert key(path) == key(pets)


def test_other_letters_are_those_of_the_old_code_page(tmp_path: Path) -> None:
    path = tmp_path / "old.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("a", "e"):
            for index in range(4):
                archive.writestr(f"caf{name}/{index}.png", png(index + 10 * ord(name)))
    path.write_bytes(path.read_bytes().replace(b"cafe/", b"caf\x82/"))
    assert contents(str(path)).tree.classes == ("cafa", "café")


def test_a_zip_is_known_by_its_content(tmp_path: Path, pets: Path) -> None:
    assert key(write_zip(tmp_path / "pets.data", pets)) == key(pets)


def test_pixels_and_a_second_command(tmp_path: Path, pets: Path) -> None:
    path, cache = str(write_zip(tmp_path / "pets.zip", pets)), str(tmp_path / "cache")
    ours, theirs, again = (image_folder(one, 8, 0.25, 0, cache=cache) for one in (str(pets), path, path))
    assert ours.classes == theirs.classes == again.classes
    for part in ("train", "validation", "test"):
        one, *others = (getattr(data, part).images for data in (ours, theirs, again))
        assert all(one.equal(other) for other in others)
    assert shape_of("image_folder", path, 8, cache).classes == 2


def test_hostile_members_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "hostile.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for index in range(4):
            archive.writestr(f"a/{index}.png", png(index))
            archive.writestr(f"/b/{index}.png", png(10 + index))
        archive.writestr("../escaped.png", png(99))
        archive.writestr("__MACOSX/a/._0.png", b"no image")
        link = zipfile.ZipInfo("a/link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    found = contents(str(path))
    assert found.tree.classes == ("a", "b")
    assert "1 links in the archive" in found.tree.passed
    assert [file.name for file in tmp_path.iterdir()] == ["hostile.zip"]


def test_damage_is_one_line(tmp_path: Path, pets: Path) -> None:
    whole = write_zip(tmp_path / "pets.zip", pets, kind=zipfile.ZIP_STORED).read_bytes()
    flipped = bytearray(whole)
    flipped[whole.index(b"IDAT") + 5] ^= 0xFF
    for number, content in enumerate((whole[:-30], whole[: len(whole) // 2], bytes(flipped))):
        path = tmp_path / f"{number}.zip"
        path.write_bytes(content)
        assert str(path) in refused(path)


def test_an_encrypted_archive_is_named(tmp_path: Path, pets: Path) -> None:
    path = write_zip(tmp_path / "pets.zip", pets)
    content = bytearray(path.read_bytes())
    for at in range(len(content)):
        if content[at : at + 4] == b"PK\x01\x02":  # a member's record in the directory at the end
            struct.pack_into("<H", content, at + 8, archives.ENCRYPTED)
    path.write_bytes(content)
    assert "encrypted" in refused(path)


def test_limits_are_those_of_other_archives(tmp_path: Path, pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open(pets / "train" / "cat" / "huge.png", "wb") as file:
        file.truncate(MAX_BYTES + 1)
    path = write_zip(tmp_path / "pets.zip", pets)
    assert "huge.png" in refused(path)
    monkeypatch.setattr(archives, "MAX_MEMBERS", 10)
    assert "more than 10 members" in refused(path)
