"""Tests the console script: the commands that it lists and runs, and the configuration keys that it explains."""

from __future__ import annotations

import ast
import importlib.metadata
import subprocess
import sys
from collections.abc import Sequence

import pytest

from experiments.__main__ import commands, described, main
from experiments.config.arguments import checked_words
from experiments.config.groups import GROUPS
from experiments.config.meanings import meanings, of_options
from experiments.config.registry import STRATEGIES
from experiments.config.schema import sections, settings
from experiments.keys import lines, page
from experiments.keys import main as keys
from search_spaces.errors import LutraError
from tests.commands import ROOT

RUN = [sys.executable, "-m", "experiments"]
SCRIPT = "from experiments.__main__ import main; import sys; sys.exit(main())"  # as pip writes it


def ran(*words: str) -> tuple[int, str, str]:
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def test_pip_installs_the_script() -> None:
    try:
        installed = importlib.metadata.distribution("lutra")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("lutra is not installed: make test installs it")
    (script,) = installed.entry_points.select(group="console_scripts", name="lutra")
    assert script.load() is main


def test_every_command_is_listed_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    listed = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()[1:])
    there = {path.stem for path in (ROOT / "experiments").glob("*.py") if "__main__" in path.read_text()} - {"__main__"}
    assert {*listed} == there | {"bench"}
    for name, path in commands().items():
        first = (ast.get_docstring(ast.parse(path.read_text())) or "").splitlines()[0]
        assert first.endswith(listed[name])
        assert first.startswith(f"python -m experiments.{name}")
        assert described(path)


@pytest.mark.parametrize(("word", "near"), [("mesure", "measure"), ("Search", "search"), ("pipelin", "pipeline")])
def test_an_unknown_command_is_one_line_with_the_nearest(
    word: str, near: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word, "seed=1"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"did you mean '{near}'?" in line


@pytest.mark.parametrize(
    "words", [("search", "--cfg", "job", "seed=3"), ("train", "train.steps=ten"), ("bench", "nil")]
)
def test_the_script_runs_what_the_module_runs(words: Sequence[str]) -> None:
    name, *rest = words
    alone = ran(sys.executable, "-m", f"experiments.{name}", *rest)
    assert ran(*RUN, *words) == alone
    assert ran(sys.executable, "-c", SCRIPT, *words) == alone


def test_keys_load_no_library_that_computes() -> None:
    program = (
        "import sys, experiments.keys as keys; keys.lines(); print({'torch', 'sklearn', 'moocore'} & {*sys.modules})"
    )
    assert ran(sys.executable, "-c", program) == (0, "set()\n", "")


def test_every_key_has_a_line_with_its_meaning() -> None:
    told = lines()
    for key in settings():
        (line,) = (line for line in told if line.startswith(f"{key}="))
        assert meanings()[key]
        assert meanings()[key] in line
    for section in sections():
        assert meanings()[section]
        assert f"\n{section}: {meanings()[section]}" in told
    for strategy in STRATEGIES:
        for name, text in of_options(strategy).items():
            assert text
            assert any(f"strategy.options.{name}=" in line and line.endswith(f"strategy={strategy}") for line in told)


def test_the_page_of_keys_is_up_to_date() -> None:
    written = (ROOT / "hydra_conf" / "README.md").read_text(encoding="utf-8")
    assert written == f"{page()}\n", "python -m experiments.keys --page > hydra_conf/README.md"
    rows = [line for line in written.splitlines() if line.startswith("| `")]
    for key, one in settings().items():
        (row,) = (row for row in rows if row.startswith(f"| `{key}` |"))
        assert meanings()[key] in row.replace("\\|", "|")
        assert one.limits is None or f"| {one.limits.unit} |" in row


def test_a_key_in_a_unit_names_it() -> None:
    units = {"_ms": "ms", "_kb": "kB", "seconds": "seconds", "minutes": "minutes", "patience": "seconds"}
    for key, one in settings().items():
        for end, unit in units.items():
            if key.endswith(end) and one.kind in (int, float):
                assert one.limits is not None, key
                assert one.limits.unit == unit, key
                assert f" ({unit})]" in next(line for line in lines(key) if line.startswith(f"{key}="))


def test_every_default_can_be_typed_as_it_is_shown() -> None:
    for line in lines():
        word = line.split("  ")[0]
        if word.partition("=")[0] in settings():
            checked_words([word])


@pytest.mark.parametrize("prefix", ["train", "train.", "compress.prune", "compress.prune.k", "see", "device"])
def test_a_prefix_chooses_its_keys(prefix: str) -> None:
    keys = [line.split("=")[0] for line in lines(prefix) if not line.startswith("\n")]
    assert keys
    wanted = prefix if prefix in settings() or prefix not in {*sections(), *GROUPS} else f"{prefix}."
    there = [key for key in settings() if key.startswith(wanted)]
    assert [key for key in keys if key in settings()] == there


def test_a_prefix_without_keys_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(LutraError, match=r"did you mean 'train\.steps'"):
        lines("train.stps")
    assert keys(["train.stps"]) == 2
    assert keys(["a", "b"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2
