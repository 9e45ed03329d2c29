"""Campaign on command lines made from the schema: each gives a configuration, or one line that says what to type."""

from __future__ import annotations

import copy
import math
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.errors import HydraException
from hydra.plugins.sweeper import Sweeper
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from experiments.bench.__main__ import BENCHMARKS, asked
from experiments.config import Config
from experiments.config import command as command_line
from experiments.config.arguments import PARSER, checked_words
from experiments.config.choices import STRATEGIES
from experiments.config.groups import CONFIGS
from experiments.config.schema import Setting, settings
from experiments.config.stored_schema import store
from experiments.config.validation import check
from experiments.config.values import CHOICES, option_settings
from experiments.setup.recipes import check_batches
from search_spaces.errors import LutraError
from tests.commands import OUTSIDE, ROOT, Command
from tests.faults.campaign import FOLDER, Figures, campaign

FREE = {  # names of something on a board, in a file or in the paper; lists that their command checks
    *("paper.title", "paper.author", "recipes.tried", "transfer.targets", "data.group", "data.title"),
    *("device.host", "device.hosts", "device.user", "device.python", "device.folder", "device.cores", "device.runtime"),
    *(
        "fidelity.options",
        "fidelity.latency",
        "compare.options",
        "compare.accuracy",
        "compare.report",
        "compare.latency",
    ),
    *("exact.options", "exact.accuracy", "exact.latency", "ranking.options", "ranking.accuracy"),
}
VALUES = (
    *("", "null", "true", "ten", "-1", "0", "1", "1.5", "1e400", "nan", "-inf", "18446744073709551616", "9" * 5000),
    *("[]", "[1,2]", "{a: 1}", "(", "ảnh (1)/a=b,c#d", "Tom's", '"', "a\\", "a b", "a\nb", "\x1b[31m", "\udcff"),
    *("~", "~no_one/x", "../../esc", "/dev/null/x", "${nokey}", "${", "${seed}", "???", "1,2", "range(0,3)", "'a'"),
    "[" * 100,
)
GRAMMAR = re.compile(r"mismatched|extraneous|token recognition|no viable|EOF|\bID\b|ParserError|full_key|object_type")
PATHS = ["ảnh", "my photos (1)", "Tom's", "a#b", "a=b", "a,b", "a;b", "{a}", "[a]", "a:b", "007", "1e3", "true", "-a"]
PATHS += ["nan", "é\u0301", "日本", "a\\b", "a\\", 'say "no"', "'", "a'b\"c", "$HOME", "a&b|c", "%20", "a  b", " a "]
KEYS = [one.key for one in settings().values() if one.text is not None and one.text.path]
Refused = Callable[..., str]


@pytest.fixture(scope="module")
def defaults() -> DictConfig:
    """Returns the configuration that Hydra composes without overrides."""
    store("experiments.search")
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return compose("config")


def configuration(defaults: DictConfig, *words: str) -> Config:
    """Returns the configuration of some overrides as a command does, without composing again. Raises LutraError."""
    overrides = [word for word in checked_words(words) if "=" in word]
    keys = [word.partition("=")[0] for word in overrides]
    before = {key: copy.deepcopy(OmegaConf.select(defaults, key)) for key in keys}
    try:
        ConfigLoaderImpl._apply_overrides_to_config(PARSER.parse_overrides(overrides), defaults)
        return command_line.checked(defaults)
    except (HydraException, OmegaConfBaseException) as error:
        raise LutraError(command_line._explain(error)) from error
    finally:
        for key, value in before.items():
            OmegaConf.update(defaults, key, value, merge=False)


def configuration_or_line(defaults: DictConfig, *words: str) -> Config | str:
    try:
        return configuration(defaults, *words)
    except LutraError as error:
        return str(error)


def numbers() -> Iterator[Setting]:
    yield from (one for one in settings().values() if one.kind in (int, float))
    for strategy in STRATEGIES:
        yield from (one for one in option_settings(strategy).values() if one.kind in (int, float))


