"""Tests that pip installs all that the commands need, and how Makefile and .ci/run choose Python."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import OUTSIDE, PACKAGES, ROOT

NEEDED = ("*.py", "*.yaml", "*.tex", "*.bib")  # files that the commands read
INSTALLED = """
import sys
from setuptools import Distribution
made = Distribution({"script_name": "setup.py", "script_args": ["-q", "build_py"]})
made.parse_config_files()
made.get_command_obj("build").build_base = sys.argv[1]
made.get_command_obj("egg_info").egg_base = sys.argv[1]
made.parse_command_line()
made.run_commands()
"""
# Stands for Python: records what it is asked; `-m venv FOLDER` copies it there.
RECORDER = """#!/bin/sh
case "$*" in
  "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  -c*) ;;
  *) echo "$*" >> "$RECORD" ;;
esac
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the folder of packages that pip would install, made by setuptools from setup.cfg."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-c", INSTALLED, str(folder)], cwd=ROOT, check=True, capture_output=True)
    return folder / "lib"


def test_every_file_that_a_command_reads_is_installed(installed: Path) -> None:
    there = {path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file()}
    needed = {
        path.relative_to(ROOT).as_posix() for one in PACKAGES for kind in NEEDED for path in (ROOT / one).rglob(kind)
    }
    assert there == {name for name in needed if not name.startswith(("experiments/runs/", "paper/build/"))}


@pytest.mark.parametrize(
    "words", [("keys", "train"), ("search", "--cfg", "job", "data=cifar10"), ("pipeline", "seed=x")]
)
def test_an_installed_command_runs_from_any_folder(words: tuple[str, ...], installed: Path, tmp_path: Path) -> None:
    """It says what it says in a checkout."""
    script = "from experiments.__main__ import main; import sys; sys.exit(main())"

    def ran(packages: Path, folder: Path) -> tuple[int, str, str]:
        program = [sys.executable, "-c", script, *words]
        environment = {**OUTSIDE, "PYTHONPATH": str(packages)}
        done = subprocess.run(program, cwd=folder, env=environment, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    assert ran(installed, tmp_path) == ran(ROOT, ROOT)


def test_an_installed_paper_is_built_in_the_users_folder(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "paper.build"],
        cwd=tmp_path,
        env={**OUTSIDE, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("paper/results")


def recorder(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(RECORDER)
    path.chmod(0o755)
    return path


def test_make_works_in_a_folder_with_spaces(tmp_path: Path) -> None:
    """The folder of Python has spaces too."""
    python, house, record = recorder(tmp_path / "my tools", "python3"), tmp_path / "my lutra (1)", tmp_path / "record"
    house.mkdir()
    for name in ("Makefile", "setup.cfg", "pyproject.toml"):
        (house / name).write_bytes((ROOT / name).read_bytes())
    words = ["make", "demo", "test", f"PYTHON={python}", "VENV=.venv-3.99"]
    subprocess.run(words, cwd=house, env={**OUTSIDE, "RECORD": str(record)}, check=True, capture_output=True)
    asked = record.read_text().splitlines()
    assert asked.count("-m experiments.pipeline experiment=demo") == 1
    assert asked[0] == "-m pip install --editable ."
    assert (house / ".venv-3.99" / "ready").exists()


def test_ci_runs_linters_and_tests_with_each_python_that_is_asked_for(tmp_path: Path) -> None:
    """The versions are those that setup.cfg names, and the oldest is the one it requires."""
    read = configparser.ConfigParser()
    read.read(ROOT / "setup.cfg")
    versions = re.findall(r"Python :: (3\.\d+)", read["metadata"]["classifiers"])
    assert read["options"]["python_requires"] == f">={versions[0]}"
    for version in versions:
        recorder(tmp_path, f"python{version}")
    make, record = tmp_path / "make", tmp_path / "record"
    make.write_text('#!/bin/sh\necho "$*" >> "$RECORD"\n')
    make.chmod(0o755)
    environment = {**OUTSIDE, "PATH": f"{tmp_path}:{os.environ['PATH']}", "RECORD": str(record)}
    subprocess.run([ROOT / ".ci" / "run", *versions], env=environment, check=True, capture_output=True)
    assert record.read_text().splitlines() == [
        f"lint test PYTHON={tmp_path}/python{version} VENV=.venv-{version}" for version in versions
    ]


def test_the_image_ignores_what_git_ignores() -> None:
    """Folders that are no part of the project may hold several GB."""
    ignored = [
        (ROOT / name).read_text().replace("**/", "").replace("/\n", "\n").split()
        for name in (".gitignore", ".dockerignore")
    ]
    assert {*ignored[0], ".git"} == {*ignored[1]}
