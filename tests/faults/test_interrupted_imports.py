"""Tests processes that end while they import: one line says why."""

from __future__ import annotations

from pathlib import Path

from tests.commands import ROOT
from tests.faults.typed_settings import started


def test_ctrl_c_during_the_imports_is_one_line(tmp_path: Path) -> None:
    for library in ("hydra", "rich"):
        (tmp_path / library).mkdir()
        (tmp_path / library / "__init__.py").write_text("import signal\nsignal.raise_signal(signal.SIGINT)\n")
    done = started("-m", "experiments.status", before=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: interrupted; the same command starts again\n"


def test_ctrl_c_during_later_imports_is_one_line(tmp_path: Path) -> None:
    """Libraries in C turn it into another error."""
    (tmp_path / "torch").mkdir()
    lines = ["import signal", "try:", "    signal.raise_signal(signal.SIGINT)"]
    lines += ["except KeyboardInterrupt as error:", "    raise ImportError('many lines') from error"]
    (tmp_path / "torch" / "__init__.py").write_text("\n".join(lines) + "\n")
    done = started("-m", "experiments.compare", f"runs={tmp_path / 'runs'}", before=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: interrupted; the same command starts again\n"


def test_windows_is_refused_by_the_import() -> None:
    windows = "import sys; sys.platform = 'win32'; sys.argv = [{}]; import experiments"
    command, library = (started("-c", windows.format(first)) for first in ("'-m'", "'x.py'"))
    assert (command.returncode, command.stderr.count("\n")) == (2, 1)
    assert "WSL" in command.stderr
    assert "ImportError: Lutra runs on Linux and macOS" in library.stderr
    assert "Windows" in (ROOT / "README.md").read_text()
