"""model_card.md: describes a deployed file and its measurements, and shows a program that uses it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from compress.runtimes import runtime_of_file
from experiments.data.dataset import Dataset
from paper.compression_rows import Stage
from predictors.agent import runtimes
from search_spaces import __version__
from search_spaces.documents import sha256

PREPARED = """image = ImageOps.exif_transpose(Image.open("image.png")).convert("RGBA")
opaque = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("{mode}")
image = ImageOps.fit(opaque, ({size}, {size}), Image.Resampling.BILINEAR)
pixels = {pixels}"""
PIXELS = "np.asarray(image, np.uint8).reshape({size}, {size}, -1)"  # of a file that normalises
NORMALISED = "((np.asarray(image).reshape({size}, {size}, -1) / 255 - {mean}) / {std}).astype(np.float32)"
MODES = {1: ("L", "grey"), 3: ("RGB", "red, green, blue")}  # channels -> Pillow's mode, in words


def card(name: str, file: bytes, row: Stage, facts: Mapping[str, Any], data: Dataset, lineage: str) -> str:
    """Returns Markdown. `facts`: the run's, as in setup.csv; `lineage`: the sha256 of the file's lineage."""
    size, mode = runtime_of_file(file).pixels(file), MODES[data.shape.in_channels][1]
    mean, std = (", ".join(f"{value:.6g}" for value in values) for values in (data.mean, data.std))
    runtime = runtimes.runtime_of_file(file)
    values = f"each channel divided by 255, minus the mean {mean}, divided by the standard deviation {std}"
    answers = "logits"
    if runtime_of_file(file).takes_pixels(file):
        values, answers = f"pixels as uint8, of which the file itself has {values}", "probabilities"
    images = facts.get("data_title") or facts.get("data_file") or facts["data"]
    lines = {
        "file": f"`{name}`, {len(file):,} bytes, SHA-256 `{sha256(file)}`; the measured part is its first "
        f"{row.file_bytes:,} bytes, SHA-256 `{row.sha256}`, and the rest is metadata with the content of this table",
        "classes": ", ".join(_cell(one) for one in data.classes),
        "input": f"one image of {size}x{size} pixels, {mode}: its central square, resized bilinearly, white where "
        f"it is transparent; {values}",
        "output": f"{len(data.classes)} {answers}, float32, in the order of the classes",
        "runtime": f"{runtime} {facts.get(runtime) or 'unknown'}, {facts['threads']} thread(s)",
        "device": _cell(facts.get("device")),
        "latency": f"{1e3 * row.latency_median_s:.4g} ms at the median, {1e3 * row.latency_p90_s:.4g} ms at the 90th "
        f"percentile, measured on this device; the session was {facts['session_verdict']}",
        "accuracy": f"{100 * row.test_accuracy:.2f} % of {facts['test_images']:,} test images{_balanced(row)}, "
        f"{_validated(row, facts)}",
        "network": f"{facts['space']}, {row.macs:,} multiply-accumulates, {row.parameters:,} parameters",
        "images": f"{_cell(images)}, {facts['train_images']:,} for training",
        "made by": f"Lutra, commit {facts['git_commit'] or 'unknown'}, torch {facts['torch']}",
        "lineage": f"`lineage.json`, SHA-256 `{lineage}`",
    }
    table = "\n".join(f"| {key} | {value} |" for key, value in lines.items())
    return f"# {name}\n\n| | |\n|---|---|\n{table}\n\n## How to use it\n\n```python\n{snippet(name, file, data)}\n```\n"


def _validated(row: Stage, facts: Mapping[str, Any]) -> str:
    if row.validation_accuracy is None:
        return f"trained on the {facts['validation_images']:,} validation images too"
    return f"{100 * row.validation_accuracy:.2f} % of {facts['validation_images']:,} validation images"


def description(file: bytes, row: Stage, facts: Mapping[str, Any], data: Dataset, lineage: str) -> dict[str, str]:
    """The metadata of a deployed file, by name. Seconds and fractions; lists as JSON."""
    channels, size = data.shape.in_channels, runtime_of_file(file).pixels(file)
    inside = runtime_of_file(file).takes_pixels(file)
    runtime = next(name for name in runtimes.RUNTIMES if name in facts)
    return {
        "classes": json.dumps(list(data.classes), ensure_ascii=False),
        "input": json.dumps({"channels": channels, "height": size, "width": size}),
        "colours": MODES[channels][1],
        "crop": f"rotated by EXIF, white if transparent, the central square resized bilinearly to {size}x{size} pixels",
        "mean": json.dumps(list(data.mean)),
        "std": json.dumps(list(data.std)),
        "type": "uint8" if inside else "float32",
        "normalisation": f"(pixels / 255 - mean) / std, per channel{', inside the file' if inside else ''}",
        "output": f"{'probabilities' if inside else 'logits'}, in the order of classes",
        "runtime": f"{runtime} {facts.get(runtime) or 'unknown'}",
        "threads": str(facts["threads"]),
        "device": str(facts.get("device") or "unknown"),
        "latency_median_s": repr(row.latency_median_s),
        "latency_p90_s": repr(row.latency_p90_s),
        "test_accuracy": repr(row.test_accuracy),
        **({} if row.balanced_accuracy is None else {"balanced_accuracy": repr(row.balanced_accuracy)}),
        "test_images": str(facts["test_images"]),
        "validation_accuracy": "trained on" if row.validation_accuracy is None else repr(row.validation_accuracy),
        "lineage_sha256": lineage,
        "made_by": f"Lutra {__version__}, commit {facts['git_commit'] or 'unknown'}",
    }


def snippet(name: str, file: bytes, data: Dataset) -> str:
    """A program of at most eight lines that classifies image.png with Pillow, NumPy and the file's runtime."""
    runtime = runtime_of_file(file)
    values = {"size": runtime.pixels(file), "mode": MODES[data.shape.in_channels][0]}
    pixels = PIXELS if runtime.takes_pixels(file) else NORMALISED
    pixels = pixels.format(mean=list(data.mean), std=list(data.std), **values)
    prepared = PREPARED.format(pixels=pixels, **values)
    return str(runtime.SNIPPET).format(prepared=prepared, file=name, classes=list(data.classes))


def _balanced(row: Stage) -> str:
    if row.balanced_accuracy is None:
        return ""
    return f" (balanced accuracy, the mean of the classes: {100 * row.balanced_accuracy:.2f} %)"


def _cell(value: object) -> str:
    """Formats a value as one cell of a table."""
    return " ".join(str(value).replace("|", "\\|").split())
