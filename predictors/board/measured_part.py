"""The part of a deployed file that was measured: everything before the appended metadata, which end in its length.

Runtimes ignore what is appended, so the network and its latency are those of the measured part.
"""

from __future__ import annotations

import re

LENGTH = "measured_bytes"  # the last of the metadata
DIGITS = 12
END = re.compile(rf"{LENGTH}.{{1,2}}(\d{{{DIGITS}}})\Z".encode(), re.DOTALL)


def measured_part(file: bytes) -> bytes:
    """The bytes whose latency and accuracy were measured; all of a file without metadata."""
    found = END.search(file[-64:])
    return file[: int(found[1])] if found else file
