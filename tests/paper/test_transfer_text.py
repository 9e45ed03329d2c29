"""Tests what the paper says about transfer between targets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from paper import provenance, transfer_losses, transfer_targets
from paper import transfer as text
from paper.csv_records import ResultError
from paper.figures import transfer as figure
from paper.rows import read
from paper.transfer_rows import Transferred
from tests.paper.made_up_transfer import FAST, LITE, LITE_SMALL, SHARED, SMALL, matrix, write
from tests.paper.test_labels import covered


def test_the_text_follows_from_the_rows(tmp_path: Path) -> None:
    noisy = [replace(row, session="noisy") if row.target == LITE else row for row in matrix(SHARED)]
    text.write(write(tmp_path, noisy), tmp_path)
    text.check(tmp_path)
    told = text.macros(tmp_path)
    for sentence in (
        "The 4 targets are all on one machine and use 1 thread; only the runtime and the precision differ. ",
        "They choose 2 different networks: onnxruntime fp32 and LiteRT fp32 choose one, onnxruntime INT8 and LiteRT "
        "INT8 the other. So the precision alone decides. ",
        r"Over these 4 pairs of target and network, the other target's network takes 50.0\,\% longer on "
        r"average. The most is 50.0\,\% "
        r"(95\,\% interval 49.5 to 50.5), for that of onnxruntime INT8 and LiteRT INT8 on onnxruntime fp32. ",
        "All 4 losses are significant. ",
        "The network with the fewest MACs is also the choice of 2 of the 4 targets; on the other 2, it takes 50.0",
        r"The network with the fewest parameters is no target's choice; it takes 50.0\,\% longer than the target's own "
        "on average.",
        "The sessions of LiteRT fp32 were not clean.",
    ):
        assert sentence in told["TransferSentence"]
    lines = (tmp_path / "transfer.tex").read_text().splitlines()
    assert [line.count(" & own & ") for line in lines if line.startswith("LiteRT")] == [1, 0]
    assert len(lines) == 10
    (tmp_path / "transfer_setup.csv").write_text("key,value\nspace,mobile\nresolution,32\ncpu,A\n")  # another run's
    assert {*text.macros(tmp_path).values()} == {""}
    text.write(tmp_path, tmp_path)
    assert not (tmp_path / "transfer.tex").exists()


def test_a_network_that_several_targets_share_counts_once_on_each_other_target() -> None:
    rows = matrix(SHARED)
    others = transfer_losses.foreign(rows)
    assert {(row.target, row.arch) for row in others} == {(FAST, "b"), (SMALL, "a"), (LITE, "b"), (LITE_SMALL, "a")}
    assert len(others) == 4
    assert "differs from the target's own (4 pairs of target and network), it takes 50.0" in text.claim(rows)
    assert text.claim(rows).startswith(
        "The 4 targets, all on one machine, choose 2 different networks; the precision alone decides "
    )


@pytest.mark.parametrize(
    ("archs", "told"),
    [("abab", "the precision"), ("aabb", "the runtime"), ("abcd", ""), ("aaab", ""), ("aaaa", "")],
)
def test_what_alone_decides_is_told_only_if_it_does(archs: str, told: str) -> None:
    assert transfer_targets.deciding(transfer_losses.groups(matrix(dict(zip(SHARED, archs))))) == told
    assert transfer_targets.deciding([[FAST], [SMALL]]) == ""  # nothing else differs
    assert transfer_targets.deciding([[FAST], [LITE_SMALL]]) == ""  # either may be the cause


def test_targets_with_one_network_have_nothing_to_lose(tmp_path: Path) -> None:
    rows = matrix(dict.fromkeys(SHARED, "a"))
    said = text.sentence(rows)
    assert "They choose the same network. The network with the fewest MACs is every target's choice." in said
    assert "pairs" not in said
    assert (
        text.claim(rows) == "The 4 targets, all on one machine, choose the same network. No other machine was measured."
    )
    text.write(write(tmp_path, rows), tmp_path)
    assert "LiteRT INT8 & 1.00\\,ms ($\\pm$0.0\\,\\%) & own & own & 50.0" in (tmp_path / "transfer.tex").read_text()


@pytest.mark.parametrize(
    ("archs", "told"),
    [
        ("abcd", "4 different networks"),
        ("aaab", "2 different networks: A, B and C choose one, D the other"),
        ("aabc", "3 different networks: A and B share one; each other target has one of its own"),
        ("aabbc", "3 different networks: A and B share one, C and D another; each other target has one of its own"),
        ("aabbcc", "3 different networks: A and B share one, C and D another, E and F another"),
    ],
)
def test_targets_that_share_a_network_are_named(archs: str, told: str) -> None:
    assert text.chosen(matrix(dict(zip("ABCDEF", archs)))) == told


@pytest.mark.parametrize(
    ("targets", "told", "names"),
    [
        ([FAST, SMALL], "all on one machine and use 1 thread; only the precision differs.", "onnxruntime INT8"),
        (
            [FAST, "litert fp32 2 threads"],
            "all on one machine; only the runtime and the number of threads differ.",
            "LiteRT fp32 2 threads",
        ),
        ([FAST, f"pi {FAST}"], "on 2 machines and use 1 thread.", "pi onnxruntime fp32"),
        ([FAST, f"pi {SMALL}"], "on 2 machines and use 1 thread; the precision differs too.", "pi onnxruntime INT8"),
        (["one", "two"], "all on one machine.", "two"),
    ],
)
def test_what_differs_between_targets_is_told(targets: list[str], told: str, names: str) -> None:
    rows = matrix(dict(zip(targets, "ab")))
    assert transfer_targets.sentence(rows) == f"The 2 targets are {told}"
    assert [*text.names(rows).values()][1] == names


def test_two_devices_are_two_machines(tmp_path: Path) -> None:
    rows = [replace(row, device="Pi") if row.target == SMALL else row for row in matrix({FAST: "a", SMALL: "b"})]
    assert transfer_targets.sentence(rows).startswith("The 2 targets are on 2 machines")
    assert "machine" not in text.claim(rows)
    provenance.write(write(tmp_path, rows), tmp_path)
    assert r"A \& B and Pi; otherwise as for stages" in (tmp_path / "files.tex").read_text()


def test_the_table_of_files_names_both_runtimes(tmp_path: Path) -> None:
    provenance.write(write(tmp_path, matrix(SHARED)), tmp_path)
    table = (tmp_path / "files.tex").read_text()
    assert "transfer & onnxruntime 1.0, LiteRT 1.0; otherwise as for stages & " in table


def test_a_loss_that_is_not_that_of_its_latency_is_refused(tmp_path: Path) -> None:
    text.check(tmp_path)  # there is none
    rows = matrix(SHARED)
    text.check(write(tmp_path, rows))
    with pytest.raises(ResultError, match=r"loses 0\.5, not 0\.6"):
        text.check(write(tmp_path, [replace(row, loss=0.6) if row.loss else row for row in rows]))


def test_a_matrix_with_a_hole_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="23 rows, which are not the 24 of 4 targets"):
        text.check(write(tmp_path, matrix(SHARED)[:-1]))


def test_the_figure_has_a_number_or_own_for_each_cell_and_the_caption_explains_brackets(tmp_path: Path) -> None:
    rows = read(write(tmp_path, matrix({FAST: "a", SMALL: "b"})), Transferred)
    assert "brackets" not in text.caption(rows)
    unsure = [rows[0], replace(rows[1], loss_low=-0.1), *rows[2:]]
    assert text.caption(unsure).endswith("ORT is onnxruntime. In brackets: its interval includes zero.")
    (axes,) = figure.plot(unsure).axes
    texts = [one.get_text() for one in axes.texts]
    assert texts == ["own", "(50)", "50", "50", "own", "50"]  # that of fewest MACs is FAST's own
    assert axes.texts[1].get_position() == (0, 1)


@pytest.mark.parametrize(
    "targets",
    [
        [FAST, SMALL],
        [*SHARED],
        [FAST, SMALL, f"raspberrypi.local {FAST}", f"raspberrypi.local {SMALL}"],
        [one.replace("1 thread", threads) for threads in ("1 thread", "2 threads") for one in SHARED],
        [f"{where}{one}" for where in ("", "raspberrypi.local ", "orin ") for one in SHARED],
    ],
)
def test_labels_of_the_figure_can_be_read(targets: list[str]) -> None:
    drawn = figure.plot(matrix(dict(zip(targets, "abcdefghijkl"))))
    assert covered(drawn) == []
    (axes,) = drawn.axes
    labels = [*axes.get_xticklabels(), *axes.get_yticklabels()]
    assert min(label.get_fontsize() for label in labels) >= 7
    assert min(number.get_fontsize() for number in axes.texts) >= (7 if len(targets) <= 8 else 5)
    assert axes.get_window_extent().height > 0.14 * drawn.dpi * len(axes.get_yticklabels())  # of each line


def test_what_the_interval_does_not_show_is_not_counted_as_a_loss() -> None:
    other = matrix(SHARED)[1]
    doubtful, faster = replace(other, loss_low=-0.1), replace(other, loss_low=-0.2, loss_high=-0.1)
    assert transfer_losses.significance([doubtful, doubtful]) == "None of the 2 losses is significant."
    assert transfer_losses.significance([other, doubtful, faster]) == (
        "1 of the 3 losses is significant; in 1 case the other network is significantly faster."
    )
    assert transfer_losses.significance([other, other, doubtful]) == "2 of the 3 losses are significant."
    assert transfer_losses.mean([replace(other, loss=-0.02)]) == r"2.0\,\% less time"
