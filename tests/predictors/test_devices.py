"""Tests boards behind a real sshd on this machine: keys, cut and frozen links, wrong answers, locks, hostile names."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictors.board import ssh as ssh_module
from predictors.board.destination import START, Destination
from predictors.board.device import Connection, Unreachable
from predictors.board.local_device import local
from predictors.board.memory import peak_memory
from predictors.board.outputs import outputs
from predictors.board.resumable import resumable
from predictors.board.ssh import ssh
from predictors.timing.rounds import Protocol, Round, measure
from search_spaces.errors import LutraError
from search_spaces.networks.onnx_writer import random_weights, write
from search_spaces.spaces.tiny import tiny

SSHD = Path("/usr/sbin/sshd")
needs_sshd = pytest.mark.skipif(not SSHD.exists(), reason="there is no /usr/sbin/sshd (Debian: openssh-server)")
SPACE = tiny(1, 16, 10)
OTHER = SPACE.decode(SPACE.reference)
NET = write(SPACE.decode(SPACE.smallest), random_weights(SPACE.decode(SPACE.smallest)))
STUBS = {  # packages of a board that load at once; every inference takes a millisecond
    "numpy": "__version__, float32 = '0', 'f'\nclass random:\n  default_rng = lambda seed: random\n"
    "  standard_normal = lambda shape, dtype: 0",
    "onnxruntime": "import time\n__version__ = '0'\nclass SessionOptions:\n  add_session_config_entry = print\n"
    "class InferenceSession:\n  def __init__(self, *a, **k): self.name = 'image'\n"
    "  shape, type = [1], 'tensor(float)'\n"
    "  def get_inputs(self): return [self]\n  def run(self, *a): time.sleep(0.001)",
}


@dataclass(frozen=True)
class Lab:
    """An sshd with a board's home folder; `to` is its address."""

    folder: Path
    sshd: int
    to: Destination

    def sessions(self) -> list[int]:
        """Returns the processes of sshd that serve one connection each."""
        return children(self.sshd)

    def agents(self) -> list[int]:
        """Returns the agents that run on the board."""
        return [pid for pid in processes() if str(self.folder / "home") in command_line(pid)]

    def python(self, name: str, script: str) -> str:
        """Returns a program that replaces the board's Python."""
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return str(path)


def processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def children(parent: int) -> list[int]:
    found = []
    for pid in processes():
        with contextlib.suppress(OSError):
            if int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1]) == parent:
                found.append(pid)
    return found


def until(condition: object, seconds: float = 10) -> bool:
    """Whether a condition becomes true in time."""
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def key(path: Path) -> str:
    """Makes a key pair and returns its public half."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)], check=True)
    return path.with_suffix(".pub").read_text()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("lab")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    host = key(folder / "host")
    (folder / "authorized").write_text(key(folder / "identity"))
    (folder / "known").write_text(f"[127.0.0.1]:{port} {host}")
    (folder / "sshd.conf").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\n"
        f"PidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nMaxStartups 100\n"
        "KbdInteractiveAuthentication no\n"
    )
    (folder / "config").write_text(
        f"Host board\nHostName 127.0.0.1\nPort {port}\nIdentityFile {folder}/identity\nIdentitiesOnly yes\n"
        f"UserKnownHostsFile {folder}/known\nGlobalKnownHostsFile none\n"
    )
    for name, text in STUBS.items():
        (folder / "stubs").mkdir(exist_ok=True)
        (folder / "stubs" / f"{name}.py").write_text(text)
    server = subprocess.Popen([SSHD, "-D", "-f", folder / "sshd.conf", "-E", folder / "log"])
    assert until(lambda: "listening" in (folder / "log").read_text() if (folder / "log").exists() else False)
    config = str(folder / "config")
    lock = f"LUTRA_LOCK={folder}/machine.lock"  # does not wait for other tests on this machine
    lab = Lab(folder, server.pid, Destination("board", folder=f"{folder}/home", ssh_config=config, patience=10))
    python = lab.python("with_packages", f'{lock} exec {shlex.quote(sys.executable)} "$@"')
    yield replace(lab, to=replace(lab.to, python=python, runtime="any"))
    server.kill()
    server.wait()


@pytest.fixture
def quick(lab: Lab) -> Iterator[Lab]:
    """The lab with a board whose packages are stubs; checks that no agent is left running."""
    lock = f"LUTRA_LOCK={lab.folder}/machine.lock"
    script = f'{lock} PYTHONPATH={lab.folder}/stubs exec {shlex.quote(sys.executable)} -S "$@"'
    yield replace(lab, to=replace(lab.to, python=lab.python("python", script)))
    assert until(lambda: not lab.agents())


# First contact


def refusal(to: Destination) -> str:
    with pytest.raises(LutraError) as caught, ssh(to, 1) as board:
        assert board.passport
    assert "\n" not in str(caught.value)
    assert not isinstance(caught.value, Unreachable)
    return str(caught.value)


def with_known(lab: Lab, text: str) -> Destination:
    """Returns the lab's address with other known hosts."""
    known = lab.folder / "other_known"
    known.write_text(text)
    config = lab.folder / "other_config"
    config.write_text((lab.folder / "config").read_text().replace(f"{lab.folder}/known", str(known)))
    return replace(lab.to, ssh_config=str(config))


