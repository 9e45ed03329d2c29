"""Comparative sentences whose wording depends on the data, so that the text cannot claim more than the files show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from paper.compression_rows import Stage
from paper.csv_records import number
from paper.latex import against, escape, listed, ms, percent, significant
from paper.rows import Whole
from paper.setup_file import Setup
from paper.significance import SAME_TIME, chance, overlap
from paper.verdicts import verdict

DESKTOPS = ("x86_64", "AMD64", "i686", "arm64")  # machine names of computers other than single-board ones


def faster(new: Stage, old: Stage) -> str:
    """ "takes 31 % less time", "takes as long"; and whether the intervals of both latencies can show it."""
    change = new.latency_median_s / old.latency_median_s - 1
    if abs(change) < SAME_TIME:
        return rf"takes as long (within {100 * SAME_TIME:.0f}\,\%)"
    doubt = " (not significant)" if overlap(new, old) else ""
    return rf"takes {abs(100 * change):.0f}\,\% {'less' if change < 0 else 'more'} time{doubt}"


def more_accurate(new: Stage, old: Stage, images: float) -> str:
    """ "is 0.4 points more accurate", and whether `images` test images can show it."""
    points = 100 * (new.test_accuracy - old.test_accuracy)
    if abs(points) < 0.05:
        return "is as accurate on the test images"
    bound = chance(new, old, images)
    doubt = "" if abs(points) > bound else "not "
    return (
        f"is {against(abs(points), bound)} points {'more' if points > 0 else 'less'} accurate on the test images "
        rf"({doubt}significant, $\pm${against(bound, abs(points))})"
    )


def versus(new: Stage, old: Stage, images: float) -> str:
    """A clause that compares accuracy, time and size, without its subject."""
    clause = f"{faster(new, old)} and {more_accurate(new, old, images)}"
    no_faster = new.latency_median_s >= (1 - SAME_TIME) * old.latency_median_s
    no_better = no_faster and new.test_accuracy <= old.test_accuracy
    return f"is not better: it {clause}" if no_better else clause


def quantized_winner(winner: Stage | None, others: Mapping[str, Stage | None], images: float) -> str:
    """A sentence that compares the unpruned winner with others in INT8, given by name, if all were quantized."""
    clauses = [
        f"compared with {name}, it {versus(winner, one, images)}" for name, one in others.items() if winner and one
    ]
    if winner is None or not clauses:
        return ""
    return f"In {escape(winner.precision_name)}, before pruning: {'; '.join(clauses)}."


def quantized_reference(last: Stage, reference: Stage | None, images: float) -> str:
    """A sentence that compares the deployed file with the reference in the same precision; empty if there is none."""
    if reference is None:
        return ""
    size = smaller(reference.file_bytes / last.file_bytes)
    clause = versus(last, reference, images)
    return (
        f"Compared with the reference in {escape(last.precision_name)}, the compressed winner is {size}; it {clause}."
    )


def shrinks(new: Stage, old: Stage, images: float) -> str:
    """A clause on the effect of quantization: "makes the file 3.4 times smaller, takes 31 % less time and ..."."""
    points = 100 * (new.test_accuracy - old.test_accuracy)
    change = "changes the test accuracy by less than 0.1 points"
    if abs(points) >= 0.05:
        change = f"{'raises' if points > 0 else 'lowers'} the test accuracy by {abs(points):.1f} points"
        change += "" if abs(points) > chance(new, old, images) else " (not significant)"
    return f"makes the file {smaller(old.file_bytes / new.file_bytes)}, {faster(new, old)} and {change}"


def smaller(ratio: float) -> str:
    """ "3.40 times smaller", "no smaller", "2.00 times as large"; `ratio`: the old size, relative to the new one."""
    if ratio >= 1.1:
        return f"{significant(ratio)} times smaller"
    if ratio <= 1 / 1.1:
        return f"{significant(1 / ratio)} times as large"
    if abs(ratio - 1) < 0.005:
        return "no smaller"
    return rf"{100 * abs(1 / ratio - 1):.0f}\,\% {'smaller' if ratio >= 1 else 'larger'}"


def target(winner: Stage, setup: Setup) -> str:
    """A sentence on whether the measured winner meets the target."""
    bound = setup.optional("target_ms")
    if bound is None:
        return "The search had no target."
    over = 1e3 * winner.latency_median_s / bound - 1
    verdict = "meets the target" if over <= 0 else rf"misses the target by {percent(over)}"
    slowed = setup.values.get(f"machine_speed_{winner.precision}")
    usual = winner.latency_median_s * (number(slowed, str(setup.path), "speed") if slowed else 1)
    if slowed and max(over, 1e3 * usual / bound - 1) > 0:
        meets = "meets" if 1e3 * usual <= bound else "misses"
        verdict += f"; at the speed of the table's session it would take {ms(usual)}, which {meets} it"
    return (
        f"The target was {ms(bound / 1e3)} in {_name(winner.precision)}; the winner, measured in "
        f"{_name(winner.precision)} at {ms(winner.latency_median_s)}, {verdict}."
    )


def correction(networks: Sequence[Whole]) -> str:
    """A clause on the effect of the correction from blocks to networks, without its subject."""
    naive, corrected = error(networks, "naive_s").mean(), error(networks, "predicted_s").mean()
    numbers = f"from {percent(naive)} to {percent(corrected)}"
    if corrected < naive:
        return f"lowers the mean error {numbers}"
    return f"does not help: the mean error changes {numbers}"


def predictions(rows: Sequence[Stage]) -> str:
    """Words on the largest error of the predicted latencies in each precision."""
    found: dict[str, float] = {}
    for row in rows:
        if row.predicted_s:
            off = abs(row.predicted_s / row.latency_median_s - 1)
            found[row.precision] = max(off, found.get(row.precision, 0.0))
    return listed([f"{percent(worst)} in {_name(precision)}" for precision, worst in found.items()]) or "unknown"


def error(networks: Sequence[Whole], column: str) -> np.ndarray:
    """|predicted / measured - 1| of each network [n]."""
    return np.array([abs(getattr(network, column) / network.measured_s - 1) for network in networks])


def board(setup: Setup) -> str:
    """Sentences on the device on which the latencies were measured."""
    names = [escape(name) for key in ("device", "cpu") if (name := setup.values.get(key))]
    machine = setup.values.get("machine", "")
    kind = "computer" if machine in DESKTOPS else "board" if machine else "machine"
    named = ", ".join(dict.fromkeys(names)) or "whose name is unknown"
    threads = setup.values.get("threads", "")
    used = f", with {escape(threads)} {'thread' if threads == '1' else 'threads'}" if threads else ""
    return (
        f"All latencies of this run were measured on one {kind}, {named}{used}. {verdict(setup)} The same commands "
        "measure other devices, where other networks may be best."
    )


def brief(deployed: Stage) -> str:
    """A sentence on the limits of very short latencies; empty for longer ones."""
    if deployed.latency_median_s >= 1e-3:
        return ""
    return (
        "The networks take less than a millisecond, including the fixed cost of a call: with larger images or on a "
        "slower board, the gains of blocks, widths and INT8 may differ."
    )


def deployed(setup: Setup) -> str:
    """A sentence on a network that is deployed in fp32, because INT8 does not pay; empty otherwise."""
    if setup.values.get("deployed") != "fp32":
        return ""
    return (
        "As INT8 is not significantly faster than fp32 on this device, the fp32 file of the same network is deployed."
    )


def targets(setup: Setup) -> str:
    """What finetuning learns from; files that do not say come from runs with a teacher."""
    taught = "distillation" not in setup.values or setup.number("distillation") > 0
    return f"labels and on the softened answers of the {teacher(setup)}" if taught else "labels"


def teacher(setup: Setup) -> str:
    """The network that finetuning may learn from; files that do not say come from runs with the usual one."""
    return "supernet's largest network" if setup.values.get("teacher") == "largest" else "unpruned winner"


def machine(setup: Setup) -> str:
    """A sentence on whether the machine was as fast in the benchmark as for the table."""
    keys = {f"machine_speed_{precision}": f" in {_name(precision)}" for precision in ("fp32", "int8")}
    found = {words: setup.values.get(key, "") for key, words in keys.items()}
    if not any(found.values()):  # of a report that had one speed for both precisions
        found = {"": setup.values.get("machine_speed", "")}
    speeds = [f"{percent(number(value, str(setup.path), 'speed'))}{words}" for words, value in found.items() if value]
    if not speeds:
        return "The speed of the machine in that session, relative to the table's session, is unknown."
    return f"The machine then ran at {' and '.join(speeds)} of the speed it had when the table was measured."


def _name(precision: str) -> str:
    return {"int8": "INT8"}.get(precision, precision)
