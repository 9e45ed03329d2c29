"""The devices by name, and a board that outlives its connection and its command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import cache, partial
from pathlib import Path
from typing import Any

from experiments import journal
from experiments.config import DeviceConfig
from experiments.progress import console
from predictors.device import Board, local
from predictors.lasting import Lasting, lasting
from predictors.ssh import Destination, ssh

Connect = Callable[[bool], AbstractContextManager[Board]]  # told whether it was connected before
ROUNDS = "rounds.jsonl"  # every finished round, as the board answered


def destination(device: DeviceConfig) -> Destination:
    """Where ssh connects to. Raises LutraError for a hostile or impossible address."""
    return Destination(
        device.host, device.user, device.port, device.python, device.folder, device.ssh_config, device.patience
    )


def over_ssh(device: DeviceConfig, again: bool) -> AbstractContextManager[Board]:
    """Connected again, it waits until the agent that was cut off has noticed, and left its lock."""
    return ssh(destination(device), device.threads, wait=2 * device.patience if again else 0)


DEVICES: dict[str, Callable[[DeviceConfig, bool], AbstractContextManager[Board]]] = {
    "local": lambda device, again: local(device.threads),
    "ssh": over_ssh,
}


def connect(device: DeviceConfig) -> AbstractContextManager[Board]:
    """A connection to the device's agent, for one question."""
    return DEVICES[device.name](device, False)


def board_of(device: DeviceConfig, folder: Path) -> AbstractContextManager[Lasting]:
    """The device with its finished rounds in `folder`: there, a command that was cut goes on where it was."""
    path = folder / ROUNDS
    return lasting(
        partial(DEVICES[device.name], device), journal.read(path), partial(journal.append, path), console.print
    )


@cache
def passport_of(device: DeviceConfig) -> Mapping[str, Any]:
    """What machine the device is; asked once a process."""
    with connect(device) as board:
        return board.passport
