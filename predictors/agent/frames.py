"""How the two ends of a connection speak: frames of JSON, each with its length and its hash.

A frame is a line "LUTRA <bytes> <sha256>" and that many bytes of JSON. Whatever stands before such a line is noise and
is skipped, and a lone newline says that the other end is at work.
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
    """A frame that was changed or cut on its way."""


class Patient(io.RawIOBase):
    """One end of a pipe that raises TimeoutError after `seconds` in which nothing moved, or at the deadline."""

    def __init__(self, descriptor: int, seconds: float) -> None:
        self.descriptor, self.seconds = descriptor, seconds
        self.deadline, self.allowed = math.inf, math.inf  # on the monotonic clock; how many seconds that was

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def finish_within(self, seconds: float) -> None:
        """Sets the deadline: whatever moves in the pipe, it is not waited for any longer than this."""
        self.deadline, self.allowed = time.monotonic() + seconds, seconds

    def moves(self, event: int, seconds: float) -> bool:
        """Whether the pipe can be read or written (or is closed) within `seconds`."""
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
        return os.write(self.descriptor, data[: select.PIPE_BUF])  # as much as fits without waiting again

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
    """The next whole frame, None at the end of the stream.

    Raises Damaged for half a frame or another hash, ValueError for what is no JSON object or longer than allowed.
    """
    while line := stream.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise ValueError(f"a line of more than {LONGEST_LINE} bytes")
        words = line.split()
        if len(words) == 3 and words[0] == MAGIC and re.fullmatch(rb"[0-9]+", words[1]):
            size = int(words[1]) if len(words[1]) < 20 else largest + 1
            if size > largest:
                raise ValueError(f"a frame that is said to have {words[1].decode()[:20]} bytes, of at most {largest}")
            payload = stream.read(size)
            if hashlib.sha256(payload).hexdigest().encode() != words[2]:
                raise Damaged("a frame is cut short or damaged")
            return _parsed(payload)
    return None


def _parsed(payload: bytes) -> dict[str, Any]:
    try:
        message = json.loads(payload.decode(), parse_constant=_no_number)
    except RecursionError:
        raise ValueError("a frame whose JSON is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"a frame that is no JSON ({error})") from None
    if not isinstance(message, dict):
        raise ValueError(f"a frame of {type(message).__name__}, not of an object")
    return message


def _no_number(text: str) -> None:
    raise ValueError(f"the number {text}")
