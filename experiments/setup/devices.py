"""The devices by name, and a board whose finished rounds survive its connection and its command."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import cache, partial
from pathlib import Path
from typing import Any

from experiments.config import OFFLINE, DeviceConfig
from experiments.display.progress import say
from experiments.setup.handover import HandedOver
from experiments.store import artefacts, journal
from predictors.board.destination import Destination
from predictors.board.device import Board, Connection
from predictors.board.device_pool import DevicePool
from predictors.board.local_device import local
from predictors.board.offline_job import OfflineBoard, Results, contents, read_results
from predictors.board.resumable import PAUSES, ResumableBoard, resumable
from predictors.board.simulated import simulated
from predictors.board.ssh import ssh
from predictors.tables.table_file import read_table
from predictors.timing.rounds import Protocol
from predictors.timing.values import Row
from search_spaces.errors import LutraError

FIRST_TRIES = 3  # attempts to reconnect before the first request fails
ROUNDS = "rounds.jsonl"  # the board's answer to every finished round


def destinations(device: DeviceConfig) -> list[Destination]:
    """The boards that ssh connects to. Raises LutraError for a hostile or impossible address."""
    hosts = device.hosts or [device.host]
    if len({*hosts}) < len(hosts):
        raise LutraError(f"device.hosts={hosts} names a board twice; name every board once")
    common = {
        key: getattr(device, key)
        for key in ("user", "port", "python", "folder", "ssh_config", "patience", "cores", "runtime", "library")
    }
    return [Destination(host, **common) for host in hosts]


@contextmanager
def this_machine(device: DeviceConfig, again: bool, alone: bool) -> Iterator[Board]:
    """This machine."""
    with local(device.threads, cores=device.cores, runtime=device.library) as board:
        if alone:
            board.lock(say)
        yield board


@contextmanager
def over_ssh(device: DeviceConfig, again: bool, alone: bool) -> Iterator[Board]:
    """One board, or several as one."""
    with ExitStack() as stack:
        boards = {to.host: stack.enter_context(ssh(to, device.threads, say)) for to in destinations(device)}
        if alone:
            _wait_for_all(boards)
        yield DevicePool(boards) if len(boards) > 1 else next(iter(boards.values()))


def _wait_for_all(boards: Mapping[str, Connection]) -> None:
    """Locks all boards, waiting until no other measurement runs on them; in a fixed order, to avoid deadlocks."""
    boots: dict[str, str] = {}
    for host, board in boards.items():
        boot = str(board.ask("state").get("boot_id") or host)
        if boots.setdefault(boot, host) != host:
            raise LutraError(f"{boots[boot]} and {host} are one machine: name every board once in device.hosts")
    for _, host in sorted(boots.items()):
        boards[host].lock(say)


def offline(device: DeviceConfig, again: bool, alone: bool) -> AbstractContextManager[Board]:
    """The offline board of a bundle; unknown before it has results."""
    path = Path(device.results)
    return nullcontext(
        OfflineBoard(path, read_results(path) if device.results else Results({"threads": device.threads}, ()))
    )


def replayed(device: DeviceConfig, again: bool, alone: bool) -> AbstractContextManager[Board]:
    """A simulated board that replays a table."""
    if not device.table:
        raise LutraError(
            "device=simulated replays a table: add device.table=PATH; python -m experiments.tables lists them"
        )
    return simulated(read_table(Path(device.table)), device.scenario, device.seed, device.threads, again)


# (device, whether to reconnect, whether to wait until no other measurement runs there) -> its board
DEVICES: dict[str, Callable[[DeviceConfig, bool, bool], AbstractContextManager[Board]]] = {
    "local": this_machine,
    "ssh": over_ssh,
    "bundle": offline,
    "simulated": replayed,
}


def board_of(device: DeviceConfig, folder: Path) -> AbstractContextManager[ResumableBoard]:
    """The device, with its finished rounds in `folder`, where an interrupted command continues."""
    path = folder / ROUNDS
    carried = device.name == "bundle" and device.results
    finished = read_results(Path(device.results)).rounds if carried else journal.read(path)
    return resumable(
        lambda again: DEVICES[device.name](device, again, True), finished, partial(journal.append, path), say
    )


def hand_over(
    device: DeviceConfig, files: Mapping[str, bytes], protocol: Protocol, folder: Path, rows: Mapping[str, Row]
) -> None:
    """If the device is a bundle without results, writes it, says what to do with it, and raises HandedOver."""
    if device.name != "bundle" or device.results:
        return
    for name, data in contents(files, protocol, device.threads, device.cores, rows, device.library):
        artefacts.write(folder / "bundle" / name, data)
    say(
        f"Copy {folder / 'bundle'} to the board, run python3 run.py in it there, copy its results.json back, and run "
        "the same command here with device.results=results.json"
    )
    raise HandedOver(folder / "bundle")


def live(device: DeviceConfig) -> None:
    """Raises LutraError for a device that can be measured once, but cannot time the files of a search."""
    if device.name in OFFLINE:
        raise LutraError(
            f"device={device.name} only works with python -m experiments.measure: stages need a connected board. "
            "With its table: python -m experiments.search table=PATH ignore=[...]"
        )


def results_of(device: DeviceConfig) -> dict[str, str]:
    """The file from which a bundle's table is made, with its sha256."""
    return {"results": artefacts.sha256(Path(device.results))} if device.name == "bundle" and device.results else {}


@cache
def passport_of(device: DeviceConfig) -> Mapping[str, Any]:
    """The device's fingerprint; requested once per process, even while another measurement runs there."""
    first = PAUSES[:FIRST_TRIES]
    with resumable(
        lambda again: DEVICES[device.name](device, again, False), [], lambda record: None, say, first
    ) as board:
        return board.passport
