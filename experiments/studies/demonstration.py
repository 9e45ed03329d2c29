"""Classifies images with the deployed file, one after another, live in the terminal.

The images are the test images, or those of demo.source=FOLDER_OR_IMAGE or demo.source=camera. demo.record=PATH.gif
records a film. demo.bundle=FOLDER writes the files with which a board does the same, using only numpy and the runtime.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import numpy as np
from rich.live import Live
from rich.text import Text

import predictors.board.offline_demo as board
from experiments.config import Config
from experiments.config.choices import space_of
from experiments.data.dataset import Dataset
from experiments.display.demo_film import Film
from experiments.display.pictures import frames_of, sized
from experiments.display.progress import console
from experiments.setup.images import dataset_of
from experiments.steps.compress import chain
from experiments.steps.finished_reports import deployed_file
from experiments.store import artefacts
from predictors.agent.runtimes import RUNTIMES, SUFFIXES, runtime_of_file
from predictors.board.classifier import Classifier, Frame, Moment, classify
from predictors.board.offline_files import program, sealed, sha256
from predictors.board.terminal_view import line
from search_spaces.errors import LutraError

KEPT = 100  # default number of images for a recording or an offline board


def demo(config: Config) -> Path | None:
    """Shows the classifications and prints a summary; returns the path of the recording or the folder, if any."""
    chosen = config.demo
    film = Film(Path(chosen.record).expanduser(), chosen.pace) if chosen.record and not chosen.bundle else None
    data = dataset_of(config.data)
    # before anything is measured or trained
    frames: Iterable[Frame] = frames_of(chosen.source, data, config.seed, _say)
    path = model_of(config)
    shown = board.Shown(
        f"{config.data.names.title}, {path.name}",
        data.classes,
        data.mean,
        data.std,
        config.device.threads,
        chosen.pace,
    )
    model = path.read_bytes()
    classifier = shown.classifier(model, str(path))
    check_fits(
        path, classifier, data, {data.shape.resolution, *(stem.resolution for stem in space_of(config).layers[0])}
    )
    frames = (sized(frame, classifier.shape[-1]) for frame in frames)
    frames = islice(frames, chosen.frames or (KEPT if film or chosen.bundle else None))
    if chosen.bundle:
        return write_bundle(Path(chosen.bundle).expanduser(), shown, model, frames)
    moments = classify(classifier, frames)
    last = show(_filmed(moments, film, shown) if film else moments, shown)
    console.print(line(last), highlight=False, soft_wrap=True)
    if Path(chosen.source).is_file():
        _say(board.answer(last, shown))
    return film.save() if film else None


def model_of(config: Config) -> Path:
    """The file: the given one, or that of the pipeline's report, or before there is one, its quantized file."""
    if not config.demo.model:
        path = deployed_file(config) or chain(config)[-1].path
        if path.suffix not in SUFFIXES:
            raise LutraError("only a quantized file is shown: end compress.stages with quantize")
        return path
    path = Path(config.demo.model).expanduser()
    if not path.is_file():
        raise LutraError(f"there is no file {str(path)!r}: leave demo.model out to take the pipeline's file")
    return path


def check_fits(path: Path, classifier: Classifier, data: Dataset, sizes: Collection[int]) -> None:
    """Raises LutraError if the file is for other images or classes than the data."""
    shape = (data.shape.in_channels, data.shape.resolution, data.shape.resolution)
    theirs = f"images of {'x'.join(map(str, classifier.shape))} and {classifier.classes} classes"
    trunks = {(shape[0], size, size) for size in sizes}
    if classifier.shape not in trunks or classifier.classes != data.shape.classes:
        raise LutraError(
            f"{path} is for {theirs}, but {data.name} has {'x'.join(map(str, shape))} and {data.shape.classes}: "
            "give the data that it was trained on, data=... and data.size=..., or another demo.model"
        )


def show(moments: Iterator[Moment], shown: board.Shown) -> Moment:
    """Shows each moment if the output is a terminal; returns the last one."""
    if not console.is_terminal:
        return board.follow(moments, shown, shown.pace, None, _say)
    with Live(console=console, auto_refresh=False) as live:
        return board.follow(
            moments, shown, shown.pace, lambda drawn: live.update(Text.from_ansi(drawn), refresh=True), _say
        )


def write_bundle(folder: Path, shown: board.Shown, model: bytes, frames: Iterable[Frame]) -> Path:
    """Writes the folder for an offline board."""
    if folder.exists() and not (folder.is_dir() and ((folder / board.SETTINGS).exists() or not any(folder.iterdir()))):
        raise LutraError(f"{folder} exists and is not a demo bundle: give demo.bundle an empty or new folder")
    for name, data in contents(shown, model, frames):
        artefacts.write(folder / name, data)
    _say(f"copy {folder} to the board, and type there: python3 run.py")
    return folder


def contents(shown: board.Shown, model: bytes, frames: Iterable[Frame]) -> Iterator[tuple[str, bytes]]:
    """The folder's files by relative path. The same input gives the same bytes."""
    taken = list(frames)
    if not taken:
        raise LutraError("there is no image for the board: none can be read")
    packed = io.BytesIO()
    labels = np.array([-1 if frame.label is None else frame.label for frame in taken], np.int64)
    np.savez_compressed(packed, images=np.stack([frame.pixels for frame in taken]), labels=labels)
    runtime = runtime_of_file(model)
    files = {f"{board.MODEL}{RUNTIMES[runtime].SUFFIX}": model, board.IMAGES: packed.getvalue()}
    hashes = {name: sha256(data) for name, data in files.items()}
    yield from files.items()
    yield from program(board.__file__, board.main.__name__, board.DOES, runtime)
    yield board.SETTINGS, sealed({"schema": board.SCHEMA, "shown": asdict(shown), "files": hashes})


def _filmed(moments: Iterator[Moment], film: Film, shown: board.Shown) -> Iterator[Moment]:
    for moment in moments:
        film.add(moment, shown.heading, shown.classes)
        yield moment


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
