"""Tests what the user is told when a board behind ssh cannot be used."""

from __future__ import annotations

import shlex
import socket
import subprocess
import sys
import tempfile
from dataclasses import replace

import pytest

from predictors.board import ssh as ssh_module
from predictors.board.destination import Destination
from predictors.board.device import Unreachable
from predictors.board.ssh import ssh
from search_spaces.errors import LutraError
from tests.predictors.board.sshd_lab import Lab, key, needs_sshd


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
