"""Starts an honest agent in place of a board's Python and tampers with one of the frames that it sends.

python malicious_agent.py SEED ARGUMENTS...: the arguments are those of the honest Python. It imports none of our code.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from random import Random
from typing import Any

VALUES: list[Any] = [
    float("nan"),
    float("inf"),
    -1.0,
    0.0,
    10**400,
    None,
    True,
    "=1+1",
    "\x1b]0;x\x07",
    [],
    {},
    "x" * 10**5,
]
FIRST = 8  # one of the first so many frames is tampered with


def framed(payload: bytes, length: int | None = None, sha256: str = "") -> bytes:
    sha256 = sha256 or hashlib.sha256(payload).hexdigest()
    return b"\nLUTRA %d %s\n" % (len(payload) if length is None else length, sha256.encode()) + payload


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in items for place in places(item, (*path, key)))]


def other_value(payload: bytes, rng: Random) -> bytes:
    """Changes a value somewhere in the answer."""
    message = json.loads(payload)
    *path, last = rng.choice(places(message)[1:])
    place = message
    for key in path:
        place = place[key]
    place[last] = rng.choice(VALUES)
    return framed(json.dumps(message).encode())


def less_or_more(payload: bytes, rng: Random) -> bytes:
    """Removes or adds a key."""
    message = json.loads(payload)
    if rng.random() < 0.5:
        del message[rng.choice(sorted(message))]
    else:
        message[rng.choice(["nonce2", "error", "answer", ""])] = rng.choice(VALUES)
    return framed(json.dumps(message).encode())


TAMPERINGS: list[Callable[[bytes, Random], bytes]] = [
    other_value,
    other_value,
    other_value,
    less_or_more,
    lambda payload, rng: framed(payload)[: rng.randrange(len(payload))],
    lambda payload, rng: framed(payload, sha256="0" * 64),
    lambda payload, rng: framed(payload, length=10**13),
    lambda payload, rng: framed(payload, length=max(0, len(payload) + rng.randint(-9, 9))),
    lambda payload, rng: framed(b"[" * 10**5 + b"]" * 10**5),
    lambda payload, rng: framed(rng.choice([b"[]", b"null", b"5", b'"x"', b"{", b"\xff\xfe", b"", b"NaN"])),
    lambda payload, rng: framed(payload[:-1] + b', "pad": "' + b"x" * 2**26 + b'"}'),
    lambda payload, rng: b"x" * 10**7 + framed(payload),
    lambda payload, rng: b"\0" * 10**7 + b"\n" + framed(payload),
    lambda payload, rng: framed(json.dumps({**json.loads(payload), "nonce": "another"}).encode()) + framed(payload),
    lambda payload, rng: framed(payload) + framed(payload),
    lambda payload, rng: rng.randbytes(5000) + framed(payload),
    lambda payload, rng: b"",
]


def main() -> None:
    rng = Random(sys.argv[1])
    honest = subprocess.Popen([sys.executable, "-S", *sys.argv[2:]], stdout=subprocess.PIPE)
    assert honest.stdout
    bad, ends = rng.randrange(FIRST), rng.random() < 0.3
    number = 0
    try:
        while line := honest.stdout.readline():
            words = line.split()
            if len(words) != 3 or words[0] != b"LUTRA":
                send(line)
                continue
            payload = honest.stdout.read(int(words[1]))
            send(rng.choice(TAMPERINGS)(payload, rng) if number == bad else framed(payload))
            if number == bad and ends:
                break
            number += 1
    finally:
        honest.kill()
        honest.wait()


def send(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


if __name__ == "__main__":
    main()
