"""The protocol between host and agent: frames of JSON, each with its length and hash.

A frame is a line "LUTRA <bytes> <sha256>", followed by that many bytes of JSON. Anything before such a line is noise
and is skipped. A newline on its own is a heartbeat.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
import select
import time
from typing import IO, Any

MAGIC = b"LUTRA"
LONGEST_LINE = 1024  # bytes
LARGEST_FRAME = 64 * 2**20  # bytes of an answer
LARGEST_REQUEST = 4 * 2**30  # bytes; a request carries a whole ONNX file


class Damaged(ValueError):
    """A frame that was altered or truncated in transit."""


class Patient(io.RawIOBase):
    """One end of a pipe; raises TimeoutError after `seconds` without data, or at the deadline."""

    def __init__(self, descriptor: int, seconds: float) -> None:
        self.descriptor, self.seconds = descriptor, seconds
        self.deadline, self.allowed = math.inf, math.inf  # seconds: the deadline on the monotonic clock, and its length

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def finish_within(self, seconds: float) -> None:
        """Sets a deadline, which holds even while data keeps arriving."""
        self.deadline, self.allowed = time.monotonic() + seconds, seconds

    def moves(self, event: int, seconds: float) -> bool:
        """Whether the pipe becomes readable or writable, or is closed, within `seconds`."""
        if self.closed:
            raise ValueError("the pipe is closed")
        poll = select.poll()
        poll.register(self.descriptor, event)
        return bool(poll.poll(None if math.isinf(seconds) else 1000 * seconds))

    def readinto(self, buffer: Any) -> int:
        self._wait(select.POLLIN)
        data = os.read(self.descriptor, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def write(self, data: Any) -> int:
        self._wait(select.POLLOUT)
        return os.write(self.descriptor, data[: select.PIPE_BUF])  # as much as fits without blocking

    def _wait(self, event: int) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0 or not self.moves(event, min(self.seconds, left)):
            late = self.deadline <= time.monotonic()
            raise TimeoutError(
                f"not finished within {self.allowed:.0f} s" if late else f"no sign of life for {self.seconds:g} s"
            )


def write_frame(stream: IO[bytes], message: dict[str, Any]) -> None:
    payload = json.dumps(message).encode()
    stream.write(b"\n%s %d %s\n" % (MAGIC, len(payload), hashlib.sha256(payload).hexdigest().encode()))
    stream.write(payload)
    stream.flush()


def read_frame(stream: IO[bytes], largest: int = LARGEST_FRAME) -> dict[str, Any] | None:
    """The next whole frame; None at the end of the stream.

    Raises Damaged for a truncated frame or a wrong hash, ValueError for one that is not a JSON object or is too long.
    """
    while line := stream.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise ValueError(f"a line of more than {LONGEST_LINE} bytes")
        words = line.split()
        if len(words) == 3 and words[0] == MAGIC and re.fullmatch(rb"[0-9]+", words[1]):
            size = int(words[1]) if len(words[1]) < 20 else largest + 1
            if size > largest:
                raise ValueError(f"a frame of {words[1].decode()[:20]} bytes, more than the {largest} allowed")
            payload = stream.read(size)
            if hashlib.sha256(payload).hexdigest().encode() != words[2]:
                raise Damaged("a frame is truncated or damaged")
            return _parsed(payload)
    return None


def _parsed(payload: bytes) -> dict[str, Any]:
    try:
        message = json.loads(payload.decode(), parse_constant=_no_number)
    except RecursionError:
        raise ValueError("a frame whose JSON is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"a frame that is not JSON ({error})") from None
    if not isinstance(message, dict):
        raise ValueError(f"a frame with a {type(message).__name__} instead of an object")
    return message


def _no_number(text: str) -> None:
    raise ValueError(f"the number {text}")
