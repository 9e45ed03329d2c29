"""Tests words on the command line that are no settings, or have wrong values: one line says what to type."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl

from experiments.bench.__main__ import BENCHMARKS, asked, main
from search_spaces.errors import LutraError
from tests.commands import Command
from tests.experiments.outcomes import Refused


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("--nope", "unrecognized arguments: --nope"),
        ("--cfg=foo", "invalid choice: 'foo'"),
        ("--resolve", "--cfg job --resolve"),
        ("--package=train", "goes with --cfg"),
        ("--experimental-rerun=config.pickle", "pickle"),
        ("--experiment", "settings are written key=value"),
        ("--config-name=nope", "nope"),
        ("--config-path=/nope", "/nope"),
        ("--config-dir=/nope", "'/nope' not found"),
        ("smoke", "did you mean experiment=smoke?"),
        ("=1", "settings are written key=value"),
        ("seed", "settings are written key=value without spaces"),
        ("strategy", "settings are written key=value without spaces"),
        ("strategy=", "strategy"),
        ("strategy=évolution", "did you mean 'evolution'?"),
        ("strategy=random,darts", "add --multirun"),
        ("strategy=[random,darts]", "give one name"),
        ("nogroup/x=1", "nogroup"),
        ("hydra/launcher=nope", "nope"),
        ("hydra.nope=1", "nope"),
        ("data@other=digits", "other"),
        ("seed=1,2", "add --multirun"),
        ("experiment=null", "give one name"),
        ("hydra=5", "Hydra cannot use this command line"),
        ("é=1", "settings are written key=value"),
        ("seed.=1", "settings are written key=value"),
        ("", "''"),
        ("a" * 10_000, "settings are written key=value"),
        ("sede=(", "did you mean 'seed'?"),
        ("--shell-completion", "install"),
        ("fidelity.train=[]", "fidelity.train=[]"),
        ("seed=range(0,3)", "add --multirun"),
        ("~seed", "would remove a setting"),
        ("~train", "would remove a setting"),
        ("train=5", "give train.KEY=VALUE"),
        ("strategy.options=5", "give strategy.options.KEY=VALUE"),
        ("train={steps: 0}", "train.steps=0 is out of range"),
        ("train={stpes: 1}", "did you mean 'train.steps'?"),
        ("train.steps=ten", "train.steps=ten has the wrong type: give a whole number from 1 to 100,000,000"),
        ("train.steps=(1", "train.steps=(1 cannot be read: give a whole number"),
        ("table=${nokey}", "table: there is no key 'nokey'"),
        ("retrain.steps=${train.momentum}", "retrain.steps=0.9 has the wrong type"),
        ("ignore=cpu", "ignore=cpu is not a list: give a list in brackets"),
        ("ignore=[ảnh]", "ignore=[ảnh] cannot be read"),
        ("sweep=../../esc", "is not a name"),
        ("runs=~no_one/x", "there is no user 'no_one'; for a folder of that name: runs=./~no_one/x"),
        ("tables.action=verfy", "did you mean 'verify'?"),
        ("fidelity.unit=minutes", "There are: s, ms, us"),
        ("strategy.options.tournament=30", "tournament=30"),
        ("strategy.options.population=nan", "strategy.options.population=nan"),
        ("measure.min_rounds=99", "add measure.max_rounds=99"),
        ("compress.stages=[prune,prune]", "prune twice in a row"),
        ("threads=1000", "cores: give at most"),
        ("device.threads=1000", "cores: give at most"),
        ("train.batch=2000", "training images"),
        ("publish=maybe", "give true or false"),
    ],
)
def test_a_wrong_form_is_one_line(word: str, said: str, refused: Refused) -> None:
    assert said in refused(word)


def test_a_wrong_value_of_a_sweep_is_told_before_its_first_job(refused: Refused) -> None:
    assert "seed=abc has the wrong type" in refused("experiment=smoke", "--multirun", "seed=0,abc")
    assert "no precision 'int4'" in refused("precision=int8,int4", "--multirun")
    assert "seed=range(0,3,0) is not a valid sweep" in refused("seed=range(0,3,0)", "-m")
    assert "seed=interval(0,1) is not a valid sweep" in refused("seed=interval(0,1)", "-m")
    assert "no key 'nokey'" in refused("table=${nokey}", "runs=${nokey}", "-m")
    assert "more than 100,000 jobs" in refused("seed=range(0,1000)", "supernet_seed=range(0,1000)", "-m")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sede=1"], "did you mean 'seed'?"),
        (["+train.stpes=1"], "did you mean 'train.steps'?"),
        (["~sede"], "did you mean 'seed'?"),
        (["train={stpes: 1}"], "did you mean 'train.steps'?"),
        (["train={steps: ten}"], "train.steps=ten has the wrong type"),
        (["strategy=drats"], "did you mean 'darts'?"),
        (["strategy=random,drats", "-m"], "did you mean 'darts'?"),
        (["nogroup/x=1"], "no key 'nogroup/x'"),
        (["table=${nokey}"], "table: there is no key 'nokey'"),
        (["train={steps: '${retrain.stpes}'}"], "train.steps: there is no key 'retrain.stpes'"),
        (["ignore=['${nokey}']"], "ignore: there is no key 'nokey'"),
        (["table=${"], "table: ${KEY} refers to another setting"),
    ],
)
def test_errors_are_found_before_hydra_composes(
    words: list[str], said: str, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ConfigLoaderImpl, "load_configuration", lambda *_, **__: pytest.fail("Hydra composes"))
    assert said in refused(*words)


def test_a_word_that_the_shell_split_off_names_the_quotes(refused: Refused) -> None:
    assert 'quoted: "data.path=my photos"' in refused("data.path=my", "photos")
    assert "without a space it is data.path=photos" in refused("data.path=", "photos")
    assert "written key=value without spaces" in refused("strategy", "=", "nsga2")


def test_wrong_forms_on_the_real_command_line(command: Command, tmp_path: Path) -> None:
    for words in (["experiment=smoke", "--multirun", "seed=0,abc"], ["--nope"]):
        done = command("status", f"runs={tmp_path}", *words)
        assert (done.code, done.out) == (2, "")
        assert done.err.count("\n") == 1


def test_help_on_a_benchmark_describes_it_and_runs_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("subprocess.run", lambda *_, **__: pytest.fail("a benchmark runs"))
    assert main(["demo", "--help"]) == 0
    assert capsys.readouterr().out.startswith("python -m experiments.bench.demo")


def test_benchmarks_are_named() -> None:
    assert asked([]) == asked(["--help"]) == ([], [])
    assert asked(["all", "csv=x"]) == ([*BENCHMARKS], ["csv=x"])
    assert asked(["bounds"]) == (["bounds"], [])
    for words in (["bonds"], ["--nope"], ["csv=x"]):
        with pytest.raises(LutraError):
            asked(words)
