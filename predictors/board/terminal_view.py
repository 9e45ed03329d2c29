"""Draws a running classifier in a terminal of 80 columns: the image in half-blocks, and numbers beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from predictors.board.classifier import Moment

SIDE = 40  # the largest width of the image, in columns
PANEL = 38  # the width of the panel beside it, in columns
SHOWN = 5  # how many of the most likely classes to show
BAR = 12  # the width of a bar for probability 1, in columns
GREEN, RED, DIM, BOLD, PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[2m", "\x1b[1m", "\x1b[0m"


def view(moment: Moment, heading: Sequence[str], classes: Sequence[str]) -> str:
    """The lines for one moment, always the same number for one image size. Colours are ANSI sequences."""
    picture = half_blocks(moment.frame.picture() if moment.frame.picture else moment.frame.pixels)
    width = picture[0].count("▀")
    panel = _panel(moment, heading, classes)
    rows = max(len(picture), len(panel))
    picture += [" " * width] * (rows - len(picture))
    panel += [""] * (rows - len(panel))
    return "\n".join(f"{left}  {right}" for left, right in zip(picture, panel))


def _panel(moment: Moment, heading: Sequence[str], classes: Sequence[str]) -> list[str]:
    likeliest = np.argsort(-moment.probabilities, kind="stable")[:SHOWN]
    bars = [
        f"{'█' * round(BAR * moment.probabilities[k]):<{BAR}} {100 * moment.probabilities[k]:5.1f} % "
        f"{clipped(classes[k], PANEL - BAR - 10)}"
        for k in likeliest
    ]
    return [
        *(f"{DIM}{clipped(words, PANEL)}{PLAIN}" for words in heading),
        "",
        f"{BOLD}{clipped(classes[moment.predicted], PANEL)}{PLAIN}",
        verdict(moment, classes),
        "",
        *bars,
        "",
        f"latency  {1e3 * moment.seconds:8.3f} ms",
        f"median   {1e3 * moment.median:8.3f} ms",
        f"frames/s {moment.fps:8.1f}",
        f"accuracy {accuracy(moment)}",
        f"{DIM}image {moment.number}{PLAIN}",
    ]


def verdict(moment: Moment, classes: Sequence[str]) -> str:
    """Whether the prediction is right, in colour; empty if the label is unknown."""
    label = moment.frame.label
    if label is None:
        return ""
    if label == moment.predicted:
        return f"{GREEN}right{PLAIN}"
    return f"{RED}wrong: it is {clipped(classes[label], PANEL - 13)}{PLAIN}"


def accuracy(moment: Moment) -> str:
    if not moment.labelled:
        return "unknown: no image has a label"
    return f"{100 * moment.right / moment.labelled:.1f} % of {moment.labelled}"


def line(moment: Moment) -> str:
    """All statistics so far, for a log and for the final line."""
    images = f"{moment.number} image{'' if moment.number == 1 else 's'}"
    return (
        f"{images}, accuracy {accuracy(moment)}; latency median {1e3 * moment.median:.3f} ms, "
        f"p90 {1e3 * moment.p90:.3f} ms; {moment.overall_fps:.1f} frames/s from image to answer"
    )


def clipped(text: str, width: int) -> str:
    """`text` cut to `width` characters, without control characters."""
    safe = "".join(character if character.isprintable() else "?" for character in text)
    return safe if len(safe) <= width else f"{safe[: width - 1]}…"


def half_blocks(image: np.ndarray) -> list[str]:
    """uint8 [S, S, C], C = 1 or 3 -> lines of at most SIDE characters, each showing two pixels."""
    pixels = resized(np.broadcast_to(image, (*image.shape[:2], 3)))
    return [
        "".join(
            f"\x1b[38;2;{a[0]};{a[1]};{a[2]}m\x1b[48;2;{b[0]};{b[1]};{b[2]}m▀"
            for a, b in zip(above.tolist(), below.tolist())
        )
        + PLAIN
        for above, below in zip(pixels[::2], pixels[1::2])
    ]


def resized(image: np.ndarray) -> np.ndarray:
    """[S, S, C] -> an even side of at most SIDE: enlarges by whole factors, shrinks by averaging."""
    side = len(image)
    if side <= SIDE:
        factor = SIDE // side
        image = image.repeat(factor, 0).repeat(factor, 1)
    else:
        factor = side // SIDE
        even = factor * (side // factor)
        blocks = image[:even, :even].reshape(side // factor, factor, side // factor, factor, -1)
        image = blocks.mean((1, 3)).astype(np.uint8)
        nearest = np.arange(SIDE) * len(image) // SIDE
        image = image[nearest][:, nearest]
    even = len(image) // 2 * 2
    return image[:even, :even]