@needs_sshd
def test_an_unknown_host_key_is_refused_with_what_to_do(lab: Lab) -> None:
    to = with_known(lab, "")
    assert f"type: ssh -F {to.ssh_config} board, compare the fingerprint" in refusal(to)
    assert (lab.folder / "other_known").read_text() == ""


@needs_sshd
def test_a_changed_host_key_is_refused_with_its_fingerprint(lab: Lab) -> None:
    port = (lab.folder / "known").read_text().split()[0]
    message = refusal(with_known(lab, f"{port} {key(lab.folder / 'another')}"))
    listed = subprocess.run(["ssh-keygen", "-lf", lab.folder / "host.pub"], capture_output=True, text=True, check=True)
    assert listed.stdout.split()[1] in message
    assert "type: ssh-keygen" in message


@pytest.mark.parametrize("name", ["'board'; touch x", "$(touch x)", "board; touch x", "-x y"])
def test_no_command_of_a_board_is_given_to_be_typed(name: str) -> None:
    """Any host can write to ssh's standard error."""
    text = f"IDENTIFICATION HAS CHANGED\n  ssh-keygen -f '/home/me/.ssh/known_hosts' -R {name}\n"
    with tempfile.TemporaryFile() as errors:
        errors.write(text.encode())
        told = str(
            ssh_module.explain(Destination("board"), "setup", subprocess.Popen(["sh", "-c", "exit 255"]), errors)
        )
    assert "touch" not in told
    assert "type: ssh-keygen -R board;" in told


@needs_sshd
def test_a_board_that_does_not_know_our_key_is_one_line(lab: Lab) -> None:
    key(lab.folder / "stranger")
    config = lab.folder / "strange_config"
    config.write_text((lab.folder / "config").read_text().replace("/identity", "/stranger"))
    assert "type: ssh-copy-id -F" in refusal(replace(lab.to, ssh_config=str(config)))


@needs_sshd
def test_a_board_without_python_is_one_line(lab: Lab) -> None:
    assert "install Python 3.9" in refusal(replace(lab.to, python="no-such-python"))


@needs_sshd
def test_packages_that_cannot_be_installed_are_the_commands_to_type(lab: Lab) -> None:
    home = lab.folder / "home_of_a_file"
    home.mkdir(exist_ok=True)
    (home / "venv-0.0.1").write_text("where the virtual environment should be")
    message = refusal(replace(lab.to, folder=str(home), runtime="0.0.1"))
    assert (
        f"type there: {lab.to.python} -m venv {home}/venv-0.0.1 && {home}/venv-0.0.1/bin/pip install numpy" in message
    )


