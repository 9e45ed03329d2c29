"""The devices by name, and a board that outlives its connection and its command."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import cache, partial
from pathlib import Path
from typing import Any

from experiments import artefacts, journal
from experiments.config import DeviceConfig
from experiments.progress import console
from predictors.bundle import Carried, Results, contents, read_results
from predictors.device import Board, local
from predictors.fleet import Fleet
from predictors.lasting import Lasting, lasting
from predictors.rounds import Protocol
from predictors.simulated import simulated
from predictors.ssh import Destination, ssh
from predictors.table_file import read_table
from search_spaces.errors import LutraError

ROUNDS = "rounds.jsonl"  # every finished round, as the board answered


def destinations(device: DeviceConfig) -> list[Destination]:
    """Where ssh connects to. Raises LutraError for a hostile or impossible address."""
    hosts = device.hosts or [device.host]
    if len({*hosts}) < len(hosts):
        raise LutraError(f"device.hosts={hosts} names a board twice; name every board once")
    return [
        Destination(host, device.user, device.port, device.python, device.folder, device.ssh_config, device.patience)
        for host in hosts
    ]


@contextmanager
def over_ssh(device: DeviceConfig, again: bool) -> Iterator[Board]:
    """One board, or several as one. Connected again, it waits for the agent that was cut off to leave its lock."""
    with ExitStack() as stack:
        boards = {
            to.host: stack.enter_context(ssh(to, device.threads, wait=2 * device.patience if again else 0))
            for to in destinations(device)
        }
        yield Fleet(boards) if len(boards) > 1 else next(iter(boards.values()))


def by_hand(device: DeviceConfig, again: bool) -> AbstractContextManager[Board]:
    """The board of a bundle; before it has results, one that nothing is known of."""
    path = Path(device.results)
    return nullcontext(
        Carried(path, read_results(path) if device.results else Results({"threads": device.threads}, ()))
    )


def recorded(device: DeviceConfig, again: bool) -> AbstractContextManager[Board]:
    """A table's board, replayed."""
    if not device.table:
        raise LutraError(
            "device=simulated replays a table: add device.table=PATH; python -m experiments.tables lists them"
        )
    return simulated(read_table(Path(device.table)), device.scenario, device.seed, device.threads, again)


DEVICES: dict[str, Callable[[DeviceConfig, bool], AbstractContextManager[Board]]] = {
    "local": lambda device, again: local(device.threads),
    "ssh": over_ssh,
    "bundle": by_hand,
    "simulated": recorded,
}


def connect(device: DeviceConfig) -> AbstractContextManager[Board]:
    """A connection to the device's agent, for one question."""
    return DEVICES[device.name](device, False)


def board_of(device: DeviceConfig, folder: Path) -> AbstractContextManager[Lasting]:
    """The device with its finished rounds in `folder`: there, a command that was cut goes on where it was."""
    path = folder / ROUNDS
    carried = device.name == "bundle" and device.results
    finished = read_results(Path(device.results)).rounds if carried else journal.read(path)
    return lasting(partial(DEVICES[device.name], device), finished, partial(journal.append, path), console.print)


def hand_over(device: DeviceConfig, files: Mapping[str, bytes], protocol: Protocol, folder: Path) -> None:
    """Where the device is a bundle without results: writes it, says what to do with it, and ends the command."""
    if device.name != "bundle" or device.results:
        return
    for name, data in contents(files, protocol, device.threads):
        artefacts.write(folder / "bundle" / name, data)
    console.print(
        f"Carry {folder / 'bundle'} to the board, type there: python3 run.py, carry its results.json back, and type "
        "here the same command with device.results=results.json",
        soft_wrap=True,
    )
    raise SystemExit(0)


def live(device: DeviceConfig) -> None:
    """Raises LutraError for a device that can be measured once but not be asked about the files of a search."""
    if device.name in ("bundle", "simulated"):
        raise LutraError(
            f"device={device.name} only answers python -m experiments.measure: stages are timed on a board at hand. "
            "With its table: python -m experiments.search table=PATH ignore=[...]"
        )


def results_of(device: DeviceConfig) -> dict[str, str]:
    """The file that a bundle's table is made from, with its sha256."""
    return {"results": artefacts.sha256(Path(device.results))} if device.name == "bundle" and device.results else {}


@cache
def passport_of(device: DeviceConfig) -> Mapping[str, Any]:
    """What machine the device is; asked once a process."""
    with connect(device) as board:
        return board.passport
