"""Tests that hostile names of boards are refused, and never become options or text of a shell."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictors.board.destination import START, Destination
from search_spaces.errors import LutraError

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


@pytest.mark.parametrize("change", [{"port": -1}, {"port": 65536}, {"patience": 0.1}, {"ssh_config": "/no/such"}])
def test_impossible_numbers_and_files_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(LutraError, match=f"device.{next(iter(change))}"):
        Destination("board", **change)
