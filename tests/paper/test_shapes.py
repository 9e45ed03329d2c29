"""Tests that a paper is about the stages of its run, and that it calls nothing real that may be chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from paper import agreement, build, hand_made, macros, ranking, sentences
from paper.chain import chain
from paper.compression_rows import HandMade, Stage
from paper.csv_records import ResultError
from paper.figures import waterfall
from paper.ranking_rows import RankTau
from paper.rows import read
from paper.significance import STUDENT, mean_interval
from tests.paper.made_up_results import edit, listed

SHAPES: Mapping[str, list[str]] = {  # stages -> the rows that they make between the winner and the quantized file
    "quantize": [],
    "finetune, quantize": ["finetuned"],
    "prune, finetune, qat, quantize": ["pruned", "finetuned", "quantization-aware"],
    "lowrank, finetune, prune, finetune, quantize": ["factorised", "finetuned", "pruned", "finetuned 2"],
}


def shaped(results: Path, stages: str) -> None:
    """Rewrites stages.csv as of a run with these stages, whose last file is that of the ablation if it has one."""
    path = results / "stages.csv"
    header, *lines = path.read_text().splitlines()
    pruned = next(line for line in lines if line.startswith("pruned"))
    made = [line for line in lines if not line.startswith(("pruned", "finetuned"))]
    rows = [pruned.replace("pruned", name, 1) for name in SHAPES[stages]]
    place = next(index for index, line in enumerate(made) if line.startswith("int8"))
    hashes = {
        line.split('"')[1] if '"' in line else line.split(",")[0]: line.split(",")[-3]
        for line in (results / "ablation.csv").read_text().splitlines()[1:]
    }
    last = made[place].rpartition(",")[0]
    made[place] = f"{last},{hashes.get(stages, '77')}"
    path.write_text("\n".join([header, *made[:place], *rows, *made[place:]]) + "\n")
    listed(results)


def test_hand_made_networks_on_other_images_are_refused(results: Path) -> None:
    """Also where the run's own file is not among those that they are compared with."""
    shaped(results, "quantize")
    agreement.check(results)
    edit(results / "hand_made_setup.csv", "machine,x86_64", "data,fashion_mnist\nmachine,x86_64")
    with pytest.raises(ResultError, match="data is 'fashion_mnist', but 'digits'"):
        agreement.check(results)


@pytest.mark.usefixtures("unrendered")
@pytest.mark.parametrize("stages", SHAPES)
def test_a_paper_is_about_the_stages_of_its_run(stages: str, results: Path, tmp_path: Path) -> None:
    shaped(results, stages)
    found = chain(read(results, Stage), results / "stages.csv")
    assert found.name == stages
    assert [row.stage for row in found.between] == SHAPES[stages]
    labels = waterfall.draw(results).axes[0].get_yticklabels()
    assert [one.get_text() for one in labels][1:-1] == ["search", *stages.split(", ")]
    build.sources(results, tmp_path / "build")
    told = macros.numbers(results)["CompressedSentence"]
    assert ("pruning" in told) == ("prune" in stages)
    assert ("finetuning" in told) == ("finetune" in stages)
    assert (tmp_path / "build" / "stages.tex").read_text().count(r"\\") == 4 + len(SHAPES[stages]) + 1 + 2 + 2


def test_the_last_file_must_be_that_of_the_ablation_with_the_same_stages(results: Path, tmp_path: Path) -> None:
    shaped(results, "quantize")
    edit(results / "stages.csv", f"{103:064x}", f"{1:064x}")
    with pytest.raises(ResultError, match=r"quantize is not the same network as int8 in stages\.csv"):
        build.sources(results, tmp_path / "build")


def row(name: str, accuracy: float, seconds: float, half: float = 0.0) -> HandMade:
    """A network whose latency is known to within the fraction `half`."""
    ends = {"latency_low_s": seconds * (1 - half), "latency_high_s": seconds * (1 + half)} if half else {}
    return HandMade(name, "int8", accuracy, accuracy, seconds, seconds, None, 1.0, 1.0, 1.0, "", **ends)


def test_what_may_be_chance_is_called_not_significant() -> None:
    ours, slow = row("winner", 0.9, 1e-3), row("resnet8", 0.89, 2e-3)
    assert hand_made.verdict(ours, [slow], images=1e5) == "the winner is both faster and more accurate than ResNet-8"
    doubtful = hand_made.verdict(ours, [slow], images=1000)
    assert doubtful.startswith("no hand-made network is both faster and more accurate than the winner, nor")
    assert doubtful.endswith("; the winner is faster than ResNet-8, but the difference in accuracy is not significant")
    wide = hand_made.verdict(row("winner", 0.9, 1e-3, 0.5), [row("resnet8", 0.5, 2e-3, 0.5)], images=1000)
    assert wide.startswith("no hand-made network is both faster")
    assert sentences.faster(row("a", 0.9, 1e-3, 0.5), row("b", 0.9, 2e-3, 0.5)).endswith("less time (not significant)")
    assert sentences.faster(row("a", 0.9, 1e-3, 0.1), row("b", 0.9, 2e-3, 0.1)).endswith("less time")


def test_an_interval_by_students_t_is_that_of_scipy() -> None:
    from scipy import stats

    for count in (2, 3, 7, 10, 14, 40):
        assert stats.t.ppf(0.975, count - 1) == pytest.approx(
            STUDENT[count - 2] if count - 2 < len(STUDENT) else 1.96 + 2.6 / (count - 1), rel=0.01
        )
    mean, low, high = mean_interval([1.0, 2.0, 3.0])
    assert (mean, high - mean) == pytest.approx((2.0, mean - low))
    assert high == pytest.approx(2 + stats.t.ppf(0.975, 2) / 3**0.5, rel=0.01)


def test_a_rank_correlation_that_may_be_zero_is_not_significant() -> None:
    def tau(name: str, value: float, half: float) -> RankTau:
        return RankTau(name, "all", 12, value, value - half, value + half, value, value - half, value + half)

    said = ranking.sentence([tau("supernet", -0.18, 0.5), tau("MACs", 0.4, 0.1)])
    assert r"$-$0.18 (95\,\% interval $-$0.68 to 0.32), which is not significantly different from zero" in said
    assert "not significantly" not in ranking.sentence([tau("supernet", 0.6, 0.5), tau("MACs", 0.4, 0.1)])

    doubtful = replace(tau("MACs", 0.4, 0.1), difference=0.2, difference_low=-0.1, difference_high=0.5)
    said = ranking.sentence([tau("supernet", 0.6, 0.5), doubtful])
    assert r"$\tau$ is higher by 0.20 (95\,\% interval $-$0.10 to 0.50), not significant." in said
    certain = replace(doubtful, difference_low=0.1)
    assert r"$\tau$ is higher by 0.20 (95\,\% interval 0.10 to 0.50)." in ranking.sentence(
        [tau("supernet", 0.6, 0.5), certain]
    )
