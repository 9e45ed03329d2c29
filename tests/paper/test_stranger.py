"""Tests a paper with somebody else's results: other machines, spaces and images are named, and nothing is mixed."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from paper import (
    agreement,
    build,
    checksums,
    compression,
    macros,
    missing_files,
    origin,
    run_length,
    tables,
    title,
    training,
    verdicts,
)
from paper.compression_rows import TRAINED, Variant
from paper.csv_records import ResultError
from paper.latex import escape
from paper.rows import read
from paper.setup_file import Setup, setup
from search_spaces.documents import sha256
from tests.commands import ROOT
from tests.paper.made_up_results import FRESH, SETUP, edit, listed, results, write
from tests.paper.test_paper import needs_latex

__all__ = ["results"]  # the fixture
OF_RUN = {key: SETUP[key] for key in ("space", "resolution", "device", "cpu", "machine", "threads", "onnxruntime")}
VIETNAMESE = "Ảnh biển báo của Nguyễn Thị Phượng, Đà Nẵng"


def own(results: Path, name: str, **changed: str) -> None:
    """Rewrites a setup as that of files of the run itself, with changes."""
    write(results / name, "key,value", [*(FRESH | OF_RUN | changed).items()])
    listed(results)


@pytest.mark.parametrize("group", origin.GROUPS)
def test_files_of_the_run_need_no_word_and_others_are_named(group: str, results: Path) -> None:
    name = origin.GROUPS[group].setup
    own(results, name)
    told = macros.numbers(results)
    assert told[f"{group}Origin"] == told[f"{group}OriginBriefly"] == ""
    of_machine = [
        ({"cpu": "Cortex-A76"}, "the machine Cortex-A76 (1 thread"),
        ({"threads": "4"}, "4 threads"),
        ({"onnxruntime": "1.99"}, "onnxruntime 1.99"),
        ({"device": "", "cpu": ""}, "a machine that they do not name"),
    ]
    for changed, words in [
        ({"space": "mobile"}, "the space mobile at 16 pixels"),
        ({"resolution": "224"}, "the space tiny at 224 pixels"),
        *(of_machine if origin.GROUPS[group].machine else []),
    ]:
        own(results, name, **changed)
        told = macros.numbers(results)
        assert told[f"{group}Origin"].startswith("These results do not come from this paper's run, but from ")
        assert words in told[f"{group}Origin"], changed
        assert words in told[f"{group}OriginBriefly"], changed


def test_each_section_names_its_origin_first_and_so_does_each_caption() -> None:
    text = (ROOT / "paper/paper.tex").read_text()
    for group, (section, captions) in {
        "Fresh": (r"\paragraph{New networks.} ", 2),
        "Protocol": (r"\paragraph{Ways to time a block.} ", 1),
        "Compared": (r"\paragraph{Random search and other strategies.} ", 1),
        "Ranking": ("\\end{figure}\n\n", 1),
    }.items():
        assert rf"{section}\{group}Origin{{}}" in text
        assert len(re.findall(rf"\\{group}OriginBriefly{{}}}}\n", text)) == captions


@pytest.mark.parametrize("name", ["fidelity.csv", "fresh.csv", "protocols.csv"])
def test_a_file_is_the_one_that_its_setup_describes(name: str, results: Path) -> None:
    stem = name.removesuffix(".csv")
    described = "protocols_setup.csv" if stem == "protocols" else "fidelity_setup.csv"
    own(results, described, **{f"{stem}_sha256": sha256((results / name).read_bytes())})
    origin.check(results)
    edit(results / name, "fp32", "fp32 ")
    with pytest.raises(ResultError, match=f"{name} is not the file that {described} describes"):
        origin.check(results)


@pytest.mark.parametrize("name", origin.OPTIONAL)
def test_an_optional_section_is_left_out_unless_its_files_say_that_they_are_of_the_run(
    name: str, results: Path
) -> None:
    group = origin.OPTIONAL[name]
    assert [*origin.lines(results)] == []
    for file in group.files:
        (results / file).write_text("layer\n1\n")
    assert not origin.used(results, name)
    assert f"left out of the paper, as no {group.setup} says" in origin.left_out(results, name)
    deployed = next(row[-1] for row in map(str.split, [f"{6:064x}"]))
    facts = {"data": "digits", "deployed": deployed}
    own(results, group.setup, **facts)
    assert origin.used(results, name)
    strange = {"space": "mobile"} | ({"deployed": "0"} if group.network else {"data": "cifar10"})
    for key, value in strange.items():
        own(results, group.setup, **facts | {key: value})
        assert not origin.used(results, name)
        (line, *_) = origin.lines(results)
        assert f"{', '.join(group.files)}: left out of the paper, as they come from " in line
        assert "publish=true" in line


def test_every_missing_file_is_listed_with_its_command(results: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    gone = ("setup.csv", "pruning_rules_setup.csv", "fidelity.csv", "protocols.csv")
    for name in gone:
        (results / name).unlink()
    monkeypatch.setattr(sys, "argv", ["build", f"--results={results}", f"--build={tmp_path / 'build'}"])
    with pytest.raises(SystemExit, match="2"):
        build.main()
    said = capsys.readouterr().err.splitlines()
    commands = dict(zip(gone, ("report", "pruning_rules", "fidelity", "protocols")))
    assert sorted(said) == sorted(
        f"{results / name} is missing; write it with: python -m experiments.{command} publish=true, "
        "and your run's settings"
        for name, command in commands.items()
    )
    empty = tmp_path / "nothing"
    empty.mkdir()
    with pytest.raises(ResultError) as refused:
        missing_files.check(empty)
    assert len(str(refused.value).splitlines()) == len(missing_files.REQUIRED)


def test_every_required_file_can_be_missing_and_every_other_one_may_be(results: Path) -> None:
    assert {path.name for path in results.glob("*.csv")} == {*missing_files.REQUIRED}


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


def test_sessions_with_different_latencies_for_one_file_are_explained(results: Path) -> None:
    told = macros.numbers(results)
    assert r"one file takes 0.230\,ms here and 0.171\,ms in Table~\ref{tab:stages}" in told["AblationSession"]
    assert "compare latencies within a table only" in told["HandMadeSession"]
    assert "within this table only" in told["PruningSession"]
    text = (results / "ablation.csv").read_text()
    for before, after in (("0.00023,0.00023", "0.000171,0.000171"), ("6.9e-05,6.9e-05", "9.3e-05,9.3e-05")):
        assert before in text
        text = text.replace(before, after)
    (results / "ablation.csv").write_text(text)
    assert "have the same latency in both" in macros.numbers(results)["AblationSession"]


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
    assert "single option" in told["HeatmapSentence"]
    assert "MobileNetV2" not in told["SpaceReference"] + told["ReferenceName"]
    (results / "table.csv").write_text((results / "table.csv").read_text() + "0,1,PatchStem(1),fp32,1e-5,1e-5,1e-5\n")
    told = macros.numbers(results)
    assert "under the first trunk" in told["HeatmapSentence"]
    assert told["SpaceBlocks"].endswith("; one of 2 trunks sets the stem")
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
    assert "pruning, finetuning and training for INT8 before it make" in told["AblationMore"]
    tables.write(results, tmp_path)
    names = [line.partition(" & ")[0] for line in (tmp_path / "stages.tex").read_text().splitlines()]
    assert names.index("finetuned") + 1 == names.index("trained for INT8") == names.index("INT8") - 1


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


def test_only_what_has_several_seeds_is_excepted_from_one_run(results: Path) -> None:
    assert macros.numbers(results)["OneRun"] == "All results come from one run and seed"
    own(results, "recipes_setup.csv", data="digits", **dict.fromkeys(("network", "host_cpu"), "x"), seeds="3",
        validation_images="9")  # fmt: skip
    (results / "recipes.csv").write_text("layer\n1\n")
    assert training.one_run(results) == "All results except the gains of training recipes come from one run and seed"


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


def test_title_and_author_are_the_users(results: Path) -> None:
    assert title.macros(results)["Author"] == title.AUTHOR
    write(results / title.FILE, "key,value", [("title", f"{VIETNAMESE} & 50 %"), ("author", "Phạm_1")])
    told = title.macros(results)
    assert told["Title"] == rf"{escape(VIETNAMESE)} \& 50 \%"
    assert "?" not in told["Title"] + told["Author"]
    write(results / title.FILE, "key,value", [("title", ""), ("author", "A")])
    assert title.macros(results)["Title"] == title.TITLE


def test_every_vietnamese_letter_is_kept() -> None:
    marks = {"a": "ăâ", "e": "ê", "o": "ôơ", "u": "ư", "i": "", "y": ""}
    vowels = "".join(base + more for base, more in marks.items())
    from unicodedata import normalize

    letters = [normalize("NFC", vowel + tone) for vowel in vowels for tone in ("", *"\u0300\u0301\u0303\u0309\u0323")]
    for letter in [*letters, "đ"]:
        for case in (letter, letter.upper()):
            assert "?" not in escape(case), case
            assert escape(normalize("NFD", case)) == escape(case)


@needs_latex
def test_a_strangers_paper_is_built_with_their_names(results: Path, begun: Path) -> None:
    """Stamped, with a Vietnamese title, and with sections of another machine; from another paper's references."""
    write(results / title.FILE, "key,value", [("title", VIETNAMESE), ("author", "Nguyễn Văn Ấn")])
    edit(results / "setup.csv", "retrain_steps,400", "retrain_steps,6")
    build.sources(results, begun)
    pdf = build.typeset(begun)
    log = (begun / "paper.log").read_text(errors="replace")
    assert "undefined" not in log
    assert "Missing character" not in log
    if shutil.which("pdftotext"):
        import subprocess

        text = subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True).stdout
        assert "Nguyễn Văn Ấn" in text
        assert VIETNAMESE in [line.strip() for line in text.splitlines()]  # and nothing else in its line
        pages = text.rstrip("\f").split("\f")
        assert all("NOT A RESULT" in page for page in pages)


def test_the_list_of_hashes_may_name_a_title(results: Path) -> None:
    write(results / title.FILE, "key,value", [("author", "A")])
    listed(results)
    checksums.check(results)
