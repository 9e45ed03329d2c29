"""Tests what is told of packages that cannot be installed, and of versions that are none."""

from __future__ import annotations

import os

import pytest

from predictors.agent.packages import reason_in
from predictors.board.destination import Destination
from search_spaces.errors import LutraError

NOTICE = (
    "\n[notice] A new release of pip is available: 23.0 -> 25.0\n[notice] To update, run: pip install --upgrade pip\n"
)


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (
            "ERROR: Could not find a version that satisfies the requirement onnxruntime (from versions: none)\n"
            "ERROR: No matching distribution found for onnxruntime\n",
            "ERROR: No matching distribution found for onnxruntime",
        ),
        (
            "WARNING: Retrying (total=4) after connection broken by 'NewConnectionError('<HTTPS at 0x7>: "
            "Failed to establish a new connection: [Errno -3] Temporary failure in name resolution')': /simple/numpy/\n"
            "ERROR: Could not find a version that satisfies the requirement numpy (from versions: none)\n"
            "ERROR: No matching distribution found for numpy\n",
            "Failed to establish a new connection: [Errno -3] Temporary failure in name resolution",
        ),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n",
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
        ),
        (
            "The virtual environment was not created successfully because ensurepip is not\navailable.  On "
            "Debian/Ubuntu systems, you need to install the python3-venv\npackage.\n\nFailing command: python3\n",
            "ensurepip is not available",
        ),
        (
            "Traceback (most recent call last):\n  File\nImportError: libgomp.so.1: cannot open\n",
            "ImportError: libgomp",
        ),
        ("something else\nnote: This is an issue with the package\n", "something else"),
        ("", None),
    ],
)
def test_the_reason_is_told_and_not_what_pip_says_last(output: str, reason: str | None) -> None:
    found = reason_in(output + NOTICE)
    assert found == reason or (reason is not None and found is not None and found.startswith(reason))


@pytest.mark.parametrize("runtime", ["newest", "1", "1.24.1; rm -r", "1.24.1 --index-url x", "-r", "../1.2"])
def test_a_version_is_a_version(runtime: str) -> None:
    with pytest.raises(LutraError, match=r"device\.runtime="):
        Destination("board", runtime=runtime)
    assert os.path.sep not in Destination("board", runtime="1.24.1").runtime