@needs_sshd
def test_a_board_that_can_have_no_runtime_is_one_line_without_commands(lab: Lab) -> None:
    """The board's Python reports a 32-bit program."""
    stub = lab.folder / "thirty_two"
    stub.mkdir(exist_ok=True)
    (stub / "struct.py").write_text(
        "from _struct import *\nfrom _struct import _clearcache\ncalcsize = lambda what: 4\n"
    )
    script = f'PYTHONPATH={stub} exec {shlex.quote(sys.executable)} -S "$@"'
    message = refusal(replace(lab.to, python=lab.python("old", script), folder=str(stub / "home"), runtime=""))
    assert "is a 32-bit program" in message
    assert "install a 64-bit system" in message
    assert "type there" not in message


def test_nobody_there_is_one_line() -> None:
    with socket.socket() as taken:  # bound, not listening
        taken.bind(("127.0.0.1", 0))
        to = Destination("127.0.0.1", port=taken.getsockname()[1])
        with pytest.raises(Unreachable, match="cannot be reached") as caught, ssh(to, 1) as board:
            assert board.passport
    assert "\n" not in str(caught.value)


# Good runs


@needs_sshd
def test_a_board_behind_ssh_computes_what_this_machine_computes(lab: Lab) -> None:
    images = np.random.default_rng(0).standard_normal((2, 1, 16, 16), dtype=np.float32)
    with ssh(lab.to, 1) as far, local(1) as near:
        assert (outputs(far, {"net": NET}, images)["net"] == outputs(near, {"net": NET}, images)["net"]).all()
        assert far.round(["net"], 0.001)["samples"][0][0] > 0
        assert far.passport == near.passport
        there, here = (peak_memory(board, {"net": NET})["net"].peak_bytes for board in (far, near))
    assert there == pytest.approx(here, rel=0.05)
    assert until(lambda: not lab.agents())


@needs_sshd
def test_one_measuring_at_a_time(quick: Lab) -> None:
    """The second one is told of the first, gets the passport at once, and continues when the first has ended."""
    said: list[str] = []
    with ssh(quick.to, 1) as second:
        with ssh(quick.to, 1) as first:
            first.lock()
            holder = [pid for pid in quick.agents() if Path(f"/proc/{pid}/fd").exists() and locks(pid, quick)]
            waiting = threading.Thread(target=second.lock, args=(said.append,))
            waiting.start()
            assert until(lambda: said)
            assert second.passport == first.passport
            assert waiting.is_alive()
        waiting.join(20)
        assert not waiting.is_alive()
    (line,) = said
    assert re.fullmatch(
        rf"board is in use by another measurement \(process {holder[0]} of \w+, for \d+ s\); waiting until it is free",
        line,
    )


