"""Tests what the paper says about compression: ablation, hand-made networks and pruning rules."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from paper import compression, hand_made, hand_made_table, macros, pruning, sentences, shares
from paper.compression_rows import HandMade
from paper.setup_file import Setup
from tests.paper.made_up_results import (
    edit,
)


def test_a_teacher_is_compared_with_labels_alone_whichever_the_chain_has(results: Path) -> None:
    assert compression.key(compression.TAUGHT) not in compression.KEYS.values()
    file = results / "ablation.csv"
    line = next(line for line in file.read_text().splitlines() if line.startswith(f'"{compression.WHOLE}"'))
    file.write_text(
        file.read_text() + line.replace(compression.WHOLE, compression.TAUGHT).replace("0.8829", "1") + "\n"
    )
    assert macros.numbers(results)["DistillationVerdict"].startswith("is 11.7 points more accurate")
    assert "on labels and" not in sentences.targets(Setup(results, {"distillation": "0.0"}))
    taught = Setup(results, {"distillation": "0.5", "teacher": "largest"})
    assert sentences.targets(taught).endswith("answers of the supernet's largest network")
    assert sentences.targets(Setup(results, {"distillation": "0.5"})).endswith("answers of the unpruned winner")
    assert "answers" in sentences.targets(Setup(results, {}))


def test_compression_is_told_by_its_files(results: Path, tmp_path: Path) -> None:
    def texts() -> tuple[dict[str, str], list[str]]:
        for module in (compression, shares, hand_made_table, pruning):
            module.write(results, tmp_path)
        names = ("ablation", "shares", "hand_made", "pruning_rules")
        return macros.numbers(results), [(tmp_path / f"{name}.tex").read_text() for name in names]

    edit(results / "setup.csv", "test_images,360", "test_images,10000000")  # every difference is significant
    told, (ablation, added, beside, rules) = texts()
    assert "6.67 times smaller" in told["AblationWhole"]
    assert told["AblationWhole"].endswith("3.33 times as fast, and loses 0.4 points")
    assert (
        "the compressed file is 2.00 times smaller and 1.67 times as fast; it is 0.6 points less accurate"
        in told["AblationMore"]
    )
    assert "its training had not converged" in told["AblationFinetune"]
    assert told["DistillationVerdict"].startswith("is 0.1 points less accurate")
    assert r"PFQ & prune, finetune, quantize & 88.3 & $-$0.4 & 0.069" in ablation
    assert r"together & & & $-$0.4 & & & 3.33 & & & 6.67 \\" in added
    assert told["HandMadeVerdict"].startswith("the compressed winner is both faster and more accurate than MobileNetV3")
    assert told["HandMadeMore"] == ""
    assert told["HandMadeNearest"].startswith("The nearest of them in accuracy is ShuffleNetV2, with 0.1 points less")
    assert r"ResNet-8 & 86.1 & 0.130" in beside
    assert r"\emph{one threshold}, ours is 0.3 points more accurate" in told["PruningRules"]
    assert "uniform widths & 60 & 87.9" in rules
    edit(
        results / "ablation.csv",
        '"prune, finetune, quantize",int8,0.8829,0.8829',
        '"prune, finetune, quantize",int8,1,1',
    )
    edit(results / "hand_made.csv", "resnet8,int8,0.8611,0.8611,0.00013", "resnet8,int8,0.9,0.9,0.00006")
    edit(results / "pruning_rules.csv", "uniform 0.6,int8,0.8791,0.8791", "uniform 0.6,int8,0.9,0.9")
    changed, (ablation, added, beside, rules) = texts()
    assert changed["AblationWhole"].endswith("and gains 11.3 points")
    assert changed["DistillationVerdict"].startswith("is 11.7 points more accurate")
    assert changed["HandMadeVerdict"].endswith("and ResNet-8 is both faster and more accurate than it")
    assert r"\emph{uniform widths}, ours is 1.7 points less accurate" in changed["PruningRules"]
    assert r"PFQ & prune, finetune, quantize & 100.0 & $+$11.3" in ablation
    assert r"together & & & $+$11.3" in added


@pytest.mark.parametrize("measure", shares.MEASURES.values(), ids=shares.MEASURES)
def test_what_stages_add_on_average_is_what_they_do_together(measure, results: Path) -> None:
    rows = compression.variants(results)
    *_, means = zip(*(shares.added(rows, measure, stage) for stage in shares.STAGES))
    together = measure(rows[compression.WHOLE]) - measure(rows[compression.NOTHING])
    assert sum(means) == pytest.approx(together)


def test_the_nearest_and_the_beaten_follow_from_the_rows() -> None:
    def row(name: str, accuracy: float, seconds: float) -> HandMade:
        return HandMade(name, "int8", accuracy, accuracy, seconds, seconds, None, 1.0, 1.0, 1.0, "")

    ours, slow, fast = row("winner", 0.9, 1e-3), row("resnet8", 0.89, 2e-3), row("mobilenet_v2", 0.95, 0.5e-3)
    even, both = row("shufflenet_v2", 0.95, 2e-3), "both faster and more accurate than"
    assert hand_made.verdict(ours, [slow]) == f"the winner is {both} ResNet-8"
    assert hand_made.verdict(ours, [slow, even]).endswith(f"ResNet-8, and no hand-made network is {both} it")
    assert hand_made.verdict(ours, [slow, fast]).endswith(f"ResNet-8, and MobileNetV2 is {both} it")
    assert hand_made.verdict(ours, [fast]) == f"MobileNetV2 is {both} the winner"
    assert hand_made.verdict(ours, [even]).endswith("nor the winner than one of them")
    assert "ResNet-8, with 1.0 points less (89.0\\,\\%) and 2.00 times" in hand_made.nearest(ours, [slow, fast])
    assert hand_made.comparison(ours, [slow, fast]).count("MobileNetV2, with 5.0 points more") == 1
    assert hand_made.comparison(ours, [slow, row("x", 0.8, 1e-3)]).startswith("The nearest of them in acc")
    assert hand_made.comparison(ours, [row("resnet8", 0.9, 1e-3)]).startswith("ResNet-8 has the same test accuracy")


@pytest.mark.parametrize(
    ("ratio", "said"),
    [(3.4, "3.40 times smaller"), (1.02, r"2\,\% smaller"), (1.0, "no smaller"), (0.5, "2.00 times as large")],
)
def test_words_on_sizes(ratio: float, said: str) -> None:
    assert sentences.smaller(ratio) == said


def test_the_spaces_own_networks_stand_beside_the_hand_made_ones(results: Path) -> None:
    """Also those that were not searched, in the same precision; what they have is not the search's merit."""
    told = macros.numbers(results)
    assert told["HandMadeSpace"] == told["HandMadeRandom"] == told["HandMadeInput"] == ""
    first = (results / "stages.csv").read_text()
    fields = ("validation_accuracy", "test_accuracy", "latency_median_s", "latency_p90_s")
    last = next(line for line in csv.DictReader(first.splitlines()) if line["stage"] == "int8")
    for place, name in enumerate(("reference", "random", "retrained")):  # those of the first and the third again
        own = last | {"stage": name, "sha256": f"{place:064x}"} | dict.fromkeys(fields, "0.0001")
        own |= {"test_accuracy": "0.99" if name == "random" else "0.8", "latency_median_s": "0.00001"}
        with (results / "stages.csv").open("a", newline="") as file:
            csv.DictWriter(file, last).writerow(own)
    edit(results / "setup.csv", "test_images,360", "test_images,100000")
    told = macros.numbers(results)
    assert "the random architecture 99.0" in told["HandMadeSpace"]
    assert "both faster and more accurate than 4 of the 4 hand-made networks" in told["HandMadeSpace"]
    assert told["HandMadeRandom"].endswith("is both faster and more accurate than 4 of them")
    assert told["HandMadeRandom"] in told["Claims"]
    assert "compared with the random architecture, it is not better" in told["QuantizedWinner"]
    assert told["QuantizedReference"].startswith(
        "Compared with the reference in INT8, the compressed winner is no smaller; it"
    )
    assert told["DeployedVersus"].startswith("takes 830")
    assert told["DeployedVersus"] in told["Claims"]
    edit(results / "setup.csv", "resolution,16", "resolution,32")
    assert macros.numbers(results)["HandMadeInput"].startswith("The winner reads the images at 16 pixels")


def test_every_file_of_the_winner_stands_beside_the_hand_made_networks(results: Path, tmp_path: Path) -> None:
    more = '"winner, saved 0.75",int8,0.87,0.87,0.00004,0.00004,,3e5,1e6,2e4,0,2e5,0\nmobilenet_v2,'
    edit(results / "hand_made.csv", "mobilenet_v2,", more)
    edit(results / "setup.csv", "test_images,360", "test_images,100000")
    told = macros.numbers(results)
    assert told["HandMadeMore"].startswith(
        r"The winner pruned to save 75\,\% of the latency that pruning can save is both"
    )
    assert "saved" not in told["HandMadeBeside"]
    hand_made_table.write(results, tmp_path)
    ours, _ = (tmp_path / "hand_made.tex").read_text().split("ResNet-8")
    assert ours.index("saving 75") < ours.index("winner, compressed") < ours.index("winner, unpruned")
