"""Tests packages on the board: which are used, which are installed, and what is refused before pip runs."""

from __future__ import annotations

import platform
import re
import struct
import sys
from pathlib import Path
from typing import Any

import pytest

from predictors.agent import packages
from predictors.agent.packages import impossible, python_with
from predictors.agent.runtimes import litert, onnxruntime


class Fake:
    """Commands on a board: the packages of each Python and the output of pip. Records every command."""

    def __init__(self, found: dict[str, str], pip: tuple[int, str] = (0, "")) -> None:
        self.found, self.pip, self.commands = found, pip, list[list[str]]()

    def __call__(self, command: list[str]) -> tuple[int, str]:
        self.commands.append(command)
        if command[1] == "-c":
            version = self.found.get(command[0])
            return (0, f"found {version}\n") if version else (-4, "")
        if "pip" in command and self.pip[0] == 0:
            self.found[command[0]] = command[-1].partition("==")[2].replace("*", "2") or "1.22.0"
        if command[1:3] == ["-m", "venv"]:
            (Path(command[-1]) / "bin").mkdir(parents=True)
            (Path(command[-1]) / "bin" / "python").touch()
        return self.pip if "pip" in command else (0, "")

    @property
    def installed(self) -> list[str]:
        return [command[-1] for command in self.commands if "pip" in command]


def ask(board: Fake, home: Path, runtime: str = "1.24.1", chosen: bool = False) -> tuple[str, list[str]]:
    home.mkdir(exist_ok=True)
    return python_with(home, onnxruntime, runtime, chosen, board, lambda: None)


def test_a_python_that_has_the_version_is_taken_as_it_is(tmp_path: Path) -> None:
    board = Fake({sys.executable: "1.24.1"})
    assert ask(board, tmp_path) == (sys.executable, [])
    assert board.installed == []
    assert ask(Fake({sys.executable: "1.17.0"}), tmp_path, "any") == (sys.executable, [])


def test_another_version_is_replaced_by_the_pinned_one_beside_it(tmp_path: Path) -> None:
    board = Fake({sys.executable: "1.17.0"})
    python, notes = ask(board, tmp_path)
    assert (python, notes) == (f"{tmp_path}/venv-1.24.1/bin/python", [])
    assert board.installed == ["onnxruntime==1.24.1"]
    assert ask(board, tmp_path) == (python, [])
    assert board.installed == ["onnxruntime==1.24.1"]
    assert ask(board, tmp_path, "1.23.0")[0] == f"{tmp_path}/venv-1.23.0/bin/python"


def test_each_runtime_has_a_folder_of_its_own(tmp_path: Path) -> None:
    board = Fake({})
    python, _ = python_with(tmp_path, litert, "2.3.0", False, board, lambda: None)
    assert python == f"{tmp_path}/venv-ai-edge-litert-2.3.0/bin/python"
    assert board.installed == ["ai-edge-litert==2.3.0"]
    assert any("import numpy, ai_edge_litert" in command[-1] for command in board.commands)


def test_where_it_cannot_be_replaced_it_is_used_and_told_unless_a_version_was_chosen(tmp_path: Path) -> None:
    board = Fake({sys.executable: "1.17.0"}, (1, "ERROR: No matching distribution found for onnxruntime==1.24.1\n"))
    python, (note,) = ask(board, tmp_path)
    assert python == sys.executable
    assert all(word in note for word in ("1.17.0", "1.24.1", "ERROR: No matching distribution"))
    with pytest.raises(ValueError, match="No matching distribution"):
        ask(board, tmp_path / "other", chosen=True)


@pytest.mark.parametrize("machine", ["aarch64", "arm64"])
def test_the_version_that_crashes_on_arm_is_neither_used_nor_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    board = Fake({sys.executable: "1.21.0"})
    python, (note,) = ask(board, tmp_path, "any")
    assert python == f"{tmp_path}/venv-any/bin/python"
    assert "onnxruntime 1.21.0 of " in note
    assert board.installed == ["onnxruntime!=1.21.0"]
    for chosen in (False, True):
        with pytest.raises(ValueError, match=r"1\.21\.0 crashes on some ARM processors: set device\.runtime"):
            ask(Fake({}), tmp_path / "other", "1.21.0", chosen)


@pytest.mark.parametrize(("python", "installed"), [((3, 9), "1.19.*"), ((3, 10), "1.23.*"), ((3, 13), "1.24.1")])
def test_an_old_python_gets_the_newest_version_that_it_can_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python: tuple[int, int], installed: str
) -> None:
    monkeypatch.setattr(packages.sys, "version_info", (*python, 0, "final", 0))
    board = Fake({})
    _, notes = ask(board, tmp_path)
    assert board.installed == [f"onnxruntime=={installed}"]
    assert notes == [] or f"onnxruntime {installed}" in notes[0]
    assert bool(notes) == ("*" in installed)
    assert ask(board, tmp_path)[0].startswith(str(tmp_path))
    assert len(board.installed) == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"machine": "aarch64", "bits": 4}, "32-bit program (the kernel says aarch64)"),
        ({"machine": "armv7l", "bits": 4}, "32-bit program (the kernel says armv7l)"),
        ({"machine": "riscv64"}, "not built for riscv64 processors"),
        ({"python": (3, 8)}, "3.9"),
        ({"libc": ("glibc", "2.24")}, "glibc 2.24"),
        ({"implementation": "PyPy"}, "not built for PyPy"),
    ],
)
def test_what_has_no_wheel_is_said_before_pip_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], told: str
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: change.get("machine", "aarch64"))
    monkeypatch.setattr(platform, "libc_ver", lambda: change.get("libc", ("glibc", "2.36")))
    monkeypatch.setattr(platform, "python_implementation", lambda: change.get("implementation", "CPython"))
    monkeypatch.setattr(packages.sys, "version_info", (*change.get("python", (3, 11)), 0, "final", 0))
    monkeypatch.setattr(packages.struct, "calcsize", lambda what: change.get("bits", 8))
    board = Fake({})
    with pytest.raises(packages.Impossible, match=re.escape(told)):
        ask(board, tmp_path)
    assert board.installed == []
    assert not [command for command in board.commands if "venv" in command]


def test_this_machine_can_have_it() -> None:
    assert struct.calcsize("P") == 8
    assert impossible(onnxruntime, "1.24.1") is None
    assert impossible(litert, "2.3.0") is None


def test_a_runtime_that_cannot_be_imported_is_told_with_its_signal(tmp_path: Path) -> None:
    board = Fake({}, (0, ""))
    board.found = Broken()
    with pytest.raises(ValueError, match="SIGILL"):
        ask(board, tmp_path)


class Broken(dict[str, str]):
    """Stores no version."""

    def __setitem__(self, key: str, value: str) -> None:
        pass
