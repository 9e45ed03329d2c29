"""Tests what the paper says about the run: its length, table, space, stages, training and images."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from experiments.store import artefacts
from paper import (
    agreement,
    compression,
    macros,
    run_length,
    tables,
    verdicts,
)
from paper.compression_rows import TRAINED, Variant
from paper.csv_records import ResultError
from paper.latex import escape
from paper.rows import read
from paper.setup_file import Setup, setup
from tests.commands import ROOT
from tests.paper.made_up_results import SETUP, edit


def test_a_run_of_smoke_length_is_stamped_and_a_longer_one_is_not(results: Path) -> None:
    assert macros.numbers(results)["Stamp"] == ""
    edit(results / "setup.csv", "retrain_steps,400", "retrain_steps,6")
    assert macros.numbers(results)["Stamp"].startswith("NOT A RESULT: a run of smoke length, in which the winner was")
    edit(results / "setup.csv", "retrain_steps,6", f"retrain_images,{SETUP['train_images']}\nretrain_steps,6")
    assert macros.numbers(results)["Stamp"] == ""
    edit(results / "setup.csv", "supernet_steps,400", "supernet_images,99\nsupernet_steps,400")
    assert r"the supernet was trained on 99 images, not even once on each of the 1\,150" in run_length.stamp(
        setup(results)
    )
    assert run_length.stamp(setup(ROOT / "paper" / "results")) == ""


def test_a_noisy_table_is_told_in_a_sentence_and_a_clean_one_needs_none() -> None:
    def told(**values: str) -> str:
        return verdicts.of_table(Setup(Path("setup.csv"), {f"table_{key}": value for key, value in values.items()}))

    reasons = "other programs took 30 % of the cores; the machine ran at two speeds; 2 of 9 rows are not known: a, b"
    assert told(verdict="noisy", verdict_reasons=reasons) == (
        r"The table is noisy: other programs took 30 \% of the cores, the machine ran at two speeds and 2 of 9 rows "
        "are not known."
    )
    assert told(verdict="throttled", verdict_reasons="") == "The table is throttled."
    assert told(verdict="clean", verdict_reasons="all 46 rows are known within 2 %") == told() == ""


def test_the_text_describes_the_space_of_the_run(results: Path) -> None:
    told = macros.numbers(results)
    assert told["SpaceBlocks"].startswith("inverted residual blocks")
    assert told["ReferenceName"] == "MobileNetV2's choices"
    assert "skip" in told["SpaceBlocks"]
    edit(results / "setup.csv", "space_size,2000", f"space_size,{4**5}")
    assert "skip" not in macros.numbers(results)["SpaceBlocks"]
    edit(results / "setup.csv", f"space_size,{4**5}", "space_size,2000")
    edit(results / "setup.csv", "space,tiny", "space,edge")
    text = (results / "table.csv").read_text()
    (results / "table.csv").write_text(
        text.replace("MBConv(16->24, hidden 48, k3", "FusedMBConv(16->24, hidden 48, k3")
    )
    told = macros.numbers(results)
    assert told["SpaceBlocks"].startswith("fused inverted residual blocks and inverted residual blocks")
    assert ", and a skip" in told["SpaceBlocks"]
    assert told["HeatmapSentence"] == ""
    assert "MobileNetV2" not in told["SpaceReference"] + told["ReferenceName"]
    (results / "table.csv").write_text((results / "table.csv").read_text() + "0,1,PatchStem(1),fp32,1e-5,1e-5,1e-5\n")
    told = macros.numbers(results)
    assert "under the first trunk" in told["HeatmapSentence"]
    assert (
        "under one of 2 trunks (of the space's 12); the trunks differ in the stem. This makes " in told["SpaceCounts"]
    )
    assert "PatchStem" not in told["SpaceBlocks"]
    edit(results / "setup.csv", "space,edge", "space,mine")
    assert macros.numbers(results)["ReferenceName"] == "the space's hand-made reference"


def trained_for_int8(results: Path) -> None:
    """Makes the run's file the one after quantization-aware training, as in experiment=small."""
    made = {row.stage: row.sha256 for row in read(results, Variant)}
    edit(results / "stages.csv", made[compression.WHOLE], made[compression.WHOLE_QAT])
    row = next(line for line in (results / "stages.csv").read_text().splitlines() if line.startswith("finetuned,"))
    edit(results / "stages.csv", row, f"{row}\n{row.replace('finetuned', TRAINED)[:-64]}{1:064x}")


