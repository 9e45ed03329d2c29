"""The search's candidates with their Pareto front, and predicted against measured latency."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from xml.etree.ElementTree import Element

from experiments.display.page.axes import HEIGHT, WIDTH, Axes, ends
from experiments.display.page.elements import drawing, element, figure, table, tooltip
from paper.candidate_rows import Candidate, winner_of
from paper.figures.pareto import LATENCY, front
from paper.figures.prediction import BAND
from paper.rows import Stage, Whole

DRAWN = 1_500  # the largest number of candidates drawn besides the front
LOOKS = {"fp32": "blue", "int8": "red"}


def pareto(candidates: Sequence[Candidate], target_ms: float | None, describe: Callable[[str], str]) -> list[Element]:
    """Every point has a tooltip; a keyboard reaches the front and the winner."""
    edge = front(candidates)
    best, finalists = winner_of(candidates), sum(one.trained_accuracy is not None for one in candidates)
    winner = best if best.feasible else None
    marked = [*edge, *([winner] if winner is not None and winner not in edge else [])]
    others = [one for one in candidates if one not in marked]
    drawn = others[:: max(1, -(-len(others) // DRAWN))]
    lowest = 100 * edge[0].accuracy
    shown = [one for one in drawn if 100 * one.accuracy >= lowest - max(1.0, 100 * edge[-1].accuracy - lowest)]
    points = [*shown, *marked]
    times = [_ms(one) for one in points] + ([target_ms] if target_ms is not None else [])
    axes = Axes(ends(times), ends([100 * one.accuracy for one in points]))
    made = axes.frame("latency (ms)", "validation accuracy (%)")
    if target_ms is not None:
        made.append(tooltip(axes.line([(target_ms, axes.y_ends[0]), (target_ms, axes.y_ends[1])], "grey"), "target"))
    corners = [point for a, b in pairwise(edge) for point in (_at(a), (_ms(b), _at(a)[1]))]
    made.append(axes.line([*corners, _at(edge[-1])], "front"))
    for one in shown:
        made.append(
            tooltip(axes.point(*_at(one), 3.0, "blue faint" + ("" if one.feasible else " hollow")), _described(one))
        )
    for one in sorted(marked, key=_ms):
        look, radius, what = ("red", 7.0, "winner: ") if one is winner else ("blue", 4.5, "front: ")
        text = f"{what}{_described(one)}, {describe(one.arch)}"
        made.append(tooltip(axes.point(*_at(one), radius, look), text, focusable=True))
    hidden = len(candidates) - len(points)
    why = f", the best of {finalists} finalists after a short training from scratch" if finalists else ""
    caption = (
        f"{len(candidates):,} evaluated architectures, with the supernet's weights. Red: the winner{why}; line: the "
        "Pareto front; grey line: the target; hollow: above the target. Latencies are predicted"
        f"{', or measured near the target' if any(one.timed for one in candidates) else ''}."
    ) + (f" {hidden:,} that are not on the front are not drawn." if hidden else "")
    rows = [[one.arch, *_numbers(one), "winner" if one is winner else ""] for one in sorted(marked, key=_ms)]
    listed = table("The front, and the winner", ["architecture", "accuracy (%)", "latency (ms)", ""], rows)
    label = "Validation accuracy against latency of every candidate"
    more = element("details", element("summary", "The front as a table"), listed)
    return [figure(caption, drawing(WIDTH, HEIGHT, label, *made)), more]


def _ms(one: Candidate) -> float:
    return 1e3 * one.costs[LATENCY]


def _at(one: Candidate) -> tuple[float, float]:
    return _ms(one), 100 * one.accuracy


def _numbers(one: Candidate) -> tuple[str, str]:
    return f"{100 * one.accuracy:.2f}", f"{_ms(one):.4g}"


def _described(one: Candidate) -> str:
    accuracy, latency = _numbers(one)
    how = "measured" if one.timed else "predicted"
    return f"architecture {one.arch}, accuracy {accuracy} %, {how} latency {latency} ms"


def prediction(networks: Sequence[Whole], stages: Sequence[Stage]) -> list[Element]:
    """Whole networks that the correction has not seen, and the files of this run."""
    files = [one for one in stages if one.predicted_s is not None]
    points = [(1e3 * one.measured_s, 1e3 * one.predicted_s) for one in networks]
    points += [(1e3 * one.latency_median_s, 1e3 * (one.predicted_s or 0)) for one in files]
    both = ends([value for point in points for value in point])
    axes, (low, high) = Axes(both, both), both
    made = axes.frame("measured latency (ms)", "predicted latency (ms)")
    corners = ((low, low * (1 - BAND)), (high, high * (1 - BAND)), (high, high * (1 + BAND)), (low, low * (1 + BAND)))
    clip = element("clipPath", element("rect", x=axes.x(low), y=axes.y(high), width=axes.x(high) - axes.x(low),
                                       height=axes.y(low) - axes.y(high)), id="inside")  # fmt: skip
    band = axes.line(corners, "band")
    band.set("clip-path", "url(#inside)")
    made += [element("defs", clip), band, axes.line([(low, low), (high, high)], "front")]
    for at, one in zip(points, networks):
        text = f"network, {one.precision}, {_error(*at)}"
        made.append(tooltip(axes.point(*at, 3.5, f"{LOOKS.get(one.precision, 'grey')} hollow"), text))
    for at, file in zip(points[len(networks) :], files):
        text = f"{file.stage}, {file.precision}, {_error(*at)}"
        made.append(tooltip(axes.point(*at, 5.0, LOOKS.get(file.precision, "grey")), text, focusable=True))
    caption = (
        f"Filled: the files of this run; hollow: {len(networks):,} networks of the table, each predicted from the "
        f"others. Blue: fp32, red: INT8; grey band: within {100 * BAND:.0f} %."
    )
    return [figure(caption, drawing(WIDTH, HEIGHT, "Predicted against measured latency", *made))]


def _error(measured: float, predicted: float) -> str:
    return f"measured {measured:.4g} ms, predicted {predicted:.4g} ms, off by {100 * (predicted / measured - 1):+.1f} %"
