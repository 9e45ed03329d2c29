"""Runs the demo command with a tiny network on digits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PIL import Image

from compress.files.parity import file_logits
from compress.quantization.quantize import quantize
from experiments.config.registry import DATASETS
from experiments.studies.demonstration import demo
from search_spaces.networks.onnx_writer import random_weights, write
from search_spaces.spaces.tiny import tiny
from tests.commands import Here
from tests.experiments.outcomes import one_line

SPACE = tiny(1, 16, 10)
SPECS = SPACE.decode(SPACE.smallest)
DATA = DATASETS["digits"]("", 16, 0.2, 0)
MODEL = quantize(write(SPECS, random_weights(SPECS)), DATA.normalize(DATA.train.images[:64]).numpy())
Demo = Callable[..., str]


def demo_of(here: Here, folder: Path) -> Demo:
    """Returns a function that runs the command with the tiny model: its output, or its one line if it refuses."""
    model = folder / "int8.onnx"
    model.write_bytes(MODEL)

    def run(*arguments: str, fails: bool = False) -> str:
        done = here(demo, f"runs={folder / 'runs'}", f"demo.model={model}", *arguments)
        assert done.code == (2 if fails else 0), done.err
        return one_line(done.err) if fails else done.out

    return run


def write_images(root: Path, count: int = 3) -> Path:
    """Writes that many test images of classes 0 and 1 into folders of these names, at twice their size."""
    for label in (0, 1):
        (root / str(label)).mkdir(parents=True)
        chosen = DATA.test.images[DATA.test.labels == label][:count, 0].numpy()
        for index, image in enumerate(chosen):
            Image.fromarray(image).resize((32, 32)).save(root / str(label) / f"{index}.png")
    return root


def right() -> int:
    """Returns how many test images the file classifies correctly."""
    logits = file_logits(MODEL, DATA.normalize(DATA.test.images).numpy())
    return int((logits.argmax(1) == DATA.test.labels.numpy()).sum())