def test_every_number_has_a_range_with_an_upper_end() -> None:
    unlimited = [one.key for one in numbers() if one.limits is None or not math.isfinite(one.limits.high)]
    assert unlimited == []
    assert len([*numbers()]) > 80


def test_every_text_is_a_path_or_a_name_or_a_choice() -> None:
    texts = {one.key for one in settings().values() if one.kind is str and one.text is None}
    assert texts - set(CHOICES) == FREE


@pytest.mark.parametrize("one", [*numbers()], ids=lambda one: one.key)
def test_numbers_out_of_range_are_refused(one: Setting) -> None:
    assert one.limits is not None
    outside = [one.limits.low - 1, one.limits.high + 1, 2**64, -(2**64), 10**400, math.nan, math.inf, -math.inf]
    outside += [one.limits.low] * one.limits.above + [one.limits.high] * one.limits.below
    outside += [1.5] * (one.kind is int)
    for value in (*outside, "ten", "", {"a": 1}, [[1]], True):
        with pytest.raises(LutraError) as refused:
            one.value([value] if one.many else value)
        assert one.key in str(refused.value)
        assert str(refused.value).isprintable()


@pytest.mark.parametrize("key", settings())
def test_every_key_takes_or_refuses_every_kind_of_value(key: str, defaults: DictConfig) -> None:
    """The fast share gives each key one value in three: neighbouring keys get different ones."""
    one = settings()[key]
    values = VALUES if FOLDER else VALUES[[*settings()].index(key) % 3 :: 3]

    def every_value(_: Random) -> Figures:
        taken = [config for value in values if (config := taken_or_refused(defaults, one, value)) is not None]
        assert len(taken) < len(values)
        return {"command lines": len(values), "taken": len(taken)}

    campaign(f"command-lines-{key}", "command lines", len(values), len(values), every_value)


def taken_or_refused(defaults: DictConfig, one: Setting, value: str) -> Config | None:
    """Returns the configuration with a valid value of a setting; None if one line refuses it."""
    config = configuration_or_line(defaults, f"{one.key}={value}")
    if isinstance(config, str):
        assert config.isprintable(), value
        assert not GRAMMAR.search(config), value
        return None
    taken = attrgetter(one.key)(config)
    for number in (taken if one.many else [taken]) if one.limits is not None and taken is not None else []:
        assert number in one.limits, value
        assert type(number) is one.kind, value
    return config


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("--nope", "unrecognized arguments: --nope"),
        ("--cfg=foo", "invalid choice: 'foo'"),
        ("--resolve", "--cfg job --resolve"),
        ("--package=train", "goes with --cfg"),
        ("--experimental-rerun=config.pickle", "pickle"),
        ("--config-name=nope", "nope"),
        ("--config-path=/nope", "/nope"),
        ("--config-dir=/nope", "'/nope' not found"),
        ("smoke", "did you mean experiment=smoke?"),
        ("=1", "settings are written key=value"),
        ("seed", "settings are written key=value"),
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


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Refused:
    """Returns the one line on stderr of a command that refuses some arguments; it runs here, and no job may start."""
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> str:
        began: list[Config] = []
        monkeypatch.setattr(sys, "argv", ["command", f"runs={tmp_path / 'runs'}", *words])
        with pytest.raises(SystemExit) as stopped:
            command_line.run(began.append)
        said = capsys.readouterr()
        assert (stopped.value.code, said.out, began) == (2, "", [])
        assert said.err.startswith("error: ")
        assert said.err.count("\n") == 1
        assert not GRAMMAR.search(said.err)
        assert not [path for path in tmp_path.rglob("*") if path.name != "runs"]
        return said.err

    return run


@pytest.fixture
def got(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., list[Config]]:
    """Returns the configurations that a command's jobs get for some arguments."""
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    monkeypatch.setattr(Sweeper, "validate_batch_is_legal", lambda *_: None)  # it composes all jobs

    def run(*words: str) -> list[Config]:
        began: list[Config] = []
        monkeypatch.setattr(sys, "argv", ["command", f"runs={tmp_path / 'runs'}", *words])
        command_line.run(began.append)
        return began

    return run


