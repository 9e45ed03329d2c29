"""Reaches a board through the system's OpenSSH, which respects the user's configuration, keys and jump hosts.

The only setting that enters a remote command is the board's Python, and only if it is a plain path.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import resource
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO

from predictors.agent.packages import virtual_environment
from predictors.agent.runtimes import RUNTIMES
from predictors.board.agent_source import agent_source
from predictors.board.answer_validation import plain
from predictors.board.destination import Destination
from predictors.board.device import FAREWELL, Connection, Unreachable
from search_spaces.errors import LutraError

STDERR = 2**16  # bytes read from the end of ssh's standard error
STDERR_FILE = 2**24  # bytes allowed on it: the board writes there too
# A pattern in ssh's standard error: the message for the user. The first match counts.
MESSAGES = (
    (
        r"IDENTIFICATION HAS CHANGED",
        "{where} has another host key than before ({key}): if it was reinstalled, type: {forget}; "
        "then: {ssh}, compare the fingerprint, and accept it; if not, another machine answers at that address",
    ),
    (
        r"Host key verification failed",
        "{where} has a host key that is not known here: type: {ssh}, compare the fingerprint with the board's "
        "(ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there), and accept it",
    ),
    (r"Permission denied", "{where} asks for a password: type: {copy}"),
    (r"Bad owner|Bad configuration option|Can't open user config", "ssh cannot read its configuration: {last}"),
)
# The command that some versions of ssh print, in a form that a hostile server cannot have altered
FORGET = re.compile(r"""^ *(ssh-keygen -f (["']?)[\w@%+:,./~-]+\2 -R (["']?)[\w.:\[\]-]+\3)\r?$""", re.MULTILINE)


@contextmanager
def ssh(to: Destination, threads: int, say: Callable[[str], None] = print) -> Iterator[Connection]:
    """A connection to the board's agent, installed there if needed, for the duration of the `with` block.

    Raises Unreachable if the board cannot be reached, LutraError if the user must act first.
    """
    with tempfile.TemporaryFile() as errors:
        pipe = subprocess.PIPE
        try:
            process = subprocess.Popen(
                to.command(), bufsize=0, stdin=pipe, stdout=pipe, stderr=errors, preexec_fn=_bounded
            )
        except FileNotFoundError:
            raise LutraError("there is no ssh on this machine: install OpenSSH's client") from None
        ended = partial(explain, to, process=process, errors=errors)
        connection = Connection(process, threads, to.patience, ended, to.where, to.library)
        try:
            _set_up(connection, to, say)
            connection.pin(to.cores)
            yield connection
        finally:
            connection.close()


def _bounded() -> None:
    """Runs in ssh's process: limits what the board can write to this machine's disk through standard error."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (STDERR_FILE, STDERR_FILE))


def _set_up(connection: Connection, to: Destination, say: Callable[[str], None]) -> None:
    source, version = agent_source(), to.runtime or RUNTIMES[to.library].version()
    connection.send(b"%d %s\n%s" % (len(source), hashlib.sha256(source).hexdigest().encode(), source))
    answer = connection.ask(
        "setup",
        folder=to.folder,
        runtime=to.library,
        version=version,
        chosen=bool(to.runtime),
        source=source.decode(),
        patience=to.patience,
    )
    for note in answer.get("notes", ()):
        say(f"{to.where}: {note}")
    if "impossible" in answer:
        raise LutraError(f"{to.where}: {answer['impossible']}")
    if "failed" in answer:
        folder = to.folder if re.fullmatch(r"~?[\w./-]*", to.folder) else shlex.quote(to.folder)
        package = RUNTIMES[to.library].PACKAGE
        venv = f"{folder}/{virtual_environment(package, version)}"
        package += "" if version == "any" else f"=={version}"
        raise LutraError(
            f"{to.where} could not install numpy and {package} ({answer['failed']}); fix that, then type "
            f"there: {to.python} -m venv {venv} && {venv}/bin/pip install numpy {package} "
            "(on Debian, before that: sudo apt install python3-venv)"
        )


def explain(to: Destination, do: str, process: subprocess.Popen[bytes], errors: IO[bytes]) -> LutraError:
    """The error to raise when ssh exits: what its exit code and last lines mean, and what to type."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(FAREWELL)
    process.kill()
    code = process.wait()
    errors.seek(max(0, errors.seek(0, os.SEEK_END) - STDERR))
    text = errors.read().decode(errors="replace")
    lines = [plain(line) for line in text.splitlines() if plain(line)] or [f"ssh ended with exit code {code}"]
    for pattern, message in MESSAGES if code == 255 else ():
        if re.search(pattern, text):
            return LutraError(message.format(where=to.where, last=lines[-1], **_to_type(to, text)))
    if code in (126, 127):
        return LutraError(f"{to.where} has no {to.python!r}: install Python 3.9 or newer there, or set device.python")
    if code == 255:
        hint = "; device.host=NAME_OR_ADDRESS gives another" if "Could not resolve hostname" in text else ""
        return Unreachable(f"{to.where} cannot be reached, or the connection broke, during {do!r}: {lines[-1]}{hint}")
    return Unreachable(f"the agent on {to.where} exited with code {code} during {do!r}: {lines[-1]}")


def _to_type(to: Destination, text: str) -> dict[str, str]:
    """The commands that fix what ssh complains about in `text`, and the key's fingerprint."""
    known = f"[{to.host}]:{to.port}" if to.port not in (0, 22) else to.host
    forget = FORGET.search(text)  # some versions of ssh print the command
    key = re.search(r"SHA256:[A-Za-z0-9+/=]+", text)
    return {
        "forget": forget[1].strip() if forget else f"ssh-keygen -R {shlex.quote(known)}",
        "ssh": shlex.join(["ssh", *to.address(), to.host]),
        "copy": shlex.join(["ssh-copy-id", *to.address(), to.host]),
        "key": key[0] if key else "of unknown fingerprint",
    }
