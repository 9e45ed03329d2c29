"""Tests TensorBoard files: its own reader finds what is written; all runs have one layout and the same columns."""

from __future__ import annotations

import dataclasses
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.hparams import metadata

from experiments.config import Config, StrategyConfig
from experiments.data.dataset import Dataset, Split
from experiments.display import events
from experiments.display.image_charts import confusion, samples, show
from experiments.display.page.predictions import Predictions
from paper.figures import style, waterfall
from paper.rows import Stage
from search_spaces.networks.network import Network
from search_spaces.spaces.tiny import tiny
from tests.commands import DOT

STAGES = [
    Stage("reference", "fp32", 0.9, 0.9, 3e-4, 3e-4, None, 9e4, 1e6, 1e4, "0"),
    Stage("random", "fp32", 0.9, 0.8, 2e-4, 2e-4, None, 8e4, 1e6, 1e4, "0"),
    Stage("inherited", "fp32", 0.9, 0.7, 2e-4, 2e-4, None, 7e4, 1e6, 1e4, "0"),
    Stage("retrained", "fp32", 0.9, 0.9, 2e-4, 2e-4, None, 7e4, 1e6, 1e4, "0"),
    Stage("pruned", "fp32", 0.9, 0.8, 1e-4, 1e-4, None, 6e4, 1e6, 1e4, "0"),
    Stage("int8", "int8", 0.9, 0.8, 1.2e-4, 1e-4, None, 2e4, 1e6, 1e4, "0"),
    Stage("reference", "int8", 0.9, 0.9, 1e-4, 1e-4, None, 3e4, 1e6, 1e4, "0"),
    Stage("retrained", "int8", 0.9, 0.9, 1e-4, 1e-4, None, 2e4, 1e6, 1e4, "0"),
]


def read(folder: Path) -> EventAccumulator:
    found = EventAccumulator(str(folder))
    found.Reload()
    return found


def words(found: EventAccumulator, tag: str) -> str:
    return found.Tensors(f"{tag}/text_summary")[0].tensor_proto.string_val[0].decode()


def test_every_run_has_the_same_layout(tmp_path: Path) -> None:
    with events.writer(tmp_path):
        pass
    (event,) = read(tmp_path).Tensors("custom_scalars__config__")
    layout = layout_pb2.Layout.FromString(event.tensor_proto.string_val[0])
    assert {c.title: [chart.title for chart in c.chart] for c in layout.category} == {
        title: list(charts) for title, charts in events.LAYOUT.items()
    }


def test_a_second_writer_keeps_what_came_before(tmp_path: Path) -> None:
    with events.writer(tmp_path) as board:
        for step in range(5):
            board.add_scalar("train/loss", 1.0, step)
    with events.writer(tmp_path, 3) as board:
        board.add_scalar("train/loss", 2.0, 3)
    assert [(event.step, event.value) for event in read(tmp_path).Scalars("train/loss")] == [
        (0, 1.0), (1, 1.0), (2, 1.0), (3, 2.0),
    ]  # fmt: skip
    with events.writer(tmp_path):
        pass
    assert not read(tmp_path).Tags()["scalars"]


def test_all_steps_declare_the_same_columns_of_hyperparameters(tmp_path: Path) -> None:
    experiments, sessions = [], []
    for name, metrics in (("search", {"best/score": 1.0}), ("report", {"final/latency_ms": 2.0})):
        config = dataclasses.replace(Config(), strategy=StrategyConfig(name), seed=len(name))
        with events.writer(tmp_path / name) as board:
            events.show_hparams(board, config, metrics)
        found = read(tmp_path / name)
        content = found.summary_metadata
        experiments.append(metadata.parse_experiment_plugin_data(content[metadata.EXPERIMENT_TAG].plugin_data.content))
        start = metadata.parse_session_start_info_plugin_data(
            content[metadata.SESSION_START_INFO_TAG].plugin_data.content
        )
        sessions.append((start.hparams["strategy"].string_value, start.hparams["seed"].number_value))
        assert {tag: found.Scalars(tag)[-1].value for tag in metrics} == metrics
    assert sessions == [("search", 6), ("report", 6)]
    assert len({tuple(info.name for info in one.hparam_infos) for one in experiments}) == 1
    assert {tuple(info.name.tag for info in one.metric_infos) for one in experiments} == {events.METRICS}


def test_the_configuration_names_what_was_changed_first(tmp_path: Path) -> None:
    config = dataclasses.replace(Config(), seed=7)
    with events.writer(tmp_path) as board:
        events.show_config(board, config)
    lines = words(read(tmp_path), "config").splitlines()
    assert lines[:3] == ["| key | value |", "| --- | --- |", "| seed | **7** |"]
    assert "| data.name | digits |" in lines
    assert len(lines) == len(set(lines))


