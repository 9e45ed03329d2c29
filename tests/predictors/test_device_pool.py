"""Tests boards by their configuration: no machine counts twice, and busy boards are locked in a fixed order."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest

from experiments.config import DeviceConfig
from experiments.setup import devices
from predictors.board.destination import Destination
from search_spaces.errors import LutraError


class Fake:
    """A board that records when it is locked."""

    threads = 1

    def __init__(self, host: str, boot: str, locked: list[str]) -> None:
        self.host, self.boot, self.locked = host, boot, locked
        self.passport = {"model": "pi"}

    def ask(self, do: str, **arguments: Any) -> Any:
        return {"boot_id": self.boot}

    def lock(self, say: Callable[[str], None]) -> None:
        self.locked.append(self.host)


def lab(monkeypatch: pytest.MonkeyPatch, boots: dict[str, str]) -> list[str]:
    locked: list[str] = []

    def ssh(to: Destination, threads: int, say: Callable[[str], None]) -> Any:
        return nullcontext(Fake(to.host, boots[to.host], locked))

    monkeypatch.setattr(devices, "ssh", ssh)
    return locked


@pytest.mark.parametrize("hosts", [["a", "b"], ["b", "a"], ["10.0.0.7", "a"]])
def test_every_command_locks_the_boards_in_the_same_order(monkeypatch: pytest.MonkeyPatch, hosts: list[str]) -> None:
    """Otherwise two commands with two boards in common could wait for each other."""
    boots = {"a": "boot 2", "b": "boot 1", "10.0.0.7": "boot 1"}
    locked = lab(monkeypatch, boots)
    with devices.over_ssh(DeviceConfig(hosts=hosts), False, True):
        assert [boots[host] for host in locked] == ["boot 1", "boot 2"]


def test_two_names_of_one_board_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    lab(monkeypatch, {"pi.local": "boot", "10.0.0.7": "boot"})
    device = DeviceConfig(hosts=["pi.local", "10.0.0.7"])
    with (
        pytest.raises(LutraError, match=r"pi\.local and 10\.0\.0\.7 are one machine"),
        devices.over_ssh(device, False, True),
    ):
        pass


def test_the_passport_is_asked_without_a_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    locked = lab(monkeypatch, {"pi": "boot"})
    devices.passport_of.cache_clear()
    assert devices.passport_of(DeviceConfig(name="ssh", host="pi"))["model"] == "pi"
    assert locked == []
    devices.passport_of.cache_clear()
