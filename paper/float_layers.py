"""Words on the layers of a quantized file that stay in float: which they are, and how the file is predicted."""

from __future__ import annotations

from paper.latex import escape
from paper.setup_file import Setup


def quantized(setup: Setup) -> str:
    """The quantized layers, as words for a list."""
    layers = setup.values.get("float_layers", "").split()
    if not layers:
        return "all layers"
    if layers == ["0"]:
        return "all layers but the first, which stays in float"
    return f"all layers but numbers {', '.join(map(escape, layers))}, counted from 0, which stay in float"


def of_each_file(setup: Setup) -> str:
    """A sentence on files with other layers in float; empty if the deployed file has none."""
    if not setup.values.get("float_layers"):
        return ""
    return "Which layers stay in float is decided for each file, so files of one architecture may differ in latency. "


def in_table(setup: Setup) -> str:
    """Words on the layers whose latency in the table is not that of the deployed file; empty if there are none."""
    if not setup.values.get("float_layers", "").split() or setup.values.get("precision") != "int8":
        return ""
    return ", all in INT8, although some are deployed in float"


def conversions(setup: Setup) -> str:
    """A sentence on how files with layers in float are predicted; empty if there are none."""
    layers = setup.values.get("float_layers", "").split()
    if not layers:
        return ""
    untimed = setup.values.get("untimed_float_layers", " ".join(layers)).split()  # files that do not say timed none
    if len(untimed) == len(layers):
        return (
            "In the quantized files some layers stay in float; the conversions between the two precisions are not in "
            "the table, so predictions leave them out."
        )
    others = (
        f" The layers in float for better accuracy (numbers {escape(', '.join(untimed))}) are predicted without the "
        "conversions between the two precisions."
    )
    return (
        "In the quantized files some layers stay in float because that is faster; the prediction of such a "
        "file is that of the file entirely in INT8, times the ratio of latencies that was measured when the layers "
        f"were chosen.{others if untimed else ''}"
    )