def test_the_graph_has_every_layer(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    space = tiny(1, 16, 10)
    network = Network(space.decode(space.largest))
    with events.writer(tmp_path) as board:
        events.show_graph(board, network)
    names = {node.name for node in read(tmp_path).Graph().node}
    for number in range(len(network.specs)):
        assert any(f"[{number}]/ConvBN[0]/Conv2d[conv]" in name for name in names)
    told = [one for one in recwarn.list if not issubclass(one.category, ResourceWarning)]  # files of earlier tests
    assert [str(one.message) for one in told] == []


def test_the_way_to_the_deployed_file_is_that_of_the_first_rows(tmp_path: Path) -> None:
    way = waterfall.chain(STAGES)
    assert [(one.stage, one.precision) for one in way] == [
        ("reference", "fp32"), ("retrained", "fp32"), ("pruned", "fp32"), ("int8", "int8"),
    ]  # fmt: skip
    with events.writer(tmp_path) as board:
        events.show_stages(board, way)
        events.show_figure(board, tmp_path, "waterfall", waterfall.plot(way))
    found = read(tmp_path)
    curve = [(event.step, event.value) for event in found.Scalars("stage/file_kb")]
    assert [step for step, _ in curve] == [*range(8)]
    assert [value for _, value in curve] == pytest.approx([90, 90, 70, 70, 60, 60, 20, 20])
    assert "| 3 | int8 (int8) | 0.8 | 0.12 | 20 |" in words(found, "stages")
    assert found.Tags()["images"] == ["waterfall"]
    assert {path.suffix for path in tmp_path.glob("waterfall.*")} == {".pdf", ".png"}


@pytest.mark.parametrize("stages", range(2, 11))
def test_no_stage_is_outside_tensorboards_scale(stages: int, tmp_path: Path) -> None:
    """TensorBoard shows the range between the 5th and the 95th percentile of a curve's values."""
    rows = [dataclasses.replace(STAGES[0], file_bytes=1000 * (1 + number**2)) for number in range(stages)]
    with events.writer(tmp_path) as board:
        events.show_stages(board, rows)
    values = sorted(event.value for event in read(tmp_path).Scalars("stage/file_kb"))
    low, high = np.ceil(0.05 * (len(values) - 1)), np.floor(0.95 * (len(values) - 1))
    assert (values[int(low)], values[int(high)]) == (values[0], values[-1])


def dataset(classes: int, channels: int) -> Dataset:
    """Three images of every class; the last class's are the brightest."""
    labels = torch.arange(classes).repeat(3)
    pixels = (labels * (255 // classes)).to(torch.uint8).view(-1, 1, 1, 1).expand(-1, channels, 8, 8).contiguous()
    split, names = Split(pixels, labels), tuple(f"class {number} of a long name" for number in range(classes))
    return Dataset("d", names, split, split, split, (0.5,) * channels, (0.5,) * channels, True)


@pytest.mark.parametrize(("classes", "channels"), [(2, 1), (10, 3), (60, 3)])
def test_sample_images_are_of_as_many_classes_as_there_is_room_for(
    classes: int, channels: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if classes > 2:
        monkeypatch.setattr(style, "rendered", lambda drawn, kind: DOT)  # rendering takes longest
    drawn = samples(dataset(classes, channels))
    shown = [axes for axes in drawn.axes if axes.images]
    names = [axes.get_title() for axes in shown]
    assert len(shown) == min(3 * classes, 24)
    assert len({*names}) == len({f"class {number} of a lon…"[:16] for number in range(min(classes, 24))})
    data = dataset(classes, channels)
    show(tmp_path, data, "int8.int8", data.test.labels.numpy())
    assert read(tmp_path).Tags()["images"] == ["sample images", "confusion matrix/int8.int8"]


@pytest.mark.parametrize("classes", [2, 10, 60])
def test_the_confusion_matrix_has_the_shares_of_each_class(classes: int) -> None:
    data = dataset(classes, 1)
    labels = data.test.labels.numpy()
    predicted = np.where(np.arange(len(labels)) < classes, (labels + 1) % classes, labels)  # a third of each is wrong
    (image,) = confusion(Predictions(data.classes, labels, predicted)).axes[0].images
    shares = np.asarray(image.get_array())
    assert shares.shape == (min(classes, 30),) * 2
    assert shares.diagonal() == pytest.approx(np.full(len(shares), 2 / 3))
    assert shares[0, 1] == pytest.approx(1 / 3)


def test_each_chart_has_one_curve_per_run() -> None:
    """TensorBoard gives all curves of one run in one chart the same colour."""
    tags = [tags for charts in events.LAYOUT.values() for _, tags in charts.values()]
    assert all(len(one) == 1 and re.fullmatch(r"[\w/]+", one[0]) for one in tags)


def test_the_bars_of_a_waterfall_add_up() -> None:
    way = waterfall.chain(STAGES)
    values = ([90, 90, 80, 80], [300, 200, 100, 120], [90, 70, 60, 20])
    for axes, own, grounded in zip(waterfall.plot(way).axes, values, (False, True, True)):
        spans = [sorted((bar.get_bbox().x0, bar.get_bbox().x1)) for bar in axes.patches]
        ends = [[0, own[0]], [0, own[-1]]] if grounded else []
        assert np.array(spans) == pytest.approx(np.array([sorted(pair) for pair in pairwise(own)] + ends))