def locks(pid: int, lab: Lab) -> bool:
    """Whether a process has the lock's file open."""
    names = [os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd")]
    return str(lab.folder / "machine.lock") in names


@needs_sshd
def test_an_idle_connection_outlives_its_patience(quick: Lab) -> None:
    with ssh(replace(quick.to, patience=2), 1) as board:
        assert board.passport
        time.sleep(3)
        assert board.ask("ping") == {}


# Cut and frozen links


FILES = {f"net{index}": NET + b" " * index for index in range(4)}  # the stub takes any file
SHORT = Protocol(min_rounds=8, max_rounds=8, sample_seconds=0.02, within=1e9)


def orders(rounds: Iterable[Round]) -> list[tuple[str, ...]]:
    return [r.order for r in rounds]


class Saboteur:
    """Connects to a board, and cuts each of the first `cuts` connections at a random moment."""

    def __init__(self, lab: Lab, seed: int, cuts: int) -> None:
        self.lab, self.rng, self.cuts = lab, Random(seed), cuts
        self.threads: list[threading.Thread] = []

    def __call__(self, again: bool) -> AbstractContextManager[Connection]:
        if self.cuts:
            self.cuts -= 1
            self.threads.append(threading.Thread(target=self.cut, args=(self.rng.uniform(0, 0.7),)))
            self.threads[-1].start()
        return ssh(self.lab.to, 1)

    def cut(self, after: float) -> None:
        time.sleep(after)
        assert until(self.lab.sessions)
        for pid in self.lab.sessions():
            os.kill(pid, signal.SIGKILL)


@needs_sshd
def test_a_link_that_is_cut_again_and_again_loses_no_finished_round(quick: Lab) -> None:
    """Tests one seed; tests/faults tests others."""
    measure_through_cuts(Saboteur(quick, 0, 4))


def measure_through_cuts(connect: Saboteur) -> None:
    """Checks that the rounds are the same as without cuts, each kept once, with its samples."""
    kept: list[Any] = []
    rounds: list[Round] = []
    while not rounds:  # if the first connection is cut, the command runs again
        with (
            contextlib.suppress(Unreachable),
            resumable(connect, list(kept), kept.append, [].append, [0.01] * 30) as board,
        ):
            rounds = list(measure(board, FILES, SHORT))
    for thread in connect.threads:
        thread.join()
    assert connect.cuts == 0
    with local(1) as board:
        uncut = orders(measure(board, dict.fromkeys(FILES, NET), SHORT))
    assert orders(rounds) == uncut
    assert [tuple(record["request"]["order"]) for record in kept] == uncut
    assert all(record["answer"]["samples"] for record in kept)


@needs_sshd
def test_a_frozen_link_is_noticed_on_both_sides(quick: Lab) -> None:
    """The agent ends although its end of the link stays open; the lock is free for a new connection."""
    to = replace(quick.to, patience=2)
    with ssh(to, 1) as board:
        board.load("net", b"any")
        (session,) = quick.sessions()
        os.kill(session, signal.SIGSTOP)
        try:
            with pytest.raises(Unreachable, match=r"no sign of life|cannot be reached"):
                board.round(["net"] * 200, 0.02)
            assert until(lambda: not quick.agents())
            with ssh(to, 1) as again:
                again.lock()
                assert again.passport
        finally:
            os.kill(session, signal.SIGKILL)


@needs_sshd
def test_a_killed_host_leaves_no_agent(quick: Lab) -> None:
    program = (
        f"import sys; from predictors.board.ssh import *\nwith ssh({quick.to!r}, 1) as b:\n"
        "  b.load('net', b'any'); print('loaded', flush=True); b.round(['net'] * 1000, 0.02)"
    )
    host = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert host.stdout is not None
    with host.stdout:
        assert host.stdout.readline() == b"loaded\n"
    assert quick.agents()
    host.kill()
    host.wait()
    assert until(lambda: not quick.agents())


def test_finished_rounds_are_not_asked_again() -> None:
    """A command that was killed after three rounds continues with the fourth; other files are measured again."""
    kept: list[Any] = []
    files = {"a": NET, "b": NET}
    quick = replace(SHORT, min_rounds=5, max_rounds=5, sample_seconds=0.001)
    connect = lambda again: local(1)  # noqa: E731
    with resumable(connect, [], kept.append) as board:
        first = list(islice(measure(board, files, quick), 3))
    assert len(kept) == 3
    with resumable(connect, json.loads(json.dumps(kept)), kept.append) as board:
        again = list(measure(board, files, quick))
    assert (again[:3], len(again), len(kept)) == (first, 5, 5)
    with resumable(connect, kept, kept.append) as board:
        list(measure(board, {**files, "b": NET + b""}, quick))
    assert len(kept) == 5
    with resumable(connect, kept, kept.append) as board:
        list(measure(board, {**files, "b": write(OTHER, random_weights(OTHER))}, quick))
    assert len(kept) == 10


def test_a_board_that_restarted_or_is_another_is_told() -> None:
    told: list[str] = []
    flaky = Flaky()
    with resumable(lambda again: nullcontext(flaky), [], lambda record: None, told.append, [0.0, 0.0]) as board:
        board.load("net", NET)
        flaky.broken, flaky.boot = True, "second boot"
        assert board.round(["net"], 1)["samples"] == [[1.0, []]]
        assert told == ["the link broke; trying again in 0 s", RESTARTED]
        flaky.broken, flaky.passport = True, {"model": "another"}
        with pytest.raises(LutraError, match="another board answers now, with a different model"):
            board.round(["net"], 1)


RESTARTED = "the board has restarted; its unfinished round is measured again"


class Flaky:
    """A board whose link breaks at one request."""

    def __init__(self) -> None:
        self.threads, self.passport, self.boot, self.broken = 1, {"model": "one"}, "first boot", False

    def load(self, name: str, onnx: bytes) -> None:
        pass

    def ask(self, do: str, **arguments: Any) -> Any:
        if self.broken and do == "round":
            self.broken = False
            raise Unreachable("the link broke")
        state = {"boot_id": self.boot}
        return state if do == "state" else {"before": state, "samples": [[1.0, []]], "after": state}

    def round(self, order: Any, seconds: float, each: bool = False) -> Any:
        raise AssertionError


# Garbled answers


def answering(script: str) -> Connection:
    """Starts an agent that is only a script, which may use `frame(message)` and the first request's `nonce`."""
    start = (
        "import io, sys; from predictors.agent import *\nout = sys.stdout.buffer\n"
        "nonce = read_frame(sys.stdin.buffer)['nonce']\n"
        "def frame(message):\n  s = io.BytesIO(); write_frame(s, message); return s.getvalue()\n"
    )
    pipe = subprocess.PIPE
    return Connection(subprocess.Popen([sys.executable, "-c", start + script], bufsize=0, stdin=pipe, stdout=pipe), 1)


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


@needs_sshd
def test_a_board_that_greets_is_understood_and_its_exit_code_is_not(quick: Lab) -> None:
    script = f"echo 'LUTRA 12 welcomes you'; echo noise >&2; {quick.to.python} \"$@\"; exit 255"
    with ssh(replace(quick.to, python=quick.python("greeting", script)), 1) as board:
        assert board.passport


# Hostile names


HOSTILE = [
    "-oProxyCommand=touch canary",
    "$(touch canary)",
    "`touch canary`",
    "a;touch canary",
    "a\ntouch canary",
    "",
    "-",
    "a b",
    "a\0b",
    "é",
]
hostile = st.sampled_from(HOSTILE) | st.text(max_size=20) | st.text("-oProxy=Cmd$(){};`|&<>\n '\"\\/a", max_size=12)


@given(hostile, hostile, hostile)
@settings(max_examples=150)
def test_no_name_becomes_an_option_or_text_of_a_shell(host: str, user: str, python: str) -> None:
    try:
        to = Destination(host, user=user, python=python)
    except LutraError:
        return
    *_, end, destination, remote = to.command()
    assert (end, destination) == ("--", host)
    assert not host.startswith("-")
    assert not user.startswith("-")
    assert shlex.split(remote) == ["exec", python, "-c", START]
    assert remote.split(" -c ")[0] == f"exec {python}"


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("key", ["host", "user", "python"])
def test_hostile_names_are_refused_with_their_key(key: str, name: str) -> None:
    if (key, name) == ("user", ""):
        assert Destination("board", user="").where == "board"
        return
    with pytest.raises(LutraError, match=f"device.{key}=") as caught:
        Destination(**{"host": "board", key: name})
    assert "\n" not in str(caught.value)


@needs_sshd
def test_a_hostile_folder_is_a_folder(quick: Lab) -> None:
    name = f"{quick.folder}/home/$(touch canary) ;touch canary; 'x' -oProxyCommand=x"
    with ssh(replace(quick.to, folder=name), 1) as board:
        assert board.passport
    assert (Path(name) / "agent.py").exists()
    assert not [*quick.folder.rglob("canary"), *Path().glob("canary"), *Path.home().glob("canary")]


@pytest.mark.parametrize("change", [{"port": -1}, {"port": 65536}, {"patience": 0.1}, {"ssh_config": "/no/such"}])
def test_impossible_numbers_and_files_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(LutraError, match=f"device.{next(iter(change))}"):
        Destination("board", **change)
