"""Tests files that the system does not let a command read or write."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig

from experiments.config import command
from search_spaces.errors import LutraError
from tests.experiments.made_up_steps import never, run, step, write_once


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_finished_step_is_used_where_nothing_can_be_written(number: int, tmp_path: Path) -> None:
    code, out, err = run(READING, tmp_path / "runs", number)
    assert (code, err) == (0, "")
    folder, line = out.splitlines()
    assert folder == str(next((tmp_path / "runs" / "made").iterdir()))
    assert line.startswith("cannot write ")
    assert line.endswith("; choose another folder with runs=FOLDER")


READING = """
import os, sys
from pathlib import Path
from experiments.store import artefacts
from search_spaces.errors import LutraError
runs, number = Path(sys.argv[1]), int(sys.argv[2])
work = lambda folder: artefacts.write(folder / "file", "content")
artefacts.step(runs, "made", "label", {}, {}, work)
def refuse(event, details):
    writes = event == "open" and isinstance(details[2], int) and details[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    if (writes or event in ("os.mkdir", "os.rename", "os.remove")) and str(details[0]).startswith(str(runs)):
        raise OSError(number, os.strerror(number), details[0])
sys.addaudithook(refuse)
print(artefacts.step(runs, "made", "label", {}, {}, work))
try:
    artefacts.step(runs, "made", "label", {"another": 1}, {}, work)
except LutraError as error:
    print(error)
"""


def test_what_cannot_be_read_is_not_called_unwritable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = step(tmp_path, write_once)

    def forbidden(path: Any, *arguments: Any, **more: Any) -> Any:
        if str(path) == str(folder / "out" / "file"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path, *arguments, **more)

    opened = open
    monkeypatch.setattr("builtins.open", forbidden)
    with pytest.raises(LutraError, match=f"cannot read {folder / 'out' / 'file'}: Permission denied"):
        step(tmp_path, never)


@pytest.mark.parametrize("kind", [PermissionError, FileNotFoundError, IsADirectoryError, OSError])
def test_a_path_that_the_system_refuses_is_one_line(kind: type[OSError], monkeypatch: pytest.MonkeyPatch) -> None:
    def use(config: Any) -> None:
        raise kind(errno.EIO, "It is refused", "/given/by/a/user")

    monkeypatch.setattr(command, "checked", lambda settings: None)
    monkeypatch.setattr(command, "COUNTED", lambda config: config)
    with pytest.raises(LutraError, match=r"^cannot use /given/by/a/user: It is refused$"):
        command._perform(use, DictConfig({}))
