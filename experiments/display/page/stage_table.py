"""The first lines of the page: the verdicts, the deployed file in numbers, and the table of all stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

from experiments.display.page.elements import Child, element, section, table
from experiments.display.page.predictions import Predictions
from paper.rows import Stage
from paper.setup_file import Setup


def verdicts(setup: Setup) -> list[Element]:
    """Whether the latencies can be trusted, and why the deployed file is not the quantized one, if so."""
    made = []
    for what, title in (("table", "The latency table"), ("session", "The final measurement")):
        state, reasons = (setup.values.get(f"{what}_verdict{end}", "") for end in ("", "_reasons"))
        text = element("p", element("strong", f"{title} is {state or 'unknown'}. "), reasons)
        text.set("class", f"verdict {state if state == 'clean' else ''}".strip())
        made.append(text)
    if why := setup.values.get("deployed_reason"):
        made.append(element("p", f"{why}.", class_="verdict"))
    return made


def tiles(name: str, final: Stage, rows: Sequence[Stage], predictions: Predictions) -> Element:
    """The deployed file in numbers, compared with the reference if there is one."""
    numbers = {
        "deployed file": name,
        "test accuracy": f"{100 * final.test_accuracy:.2f} %",
        **({"balanced accuracy": f"{100 * predictions.balanced:.2f} %"} if predictions.uneven else {}),
        "median latency": f"{1e3 * final.latency_median_s:.4g} ms",
        "file": f"{final.file_bytes / 1e3:.1f} kB",
    }
    for row in rows:
        if row.stage == "reference":
            ratio = row.latency_median_s / final.latency_median_s
            faster = f"{ratio:.2f}x as fast" if ratio >= 1 else f"{1 / ratio:.2f}x the time"
            gained = 100 * (final.test_accuracy - row.test_accuracy)
            numbers[f"compared with the {row.precision} reference"] = f"{faster}, {gained:+.2f} points"
    pairs = [element("div", element("dt", key), element("dd", value)) for key, value in numbers.items()]
    return element("dl", *pairs, class_="tiles")


def stages(rows: Sequence[Stage], final: Stage, all_predictions: Mapping[str, Predictions]) -> Element:
    """Every file that was measured."""
    balanced = all_predictions[final.sha256].uneven
    columns: list[Child] = ["stage", "precision", "validation (%)", "test (%)", *(["balanced (%)"] if balanced else [])]
    columns += ["median (ms)", "p90 (ms)", "predicted (ms)", "kB", "MMACs", "parameters", "steps"]
    lines = []
    for row in rows:
        name = f"{_name(row)}, deployed" if row is final else _name(row)
        accuracies = [row.validation_accuracy, row.test_accuracy]
        accuracies += [all_predictions[row.sha256].balanced] if balanced else []
        times = [row.latency_median_s, row.latency_p90_s, row.predicted_s]
        sizes = [f"{row.file_bytes / 1e3:.1f}", f"{row.macs / 1e6:.2f}", f"{row.parameters:,.0f}"]
        sizes.append("" if row.steps is None else f"{row.steps:,.0f}")
        numbers = ["" if one is None else f"{100 * one:.2f}" for one in accuracies]
        numbers += ["" if one is None else f"{1e3 * one:.4f}" for one in times]
        lines.append([name, row.precision, *numbers, *sizes])
    caption = "No stage has seen the test images; latencies measured in one session on the device."
    return section("stages", "Stages", table(caption, columns, lines, texts=2))


def _name(row: Stage) -> str:
    return row.stage.upper() if row.stage == row.precision else row.stage