def test_a_configuration_is_composed_once(got: Callable[..., list[Config]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Composing takes longer than everything else before a job begins."""
    composed: list[str] = []
    load = ConfigLoaderImpl.load_configuration

    def counted(self: ConfigLoaderImpl, *words: Any, **more: Any) -> DictConfig:
        composed.append("")
        return load(self, *words, **more)

    monkeypatch.setattr(ConfigLoaderImpl, "load_configuration", counted)
    assert [config.seed for config in got("experiment=smoke", "seed=3")] == [3]
    assert len(composed) == 1


def test_options_may_stand_anywhere(got: Callable[..., list[Config]]) -> None:
    assert [config.seed for config in got("experiment=smoke", "--multirun", "seed=0,1")] == [0, 1]
    assert [config.seed for config in got("--multirun", "experiment=smoke", "seed=2,3")] == [2, 3]


def test_a_wrong_value_of_a_sweep_is_told_before_its_first_job(refused: Refused) -> None:
    assert "seed=abc has the wrong type" in refused("experiment=smoke", "--multirun", "seed=0,abc")
    assert "no precision 'int4'" in refused("precision=int8,int4", "--multirun")
    assert "seed=range(0,3,0) is not a valid sweep" in refused("seed=range(0,3,0)", "-m")
    assert "seed=interval(0,1) is not a valid sweep" in refused("seed=interval(0,1)", "-m")
    assert "no key 'nokey'" in refused("table=${nokey}", "runs=${nokey}", "-m")
    assert "more than 100,000 jobs" in refused("seed=range(0,1000)", "supernet_seed=range(0,1000)", "-m")


@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_taken_as_it_is_typed(path: str, defaults: DictConfig) -> None:
    for place in (path, f"/{path}/{path}"):
        config = configuration(defaults, "data.name=image_folder", *(f"{key}={place}" for key in KEYS))
        assert {key: attrgetter(key)(config) for key in KEYS} == dict.fromkeys(KEYS, place)


@given(st.text(st.characters(exclude_categories=["C"]), min_size=1))
def test_any_printable_text_is_taken_as_it_is_typed(text: str) -> None:
    word = f"table=/{text}"
    (override,) = PARSER.parse_overrides(checked_words([word]))
    assert override.value() == f"/{text}"


def test_the_home_folder_is_found_for_every_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, got: Callable[..., list[Config]], defaults: DictConfig
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "my home"))
    monkeypatch.chdir(tmp_path)
    for quote in ("", "'"):
        words = (f"{key}={quote}~/x{quote}" for key in KEYS)
        config = configuration(defaults, "data.name=image_folder", *words)
        assert {key: attrgetter(key)(config) for key in KEYS} == dict.fromkeys(KEYS, f"{tmp_path}/my home/x")
    got("runs=~/runs", "--multirun", "seed=0,1")
    got("runs='~/other'", "--multirun", "seed=0,1")
    assert not [path for path in tmp_path.rglob("*") if "~" in str(path)]
    assert (tmp_path / "my home" / "other" / "sweeps").is_dir()


def test_a_comma_in_a_path_separates_only_where_a_sweep_is_asked_for(
    tmp_path: Path, got: Callable[..., list[Config]], refused: Refused
) -> None:
    (one,) = got(f"table={tmp_path}/a,b")
    assert one.table == f"{tmp_path}/a,b"
    assert [config.table for config in got("table=a (1),b", "--multirun")] == ["a (1)", "b"]
    (tmp_path / "a,b").mkdir()
    quoted = f"'table=\"{tmp_path}/a,b\"'"
    with pytest.raises(LutraError, match=re.escape(quoted)):
        checked_words([f"table={tmp_path}/a,b", "--multirun"])
    assert [config.table for config in got(f'table="{tmp_path}/a,b"', "seed=0,1", "--multirun")] == [one.table] * 2


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


def test_references_that_can_be_resolved_are_taken(defaults: DictConfig) -> None:
    assert configuration(defaults, "retrain.steps=${train.steps}").retrain.steps == Config().train.steps
    assert configuration(defaults, "table=/a/${space.name}/${ seed }").table == "/a/tiny/0"
    assert configuration(defaults, r"table=/a/\${x}").table == "/a/${x}"
    assert configuration(defaults, "table=${oc.env:NO_SUCH_VARIABLE,/x}").table == "/x"


def test_a_users_own_folder_of_configurations(
    tmp_path_factory: pytest.TempPathFactory, got: Callable[..., list[Config]], refused: Refused
) -> None:
    folder = tmp_path_factory.mktemp("own")
    (folder / "device").mkdir(parents=True)
    (folder / "device" / "lab.yaml").write_text("name: local\nthreads: 2\n")
    (folder / "room").mkdir()
    (folder / "room" / "quiet.yaml").write_text("# @package _global_\nseed: 7\ntable: /x/${space.name}\n")
    (folder / "room" / "bad.yaml").write_text("# @package _global_\ntable: ${nokey}\n")
    for option in (f"--config-dir={folder}", f"hydra.searchpath=[file://{folder}]"):
        (config,) = got("device=lab", "+room=quiet", option)
        assert (config.device.threads, config.seed, config.table) == (2, 7, "/x/tiny")
    assert "lab" in refused("device=lob", f"--config-dir={folder}").partition("There are")[2]
    assert "table: there is no key 'nokey'" in refused("+room=bad", f"--config-dir={folder}")


def test_a_word_that_the_shell_split_off_names_the_quotes(refused: Refused) -> None:
    assert 'quoted: "data.path=my photos"' in refused("data.path=my", "photos")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"data.size": 2048, "train.batch": 65536, "data.name": "cifar10", "space.name": "mobile"}, "GiB"),
        ({"data.size": 2048, "data.name": "cifar10"}, "60,000 images at 2048 px need"),
        ({"train.steps": 10**8, "retrain.steps": 10**8, "ranking.networks": 10**6}, "years"),
        ({"measure.max_rounds": 1000, "measure.min_rounds": 1000, "measure.sample_seconds": 10.0,
          "fidelity.networks": 10_000}, "years"),
        ({"compare.seeds": 10_000, "search.budget": 10**6, "space.name": "mobile"}, "years"),
    ],
)  # fmt: skip
def test_what_cannot_end_or_fit_is_told_first(changes: dict[str, object], said: str) -> None:
    with pytest.raises(LutraError, match=said) as refused:
        check(changed(Config(), changes))
    assert "lower" in str(refused.value)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("experiment/*.yaml")), ids=lambda path: path.stem)
def test_presets_are_not_refused(path: Path, got: Callable[..., list[Config]]) -> None:
    needed = ["data=digits", "data.size=32", "device.host=board", "accelerator=auto"]  # their own images are not here
    assert len(got(f"experiment={path.stem}", *(needed if "cifar" in path.stem else ()))) == 1


def test_a_batch_larger_than_a_small_data_set_is_told() -> None:
    assert check_batches(Config(), 1000) == ""
    assert "train.batch=64, retrain.batch=64" in check_batches(Config(), 20)
    with pytest.raises(LutraError, match=r"train\.batch=2000 is more than the 300 training images"):
        check_batches(changed(Config(), {"train.batch": 2000}), 300)


@pytest.mark.parametrize("key", ["results", "demo.bundle", "demo.record"])
def test_where_nothing_can_be_written_is_told_first(key: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    wanted = changed(Config(), {"publish": True, "results": str(tmp_path)})
    check(changed(wanted, {key: str(tmp_path / "new" / "deeper.gif")}))
    for place in (tmp_path / "file" / "x.gif", Path("/proc/x/x.gif"), Path("/dev/null/x.gif")):
        with pytest.raises(LutraError, match=rf"{key}: nothing can be written"):
            check(changed(wanted, {key: str(place)}))


def changed(config: Config, values: dict[str, object]) -> Config:
    """Returns the configuration with other values, by their keys."""

    def put(made: object, key: str, value: object) -> object:
        head, _, rest = key.partition(".")
        return replace(made, **{head: put(getattr(made, head), rest, value) if rest else value})  # type: ignore[type-var]

    for key, value in values.items():
        config = put(config, key, value)  # type: ignore[assignment]
    return config


def test_wrong_forms_on_the_real_command_line(command: Command, tmp_path: Path) -> None:
    for words in (["experiment=smoke", "--multirun", "seed=0,abc"], ["--nope"]):
        done = command("status", f"runs={tmp_path}", *words)
        assert (done.code, done.out) == (2, "")
        assert done.err.count("\n") == 1


def started(*words: str, before: Path | None = None) -> subprocess.CompletedProcess[str]:
    path = f"{before}:{ROOT}" if before else str(ROOT)
    return subprocess.run([sys.executable, *words], env={**OUTSIDE, "PYTHONPATH": path}, capture_output=True, text=True)


def test_ctrl_c_during_the_imports_is_one_line(tmp_path: Path) -> None:
    for library in ("hydra", "rich"):
        (tmp_path / library).mkdir()
        (tmp_path / library / "__init__.py").write_text("import signal\nsignal.raise_signal(signal.SIGINT)\n")
    done = started("-m", "experiments.status", before=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: interrupted; the same command starts again\n"


def test_ctrl_c_during_later_imports_is_one_line(tmp_path: Path) -> None:
    """Libraries in C turn it into another error."""
    (tmp_path / "torch").mkdir()
    lines = ["import signal", "try:", "    signal.raise_signal(signal.SIGINT)"]
    lines += ["except KeyboardInterrupt as error:", "    raise ImportError('many lines') from error"]
    (tmp_path / "torch" / "__init__.py").write_text("\n".join(lines) + "\n")
    done = started("-m", "experiments.compare", f"runs={tmp_path / 'runs'}", before=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: interrupted; the same command starts again\n"


@pytest.mark.parametrize(
    ("library", "words"),
    [
        ("hydra", ["experiments.pipeline"]),
        ("omegaconf", ["experiments", "pipeline"]),
        ("rich", ["experiments.status"]),
        ("numpy", ["experiments.pipeline", "experiment=smoke"]),
        ("numpy", ["experiments.exact", "--multirun", "seed=0,1"]),
        ("torch", ["experiments.train", "experiment=smoke"]),
    ],
)
def test_a_library_that_is_not_installed_is_one_line(library: str, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules[{library!r}] = None\n")
    done = started("-m", *words, f"runs={tmp_path / 'runs'}", before=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert done.stderr.startswith(f"error: {library} is not installed for {sys.executable}: pip install .")
    assert "make demo" in done.stderr


def test_a_file_of_ours_that_is_missing_is_no_library(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['search_spaces.errors'] = None\n")
    done = started("-m", "experiments.status", before=tmp_path)
    assert done.returncode == 1
    assert "search_spaces.errors" in done.stderr.splitlines()[-1]


def test_windows_is_refused_by_the_import() -> None:
    windows = "import sys; sys.platform = 'win32'; sys.argv = [{}]; import experiments"
    command, library = (started("-c", windows.format(first)) for first in ("'-m'", "'x.py'"))
    assert (command.returncode, command.stderr.count("\n")) == (2, 1)
    assert "WSL" in command.stderr
    assert "ImportError: Lutra runs on Linux and macOS" in library.stderr
    assert "Windows" in (ROOT / "README.md").read_text()


def test_benchmarks_are_named() -> None:
    assert asked([]) == asked(["--help"]) == ([], [])
    assert asked(["all", "csv=x"]) == ([*BENCHMARKS], ["csv=x"])
    assert asked(["bounds"]) == (["bounds"], [])
    for words in (["bonds"], ["--nope"], ["csv=x"]):
        with pytest.raises(LutraError):
            asked(words)
