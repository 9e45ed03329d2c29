"""Tests what the demo shows of each image, and how it takes them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import onnx
import pytest

from predictors.board.classifier import Classifier, Frame, classify
from predictors.board.offline_demo import Shown, follow
from predictors.board.terminal_view import PANEL, SIDE, view
from search_spaces.errors import LutraError
from tests.experiments.demonstrations import DATA, MODEL


def test_images_are_normalised_as_in_training() -> None:
    classifier = Classifier(MODEL, "it", 1, np.array(DATA.mean), np.array(DATA.std))
    for image in DATA.test.images[:8]:
        ours = classifier.prepare(image.permute(1, 2, 0).numpy())
        assert np.array_equal(ours, DATA.normalize(image[None]).contiguous().numpy())
    assert (classifier.shape, classifier.classes) == ((1, 16, 16), 10)


def given(model: bytes, **changes: int) -> bytes:
    """Returns the file with another batch size, or with another input type that is cast."""
    proto = onnx.load_from_string(model)
    taken = proto.graph.input[0]
    if batch := changes.get("batch"):
        taken.type.tensor_type.shape.dim[0].dim_value = batch
    if kind := changes.get("kind"):
        for node in proto.graph.node:
            node.input[:] = ["cast" if name == taken.name else name for name in node.input]
        proto.graph.node.insert(0, onnx.helper.make_node("Cast", [taken.name], ["cast"], to=onnx.TensorProto.FLOAT))
        taken.type.tensor_type.elem_type = kind
    return proto.SerializeToString()


@pytest.mark.parametrize("kind", [onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE])
def test_images_are_given_as_the_file_takes_them(kind: int) -> None:
    plain, other = (
        Classifier(model, "it", 1, np.array(DATA.mean), np.array(DATA.std))
        for model in (MODEL, given(given(MODEL, kind=kind), batch=1))
    )
    for image in DATA.test.images[:8]:
        prepared = plain.prepare(image.permute(1, 2, 0).numpy())
        assert np.abs(plain.logits(prepared) - other.logits(prepared)).max() < 0.2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"batch": 16}, "it takes 16 images at a time, and the demo classifies one"),
        ({"kind": onnx.TensorProto.INT8}, "it takes images as tensor(int8): demo.model must take one of float32"),
    ],
)
def test_a_file_that_takes_something_else_is_refused(changes: dict[str, int], said: str) -> None:
    with pytest.raises(LutraError) as caught:
        Classifier(given(MODEL, **changes), "it", 1, np.array(DATA.mean), np.array(DATA.std))
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_moments_are_of_all_images_so_far() -> None:
    classifier = Classifier(MODEL, "it", 1, np.array(DATA.mean), np.array(DATA.std))
    images = DATA.test.images[:40].permute(0, 2, 3, 1).numpy()
    labels = DATA.test.labels.tolist()
    moments = list(classify(classifier, (Frame(image, labels[i] if i % 2 else None) for i, image in enumerate(images))))
    seconds = [moment.seconds for moment in moments]
    assert [moment.number for moment in moments] == list(range(1, 41))
    for count, moment in enumerate(moments, 1):
        assert moment.median == pytest.approx(np.quantile(seconds[:count], 0.5))
        assert moment.p90 == pytest.approx(np.quantile(seconds[:count], 0.9))
        assert moment.probabilities.sum() == pytest.approx(1)
        assert moment.labelled == count // 2
        assert 1 / moment.fps >= np.mean(seconds[max(0, count - 30) : count])


@pytest.mark.parametrize("side", [8, 16, 28, 32, 41, 96, 224, 320])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_view_fits_80_columns(side: int, channels: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (side, side, channels), dtype=np.uint8)
    classifier = SimpleNamespace(prepare=lambda pixels: pixels, logits=lambda image: np.arange(3.0))
    (moment,) = classify(classifier, iter([Frame(image, 0)]))  # type: ignore[arg-type]
    classes = ("a" * 99, "\x1b[2J", "c\n")
    lines = view(moment, ("t" * 99, "CPU"), classes).split("\n")
    assert "\x1b[2J" not in "".join(lines)
    assert len({len(plain(line).split("  ")[0]) for line in lines if "▀" in line}) == 1
    assert all(len(plain(line)) <= SIDE + 2 + PANEL <= 80 for line in lines)
    assert sum("▀" in line for line in lines) <= SIDE // 2


def plain(line: str) -> str:
    """Removes the characters that take no column."""
    return "".join(part.partition("m")[2] if index else part for index, part in enumerate(line.split("\x1b[")))


def test_ctrl_c_ends_it_with_what_there_is() -> None:
    def interrupted():
        yield from ["first", "second"]
        raise KeyboardInterrupt

    shown = Shown("it", (), (), (), 1, 10)
    assert follow(interrupted(), shown, 10, None, print) == "second"  # type: ignore[arg-type, comparison-overlap]
    with pytest.raises(LutraError, match="no image was classified"):
        follow(iter(()), shown, 10, None, print)
