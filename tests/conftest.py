"""Fixtures for all tests: commands in a fresh clone, and the smallest pipeline, run once for all workers."""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before torch and NumPy load: each of pytest's workers has one core
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # otherwise each process that a test starts compiles our modules

import gc
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.commands import DOT, ONE_REGISTRY, Command, Done, Finished, Here, clone, commands, one_at_a_time, pipeline

sys.dont_write_bytecode = False
os.fsync = lambda descriptor: None  # no test cuts the power, so none need wait for the disk
gc.disable()  # until everything is imported and collected
settings.register_profile("tests", deadline=None, derandomize=True, database=None, max_examples=50)
settings.load_profile("tests")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts files whose tests need the finished pipeline last: while one worker runs it, the other does not wait."""
    waiting = {item.path for item in items if "finished" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: item.path in waiting)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Takes what was imported and collected, which stays to the end, out of every later garbage collection."""
    if "experiments.config" in sys.modules:  # not in the process that only distributes the tests
        from tests.composing import prepare

        prepare()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # there is memory enough, and hypothesis adds Python code to each collection
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def own_lock(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Gives the tests a lock of their own, so that they never wait for another measurement on this machine."""
    os.environ["LUTRA_LOCK"] = str(tmp_path_factory.getbasetemp() / "machine.lock")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Resets the number of threads after a command that ran in this process."""
    yield
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a folder that all pytest-xdist workers share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def house(shared: Path) -> Path:
    """Makes a fresh clone."""
    house = shared / "clone" / "lutra"
    with one_at_a_time(shared / "clone.lock"):
        if not house.exists():
            clone(house.parent / "unfinished")
            (house.parent / "unfinished").rename(house)
    return house


@pytest.fixture(scope="session")
def finished(house: Path, shared: Path, command: Command) -> Finished:
    """Runs the smallest pipeline; no test may change its files."""
    record = shared / "finished.json"
    with one_at_a_time(shared / "finished.lock"):
        if not record.exists():
            made = pipeline(house, command)
            record.write_text(json.dumps([made.arguments, made.out]))
    arguments, out = json.loads(record.read_text())
    return Finished(house, house / "experiments" / "runs", tuple(arguments), out)


@pytest.fixture(scope="session")
def drawn(shared: Path) -> Path:
    """Writes LaTeX's inputs from made-up results, with whole fonts; no test may change the folder."""
    from tests.paper.made_up_results import draw

    with one_at_a_time(shared / "drawn.lock"):
        if not (shared / "drawn").exists():
            draw(shared / "being drawn").rename(shared / "drawn")
    return shared / "drawn"


@pytest.fixture(scope="session")
def typeset(drawn: Path, shared: Path) -> Path:
    """Typesets both documents from the beginning; no test may change the folder."""
    from paper import build

    if shutil.which("latexmk") is None:
        pytest.skip("latexmk is not installed")
    with one_at_a_time(shared / "typeset.lock"):
        if not (shared / "typeset").exists():
            folder = Path(shutil.copytree(drawn, shared / "being typeset"))
            for document in build.DOCUMENTS:
                build.typeset(folder, document)
            folder.rename(shared / "typeset")
    return shared / "typeset"


@pytest.fixture(scope="session")
def one_registry() -> None:
    """Makes all exports of this process share torch's registry of ONNX operators."""
    exec(ONE_REGISTRY, {})


@pytest.fixture
def begun(typeset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copies a typeset paper into a build folder: the next one starts from its references, and has its figures."""
    from paper import build
    from tests.paper.made_up_results import whole_fonts

    whole_fonts(monkeypatch)
    monkeypatch.setattr(build, "EARLIER", ("fdb_latexmk", "fls", "log", "pdf"))
    monkeypatch.setattr(build, "FIGURES", {})
    return Path(shutil.copytree(typeset, tmp_path / "build"))


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """Runs a command's function in this process: faster than `command`, and with the test's monkeypatches."""
    from experiments.config import command as command_line
    from paper.figures import style

    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    monkeypatch.setattr(style, "rendered", lambda drawn, kind: DOT)  # drawing takes longer than most commands

    def run(function: Callable[..., object], *arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["command", *arguments])
        capsys.readouterr()
        try:
            command_line.run(function)
        except SystemExit as stop:
            return Done(int(stop.code or 0), *capsys.readouterr())
        return Done(0, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def command(house: Path, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """Runs a command in the clone, in a process group of its own."""
    with commands(house, shared, tmp_path_factory.mktemp("output")) as run:
        yield run
