"""Metadata of a deployed file: its input, classes and measurements, so that the file can be used on its own.

They are appended to the measured file, whose bytes stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping

from compress.runtimes import runtime_of_file
from predictors.board.measured_part import DIGITS, LENGTH, measured_part
from search_spaces.documents import sha256


def with_metadata(file: bytes, facts: Mapping[str, str]) -> bytes:
    """The file with these metadata, the hash of its measured part, and its length; replaces earlier metadata."""
    measured = measured_part(file)
    whole = {**facts, "measured_sha256": sha256(measured), LENGTH: f"{len(measured):0{DIGITS}}"}
    return measured + bytes(runtime_of_file(measured).appended(whole))


def metadata(file: bytes) -> dict[str, str]:
    """The metadata of a file, as its runtime reads them."""
    return dict(runtime_of_file(file).metadata(file))