def test_a_run_with_training_for_int8_has_a_paper_that_says_so(results: Path, tmp_path: Path) -> None:
    told = macros.numbers(results)
    assert told["ChainStages"] == "pruning, finetuning and quantization"
    assert told["HandMadeStages"] == ""
    trained_for_int8(results)
    agreement.check(results)
    told = macros.numbers(results)
    assert told["ChainStages"] == "pruning, finetuning, training for INT8 and quantization"
    assert told["CompressedSentence"].startswith("After pruning, finetuning and training for INT8, the winner")
    assert "without quantization-aware training" in told["HandMadeStages"]
    assert told["AblationWhole"].endswith("loses 0.3 points (not significant)")
    assert "quantized without pruning and training for INT8, the compressed file is" in told["AblationMore"]
    tables.write(results, tmp_path)
    names = [line.partition(" & ")[0] for line in (tmp_path / "stages.tex").read_text().splitlines()]
    assert names.index("finetuned") + 1 == names.index("trained for INT8") == names.index("INT8") - 1


def test_pruning_is_compared_with_a_file_that_was_trained_for_as_long(results: Path) -> None:
    before = macros.numbers(results)["CompressedSentence"]
    assert "compared with the winner before" in before
    rows = list(csv.DictReader((results / "stages.csv").open(newline="")))
    last = next(row for row in rows if row["stage"] == "int8")
    unpruned = last | {"stage": "retrained", "sha256": f"{999:064x}", "test_accuracy": "0.5"}
    rows = [row for row in rows if (row["stage"], row["precision"]) != ("retrained", "int8")]
    rows = [row | {"steps": "150" if row["precision"] == "int8" else "100"} for row in rows]
    artefacts.write_csv(results / "stages.csv", [*rows, unpruned | {"steps": "150"}])
    told = macros.numbers(results)["CompressedSentence"]
    assert told.startswith("After pruning, finetuning and quantization, the winner takes as long")
    assert "not pruned, but trained for as many steps" in told


def test_a_run_with_other_stages_says_that_the_comparison_is_of_another_file(results: Path) -> None:
    edit(results / "stages.csv", "finetuned,fp32", "clustered,fp32")
    told = macros.numbers(results)
    assert told["CompressedSentence"].startswith("After pruning and weight sharing, the winner")
    assert "unlike the run's own file" in told["HandMadeStages"]


def test_the_training_is_that_of_the_run(results: Path) -> None:
    told = macros.numbers(results)
    assert "sandwich rule" in told["SupernetTraining"]
    assert "is the squared first-order change" in told["ImportanceSentence"]
    assert told["TrainingLength"] == "A network trained from scratch sees 400 batches."
    assert told["FinetuneSteps"] == "200"
    edit(results / "setup.csv", "space,", "supernet_rule,single_path\nimportance,l1\nretrain_images,2300\nspace,")
    told = macros.numbers(results)
    assert "sandwich" not in told["SupernetTraining"] + told["SupernetRule"]
    assert told["ImportanceSentence"].startswith("A channel's importance is the sum of its absolute weights")
    assert told["TrainingLength"].endswith(r"400 batches, 2.00 passes over the 1\,150 training images.")
    edit(results / "setup.csv", "importance,l1", "importance,guess")
    with pytest.raises(ResultError, match="importance is 'guess', which is none of taylor"):
        macros.numbers(results)


@pytest.mark.parametrize("name", ["digits", "fashion_mnist.zip"])
def test_a_users_folder_is_not_taken_for_a_known_data_set(name: str, results: Path) -> None:
    edit(results / "setup.csv", "data,digits", f"data,image_folder\ndata_file,{name}")
    told = macros.numbers(results)
    assert told["Data"] == told["DataCited"] == escape(name.removesuffix(".zip"))
    assert "demonstration" not in told["DataSentence"]


def test_the_rules_are_those_that_were_compared(results: Path) -> None:
    said = macros.numbers(results)["PruningBaselines"]
    assert said.startswith("We compare with rules that do not measure the device: the same fraction of every block, ")
    kept = [
        line for line in (results / "pruning_rules.csv").read_text().splitlines() if "0.6" not in line.split(",")[0]
    ]
    kept = [line for line in kept if not line.startswith("global")]
    (results / "pruning_rules.csv").write_text("\n".join(kept) + "\n")
    told = macros.numbers(results)
    assert told["PruningBaselines"].startswith(
        "We compare with a rule that does not measure the device: the dependency"
    )
    assert told["PruningRules"].startswith("The file of the other rule takes 100")
