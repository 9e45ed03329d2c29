"""Tests the paper: all figures, tables and numbers follow from the CSV files; errors in these files are reported."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.text import Text

from paper import build, checksums, compression, hand_made, macros, prediction, pruning, sentences, shares, tables
from paper.compression_rows import HandMade, Stage
from paper.csv_records import ResultError
from paper.figures import style
from paper.latex import count, escape, significant
from paper.setup_file import Setup
from search_spaces.errors import LutraError
from tests.commands import ROOT
from tests.paper.made_up_results import (
    FILES,
    OF_COMPRESSION,
    OF_FRESH,
    OF_PROTOCOLS,
    edit,
    listed,
    predictions,
    results,
    whole_fonts,
)

__all__ = ["results"]  # the fixture


@pytest.fixture(autouse=True)
def quick_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole_fonts(monkeypatch)


@pytest.mark.parametrize("name", build.FIGURES)
def test_a_figure_is_a_function_of_its_csv(name: str, drawn: Path, results: Path, tmp_path: Path) -> None:
    draw, source = (
        build.FIGURES[name],
        {
            "pareto": "candidates",
            "prediction": "networks",
            "heatmap": "table",
            "fidelity": "fresh",
            "waterfall": "stages",
        },
    )
    images = [drawn / f"{name}.pdf", tmp_path / "again.pdf", tmp_path / "changed.pdf"]
    style.save(draw(results), images[1])
    path = results / f"{source.get(name, name)}.csv"
    rows = path.read_text().splitlines()
    fewer = "\n".join([rows[0], *rows[5:]])
    whole = {"waterfall": ("0.9806", "0.95"), "ablation": ("0.8829", "0.87")}  # all rows are required
    path.write_text(path.read_text().replace(*whole[name]) if name in whole else fewer)
    style.save(draw(results), images[2])
    first, second, changed = (image.read_bytes() for image in images)
    assert first == second
    assert first != changed


def test_fonts_as_users_have_them_are_the_same_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(style.RC, "pdf.fonttype", 42)
    drawn = style.figure(1)
    drawn.suptitle("letters")
    one = style.rendered(drawn, "pdf")
    assert b"/CIDFontType2" in one
    assert style.rendered(drawn, "pdf") == one


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("kind", ["pdf", "png", "svg"])
@pytest.mark.parametrize("compression", [0, 9])
def test_a_figure_on_a_full_disk_is_an_oserror(
    kind: str, compression: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(style.RC, "pdf.compression", compression)
    path = tmp_path / f"figure.{kind}"
    path.symlink_to("/dev/full")
    drawn = style.figure(1)
    drawn.add_subplot().plot(range(9))
    with pytest.raises(OSError, match="No space left"):
        style.save(drawn, path)


def test_a_figure_runs_as_a_script_from_anywhere(results: Path, tmp_path: Path) -> None:
    script = [sys.executable, ROOT / "paper/figures/heatmap.py", results]
    subprocess.run([*script, "out.png"], cwd=tmp_path, check=True)
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")
    (results / "table.csv").unlink()
    failed = subprocess.run([*script, "none.png"], cwd=tmp_path, capture_output=True, text=True)
    assert failed.returncode == 2
    assert failed.stderr.count("\n") == 1
    assert "table.csv is missing" in failed.stderr


def test_a_changed_number_changes_the_text(results: Path, tmp_path: Path) -> None:
    def texts() -> tuple[str, ...]:
        macros.write(results, tmp_path)
        tables.write(results, tmp_path)
        return tuple((tmp_path / f"{name}.tex").read_text() for name in ("numbers", "stages", "setup"))

    before = texts()
    edit(results / "stages.csv", "retrained,fp32,0.99,0.9833,0.000171", "retrained,fp32,0.99,0.9444,0.000571")
    after = texts()
    assert r"\newcommand{\WinnerTestAccuracy}{98.3\,\%}" in before[0]
    assert r"\newcommand{\WinnerTestAccuracy}{94.4\,\%}" in after[0]
    assert r"\newcommand{\NasVersusHandMade}{takes 45\,\% less time" in before[0]
    assert r"\newcommand{\NasVersusHandMade}{is not better: it takes 84\,\% more time" in after[0]
    assert "winner, retrained & 99.0 & 94.4 & 0.571" in after[1]
    assert before[2] == after[2]


def test_setup_and_data_reach_the_text(results: Path, tmp_path: Path) -> None:
    assert "not that one network is better" in macros.numbers(results)["DataSentence"]
    edit(results / "setup.csv", "data,digits", "data,cifar10")
    edit(results / "setup.csv", "target_ms,0.1", "target_ms,")
    edit(results / "setup.csv", "space,tiny", "data_file,cifar10_jpeg.tar.gz\nspace,tiny")
    tables.write(results, tmp_path)
    assert macros.numbers(results)["Data"] == "CIFAR-10"
    assert macros.numbers(results)["DataCited"] == r"CIFAR-10~\cite{krizhevsky2009learning}"
    assert r"data & CIFAR-10, 16 pixels" in (tmp_path / "setup.tex").read_text()
    assert r"results are for CIFAR-10 with 1\,150 training images" in macros.numbers(results)["DataSentence"]
    assert macros.numbers(results)["TargetSentence"] == "The search had no target."
    assert "target & none" in (tmp_path / "setup.tex").read_text()
    assert r"time & table 64\,s, supernet 38\,s, search 22\,s" in (tmp_path / "setup.tex").read_text()
    assert macros.numbers(results)["QuantizedLayers"] == "all layers"
    edit(results / "setup.csv", "cifar10_jpeg.tar.gz", "my_birds\nfloat_layers,0 12")
    told = macros.numbers(results)
    assert told["Data"] == told["DataCited"] == r"my\_birds"
    assert told["QuantizedLayers"] == "all layers but numbers 0, 12, counted from 0, which stay in float"


def test_the_files_say_which_protocol_and_predictor_is_best(results: Path, tmp_path: Path) -> None:
    told = macros.numbers(results)
    assert told["FreshAgainstAloneFloat"] == "40.0"
    assert told["FreshVerdict"].startswith("No other predictor")
    assert r"\emph{in context} has the smallest mean error in fp32 (1.0" in told["ProtocolVerdict"]
    assert "all other tables" not in told["ProtocolVerdict"].lower()
    predictions(results, forest=0.001, alone=0.002)
    told = macros.numbers(results)
    assert told["FreshVerdict"].startswith(r"\emph{corrected table} has the smallest mean error in fp32")
    assert told["FreshVerdict"].endswith(r", and \emph{forest} in INT8.")
    assert r", and \emph{alone} in INT8 (0.2" in told["ProtocolVerdict"]
    assert r"use \emph{in context}, whose mean error is 1.0\,\% in INT8" in told["ProtocolVerdict"]
    prediction.write(results, tmp_path)
    assert r"in context & +30.0 & 5.00 & 1.00 & +30.0 & 5.00 & 1.00 \\" in (tmp_path / "protocols.tex").read_text()
    assert r"forest & 10.00 & 0 & 0.900 & 0.10 & 100 & 0.900 \\" in (tmp_path / "fresh.tex").read_text()


def test_training_steps_are_printed_where_a_file_has_them(results: Path, tmp_path: Path) -> None:
    stages = results / "stages.csv"
    header, *lines = stages.read_text().splitlines()
    tables.write(results, tmp_path)
    assert r" & -- \\" in (tmp_path / "stages.tex").read_text()
    stages.write_text("\n".join([f"{header},steps", *(f"{line},4000" for line in lines)]) + "\n")
    tables.write(results, tmp_path)
    table = (tmp_path / "stages.tex").read_text()
    assert table.count(r" & 4\,000 \\") == len(lines)


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
        for module in (compression, shares, hand_made, pruning):
            module.write(results, tmp_path)
        names = ("ablation", "shares", "hand_made", "pruning_rules")
        return macros.numbers(results), [(tmp_path / f"{name}.tex").read_text() for name in names]

    edit(results / "setup.csv", "test_images,360", "test_images,10000000")  # every difference is significant
    told, (ablation, added, beside, rules) = texts()
    assert "6.67 times smaller" in told["AblationWhole"]
    assert told["AblationWhole"].endswith("3.33 times as fast, and loses 0.4 points")
    assert (
        "make the file 2.00 times smaller and 1.67 times as fast; it is 0.3 points less accurate"
        in told["AblationMore"]
    )
    assert "its training had not converged" in told["AblationFinetune"]
    assert told["DistillationVerdict"].startswith("is 0.1 points less accurate")
    assert r"PFQ & prune, finetune, quantize & 88.3 & $-$0.4 & 0.069" in ablation
    assert r"together & & & $-$0.4 & & & 3.33 & & & 6.67 \\" in added
    assert told["HandMadeVerdict"].startswith("the compressed winner is both faster and more accurate than MobileNetV3")
    assert told["HandMadeMore"] == ""
    assert told["HandMadeNearest"].startswith("The nearest in accuracy is ShuffleNetV2, with 0.1 points less")
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
    assert changed["HandMadeVerdict"].endswith("and ResNet-8 beats it in both")
    assert r"\emph{uniform widths}, ours is 1.7 points less accurate" in changed["PruningRules"]
    assert r"PFQ & prune, finetune, quantize & 100.0 & $+$11.3" in ablation
    assert r"together & & & $+$11.3" in added


@pytest.mark.parametrize("measure", shares.MEASURES.values(), ids=shares.MEASURES)
def test_what_stages_add_on_average_is_what_they_do_together(measure, results: Path) -> None:
    rows = compression.variants(results)
    *_, means = zip(*(shares.added(rows, measure, stage) for stage in shares.STAGES))
    together = measure(rows[compression.WHOLE]) - measure(rows[compression.NOTHING])
    assert sum(means) == pytest.approx(together)


@pytest.mark.parametrize(
    ("name", "before", "after", "named"),
    [
        ("hand_made.csv", f"{106:064x}", f"{1:064x}", "winner, unpruned is not the same network as finetune, quantize"),
        (
            "stages.csv",
            f"{6:064x}",
            f"{66:064x}",
            "prune, finetune, quantize is not the same network as int8 in stages",
        ),
        (
            "pruning_rules.csv",
            f"{207:064x}",
            f"{1:064x}",
            "device is not the same network as prune, finetune, quantize",
        ),
        ("stages.csv", f"{3:064x}", f"{33:064x}", "nothing is not the same network as retrained in stages.csv"),
        ("ablation_setup.csv", "threads,1", "threads,2", "ablation_setup.csv: threads is '2', but '1' in setup.csv"),
        ("ablation.csv", "nothing,", "nil,", "ablation.csv: there is no row with stage=nothing"),
    ],
)
def test_files_of_two_winners_or_machines_are_refused(name, before, after, named, results, tmp_path) -> None:
    edit(results / name, before, after)
    with pytest.raises(ResultError, match=re.escape(named)):
        build.sources(results, tmp_path / "build")


def test_the_nearest_and_the_beaten_follow_from_the_rows() -> None:
    def row(name: str, accuracy: float, seconds: float) -> HandMade:
        return HandMade(name, "int8", accuracy, accuracy, seconds, seconds, None, 1.0, 1.0, 1.0, "")

    ours, slow, fast = row("winner", 0.9, 1e-3), row("resnet8", 0.89, 2e-3), row("mobilenet_v2", 0.95, 0.5e-3)
    even, both = row("shufflenet_v2", 0.95, 2e-3), "both faster and more accurate than"
    assert hand_made.verdict(ours, [slow]) == f"the winner is {both} ResNet-8"
    assert hand_made.verdict(ours, [slow, even]).endswith("ResNet-8, and none beats it in both")
    assert hand_made.verdict(ours, [slow, fast]).endswith("ResNet-8, and MobileNetV2 beats it in both")
    assert hand_made.verdict(ours, [fast]) == f"MobileNetV2 is {both} the winner"
    assert hand_made.verdict(ours, [even]).endswith("nor the winner than one of them")
    assert "ResNet-8, with 1.0 points less (89.0\\,\\%) and 2.00 times" in hand_made.nearest(ours, [slow, fast])
    assert hand_made.comparison(ours, [slow, fast]).count("MobileNetV2, with 5.0 points more") == 1
    assert hand_made.comparison(ours, [slow, row("x", 0.8, 1e-3)]).startswith("The nearest in accuracy, and the most")
    assert hand_made.comparison(ours, [row("resnet8", 0.9, 1e-3)]).startswith("ResNet-8 has the same test accuracy")


def test_every_file_of_the_winner_stands_beside_the_hand_made_networks(results: Path, tmp_path: Path) -> None:
    more = '"winner, saved 0.75",int8,0.87,0.87,0.00004,0.00004,,3e5,1e6,2e4,0,2e5,0\nmobilenet_v2,'
    edit(results / "hand_made.csv", "mobilenet_v2,", more)
    edit(results / "setup.csv", "test_images,360", "test_images,100000")
    told = macros.numbers(results)
    assert r"The file \emph{winner, saved 0.75} is both faster and more accurate than ResNet-8" in told["HandMadeMore"]
    assert "saved" not in told["HandMadeBeside"]
    hand_made.write(results, tmp_path)
    ours, _ = (tmp_path / "hand_made.tex").read_text().split("ResNet-8")
    assert ours.index("saved 0.75") < ours.index("winner, compressed") < ours.index("winner, unpruned")


NAMED = [*(("paper", name) for name in (*FILES, *OF_COMPRESSION)), ("slides", "stages.csv"), ("slides", "ablation.csv")]


@pytest.mark.parametrize(("document", "name"), NAMED)
def test_a_missing_file_is_named(document: str, name: str, results: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    (results / name).unlink()
    monkeypatch.setattr(sys, "argv", ["build", document, f"--results={results}", f"--build={tmp_path / 'build'}"])
    with pytest.raises(SystemExit, match="2"):
        build.main()
    said = capsys.readouterr().err
    step = "fidelity" if name in OF_FRESH else "protocols" if name in OF_PROTOCOLS else "report"
    step = name.split(".")[0].removesuffix("_setup") if name in OF_COMPRESSION else step
    assert f"{name} is missing; write it with: python -m experiments.{step} publish=true" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "before", "after", "named"),
    [
        ("stages.csv", "0.9833,0.000171", "nan,0.000171", "stages.csv, line 5: test_accuracy is 'nan'"),
        ("stages.csv", "0.9833,0.000171", "0.9833,0", "stages.csv, line 5: latency_median_s is '0', not positive"),
        ("stages.csv", "0.9833,0.000171", "0.9833,", "stages.csv, line 5: latency_median_s is ''"),
        ("stages.csv", "latency_p90_s", "p90", "stages.csv: there is no column latency_p90_s"),
        ("stages.csv", "pruned,fp32", "pruned,fp16", "stages.csv: there is no row with stage=pruned, precision=fp32"),
        ("setup.csv", "test_images,360", "test_images,many", "setup.csv: value of test_images is 'many'"),
        ("setup.csv", "table_rounds,", "rounds,", "setup.csv: there is no row with key=table_rounds"),
        ("networks.csv", "measured_s", "measured", "networks.csv: there is no column measured_s"),
        ("table.csv", "0,0,Stem(1),fp32,", "0,0,Stem(1),fp32,inf", "table.csv, line 2: seconds is 'inf"),
        ("candidates.csv", ",True,", ",maybe,", "feasible is 'maybe', neither true nor false"),
        ("stages.csv", "0.9833,0.000171", "98.33,0.000171", "line 5: test_accuracy is '98.33', not a fraction"),
        ("stages.csv", "0.9833,0.000171", "-0.1,0.000171", "line 5: test_accuracy is '-0.1', not a fraction"),
        ("ablation.csv", "nothing,fp32,", "nothing,fp32,1.5,", "ablation.csv, line 2 has 14 cells, the header 13"),
        ("table.csv", "0,0,Stem(1),fp32,", "0.5,0,Stem(1),fp32,", "layer is '0.5', not a whole number"),
        ("table.csv", "0,0,Stem(1),fp32,", "-1,0,Stem(1),fp32,", "layer is '-1', which is negative"),
        ("setup.csv", "target_ms,0.1", "target_ms,-0.1", "value of target_ms is '-0.1', not positive"),
    ],
)
def test_a_wrong_value_is_named(name: str, before: str, after: str, named: str, results, tmp_path) -> None:
    edit(results / name, before, after)
    with pytest.raises(LutraError) as error:
        build.sources(results, tmp_path / "build")
    assert named in str(error.value)


def test_only_files_as_they_were_published_are_built_from(results: Path, tmp_path: Path) -> None:
    def refused() -> str:
        with pytest.raises(ResultError) as error:
            build.sources(results, tmp_path / "build")
        assert "\n" not in str(error.value)
        return str(error.value)

    accuracy = (results / "stages.csv").read_bytes()
    (results / "stages.csv").write_bytes(accuracy.replace(b"0.9833", b"0.9933"))
    assert "stages.csv was changed" in refused()
    assert refused().endswith("python -m experiments.report publish=true")
    (results / "stages.csv").write_bytes(accuracy)
    (results / "pairs.csv").write_text("at\n1\n")
    assert "pairs.csv is not in SHA256SUMS; write it with: python -m experiments.compare publish=true" in refused()
    listed(results)
    (results / "pairs.csv").unlink()
    assert "pairs.csv is missing" in refused()
    text = (results / checksums.LIST).read_text()
    for damaged in (text[:-1], text + text, "", text.replace("  ", " "), "\ufeff" + text, text.replace("\n", "\r\n")):
        (results / checksums.LIST).write_bytes(damaged.encode())
        refused()
    (results / checksums.LIST).unlink()
    assert "SHA256SUMS is missing" in refused()


def test_the_committed_results_are_as_they_were_published() -> None:
    checksums.check(ROOT / "paper" / "results")


@pytest.mark.parametrize("name", build.FIGURES)
def test_signs_of_tex_in_a_cell_are_drawn_as_they_are(name: str, results: Path, tmp_path: Path) -> None:
    """Without escaping, matplotlib would set them as mathematics, or fail where that is incomplete."""
    for path in results.glob("*.csv"):
        path.write_text(re.sub(r"\b(evolution|finetuned|Stem|MBConv|forest)\b", r"$\\\\frac{a_$", path.read_text()))
    drawn = build.FIGURES[name](results)
    style.save(drawn, tmp_path / "figure.pdf")
    assert not any(text.get_parse_math() for text in drawn.findobj(Text) if "$" in text.get_text())


@pytest.mark.parametrize("document", build.DOCUMENTS)
def test_the_text_uses_the_macros_that_exist_and_types_no_number(document: str, results: Path) -> None:
    text = (ROOT / f"paper/{document}.tex").read_text()
    used = set(re.findall(r"\\([A-Z][A-Za-z]+)", text)) - {"IfFileExists", "DeclareMicrotypeSet"}
    assert used <= set(macros.numbers(results))
    body = text[text.index(r"\begin{document}") :]
    assert re.findall(r"\d+\.\d+|\d+\\,(?:ms|s\b|points)", body) == []
    assert {*re.findall(r"(\d+)\\,\\%", body)} == {"5"}  # the width of the band


@pytest.mark.parametrize("rounded", [(0.9833, 360, "not significant"), (0.9900, 36_000, "significant")])
def test_a_difference_is_compared_with_chance(rounded: tuple[float, int, str]) -> None:
    accuracy, images, verdict = rounded
    new, old = (Stage("x", "fp32", a, a, 1.0, 1.0, None, 1.0, 1.0, 1.0, "") for a in (accuracy, 0.9806))
    assert f"({verdict}, " in sentences.more_accurate(new, old, images)
    assert sentences.more_accurate(new, new, images) == "is as accurate on the test images"
    assert sentences.faster(new, old) == r"takes as long (within 2\,\%)"
    assert sentences.versus(old, new, images).startswith("is not better: it takes as long")


def test_the_target_is_judged_by_the_measurement() -> None:
    stage = Stage("x", "int8", 1.0, 1.0, 1.2e-3, 1.3e-3, None, 1.0, 1.0, 1.0, "")
    judged = [sentences.target(stage, Setup(Path(), {"target_ms": asked})) for asked in ("1.0", "1.2")]
    assert "misses the target by 20.0" in judged[0]
    assert "meets the target" in judged[1]
    slow = {"target_ms": "1.0", "machine_speed_int8": "0.75"}
    assert "would take 0.9" in sentences.target(stage, Setup(Path(), slow))
    assert "which meets it" in sentences.target(stage, Setup(Path(), slow))
    assert "which misses it" in sentences.target(stage, Setup(Path(), slow | {"machine_speed_int8": "0.9"}))
    fast = sentences.target(stage, Setup(Path(), {"target_ms": "1.25", "machine_speed_int8": "1.1"}))
    assert "meets the target; at the speed of the table's session" in fast
    assert "which misses it" in fast
    assert "session" not in sentences.target(stage, Setup(Path(), {"target_ms": "2", "machine_speed_int8": "1.1"}))


def test_words_and_numbers_are_safe_in_latex() -> None:
    assert escape("a_b & 5%\n{~}\\ 中") == r"a\_b \& 5\% \{\textasciitilde{}\}\textbackslash{} ?"
    assert [significant(x) for x in (0.0123, 1.5, 99.9, 1234.0)] == ["0.0123", "1.50", "99.9", "1234"]
    assert [count(x) for x in (2000, 6.6e10)] == [r"2\,000", r"$6.6\times10^{10}$"]


def test_without_latex_the_packages_are_named(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ResultError, match="apt-get install latexmk texlive-latex-recommended"):
        build.typeset(tmp_path)


needs_latex = pytest.mark.skipif(shutil.which("latexmk") is None, reason="latexmk is not installed")


@needs_latex
@pytest.mark.parametrize("document", build.DOCUMENTS)
def test_a_document_is_built_twice_to_the_same_bytes(
    document: str, typeset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second build starts from the first one's references, so it needs one run of LaTeX instead of several."""
    built = (typeset / f"{document}.pdf").read_bytes()
    assert built.startswith(b"%PDF")
    monkeypatch.setattr(build, "EARLIER", ("fdb_latexmk", "fls", "log", "pdf"))
    assert build.typeset(shutil.copytree(typeset, tmp_path / "another"), document).read_bytes() == built
    log = (typeset / f"{document}.log").read_text(errors="replace")
    assert (
        "Overfull" if document == "slides" else r"Overfull \hbox"
    ) not in log  # the last page's columns are balanced
    assert "undefined" not in log
    if document == "slides":
        pages = int(re.findall(rf"Output written on {document}.pdf \((\d+) pages", log)[-1])
        backups = len(re.findall("{For questions", (ROOT / "paper/slides.tex").read_text()))
        assert 12 <= pages - backups <= 15


@needs_latex
def test_what_stops_latex_is_named_and_no_document_is_left(drawn: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(drawn, tmp_path / "build")
    (folder / "slides.pdf").write_bytes(b"of an earlier build")
    numbers, figure = folder / "numbers.tex", folder / "pareto.pdf"
    whole = numbers.read_text()
    numbers.write_text(whole.replace("NasVersusHandMade", "Other"))
    with pytest.raises(ResultError, match="Undefined control sequence"):
        build.typeset(folder, "slides")
    assert not (folder / "slides.pdf").exists()
    numbers.write_text(whole)
    figure.unlink()
    with pytest.raises(ResultError, match="pareto"):
        build.typeset(folder, "slides")


def test_only_what_was_published_is_drawn(drawn: Path) -> None:
    assert {path.stem for path in drawn.glob("*.pdf")} == {*build.FIGURES}
