"""A real sshd on this machine, behind which a board's agent runs."""

from __future__ import annotations

import contextlib
import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from predictors.board.destination import Destination
from search_spaces.networks.onnx_writer import random_weights, write
from search_spaces.spaces.tiny import tiny

SSHD = Path("/usr/sbin/sshd")
needs_sshd = pytest.mark.skipif(not SSHD.exists(), reason="there is no /usr/sbin/sshd (Debian: openssh-server)")
SPACE = tiny(1, 16, 10)
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


@pytest.fixture(scope="session")
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
