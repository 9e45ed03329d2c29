"""Tests that an answer is a whole frame to the very request, that wrong frames are one line, and that waiting ends."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import pytest

from predictors.board.answer_validation import BadAnswer
from predictors.board.device import Connection, Unreachable
from predictors.board.limits import Limits
from search_spaces.errors import LutraError

AGENT = """
import hashlib, io, json, os, sys, time
from predictors.agent import read_frame, write_frame
out, nonce = sys.stdout.buffer, read_frame(sys.stdin.buffer)["nonce"]
def frame(message):
    stream = io.BytesIO()
    write_frame(stream, message)
    return stream.getvalue()
def framed(text):
    return b"LUTRA %d %s\\n" % (len(text), hashlib.sha256(text.encode()).hexdigest().encode()) + text.encode()
"""


def answering(script: str, patience: float = 5) -> Connection:
    """Starts an agent that is only a script, which may use `nonce`, `frame(message)` and `framed(text)`."""
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", AGENT + script], bufsize=0, stdin=pipe, stdout=pipe)
    return Connection(process, 1, patience, where="pi")


GOOD = "frame({'nonce': nonce, 'answer': 42})"


@pytest.mark.parametrize(
    ("script", "answer"),
    [
        (f"out.write(b'Welcome!\\nLUTRA is an otter\\nLUTRA 3 4\\r\\n\\0' + {GOOD})", None),
        (f"out.write(b'Welcome to the board\\nLUTRA\\nLUTRA x y\\n' + {GOOD})", 42),
        (f"out.write(b'no end of line' + {GOOD})", 42),
        (f"out.write({GOOD}); out.flush(); os._exit(255)", 42),
        (f"out.write({GOOD}[:-3])", None),
        (f"out.write({GOOD}[:20]); out.flush(); os._exit(0)", None),
        (f"out.write({GOOD}.replace(b'42', b'43'))", None),
        ("out.write(frame({'nonce': 'of yesterday', 'answer': 42}))", None),
        (f"out.write(frame({{'nonce': 'of yesterday', 'answer': 43}}) + {GOOD})", 42),
        ("out.write(frame({'answer': 42}))", None),
        ("out.write(b'nothing but noise\\n' * 1000)", None),
        ("os._exit(0)", None),
    ],
)
def test_an_answer_is_a_whole_frame_to_this_very_request(script: str, answer: int | None) -> None:
    with contextlib.closing(answering(script)) as board:
        if answer is not None:
            assert board.ask("anything") == answer
        else:
            with pytest.raises(Unreachable) as caught:
                board.ask("anything")
            assert "\n" not in str(caught.value)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections kill an agent at once where it does not end with its input."""
    monkeypatch.setattr("predictors.board.device.FAREWELL", 0.05)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "script",
    [
        "out.write(b'x' * 10**7)",
        "out.write(b'LUTRA 1000000000000 ' + b'0' * 64 + b'\\n'); out.flush(); time.sleep(9)",
        "out.write(b'LUTRA ' + b'9' * 500 + b' ' + b'0' * 64 + b'\\n')",
        "out.write(framed('[' * 20000 + ']' * 20000))",
        'out.write(framed(\'{"nonce": "%s", "answer": {"cpu": NaN}}\' % nonce))',
        'out.write(framed(\'{"nonce": "%s", "answer": {"cores": %s}}\' % (nonce, \'9\' * 5000)))',
        'out.write(framed(\'{"nonce": "%s"}\' % nonce))',
        "out.write(framed('\"text\"'))",
    ],
)
def test_a_wrong_frame_is_one_line_that_names_the_board_and_the_request(script: str) -> None:
    with contextlib.closing(answering(script)) as board, pytest.raises(BadAnswer) as caught:
        _ = board.passport
    assert str(caught.value).startswith("pi sent an invalid answer to 'passport': ")
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("impatient")
def test_signs_of_life_do_not_lengthen_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("predictors.board.limits.QUICK", 0.5)
    script = "while True: out.write(b'\\n'); out.flush(); time.sleep(0.05)"
    with contextlib.closing(answering(script)) as board, pytest.raises(Unreachable, match="'passport': not finished"):
        _ = board.passport


def test_the_bounds_grow_with_the_work_and_are_finite() -> None:
    limits = Limits(float("inf"))
    quick = {do: limits.seconds(do, {}) for do in ("ping", "state", "passport", "lock", "pin")}
    assert max(quick.values()) <= 60
    assert max(Limits(2.0).seconds(do, {"name": "a", "order": ["a"], "seconds": 0.02}) for do in (*quick, "round")) < 30
    limits.learn("load", {"name": "a"}, 2.0)
    one, ten = (limits.seconds("round", {"order": ["a"] * n, "seconds": 0.02}) for n in (1, 10))
    assert 0 < one < ten < 3600
    alone, each = (limits.bytes("round", {"order": ["a"], "seconds": 1.0, "each": each}) for each in (False, True))
    assert alone < each < limits.bytes("round", {"order": ["a"] * 10**6, "seconds": 1.0, "each": True}) <= 64 * 2**20


def test_what_the_board_says_of_an_error_is_one_plain_line() -> None:
    script = "out.write(framed(json.dumps({'nonce': nonce, 'error': 'a\\x1b[2J' + chr(10) + 'b' * 10**5})))"
    with contextlib.closing(answering(script)) as board, pytest.raises(LutraError) as caught:
        board.ask("ping")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300
