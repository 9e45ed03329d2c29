"""The agent's files bundled into one Python file, which is sent to the board."""

from __future__ import annotations

from functools import cache
from pathlib import Path

AGENT = Path(__file__).parents[1] / "agent"  # runs as it is: python predictors/agent
TEXT = '''"""Lutra's agent: the files of predictors/agent in one."""

import sys
from importlib.util import spec_from_loader

FILES = {files}
FOLDERS = {folders}


class Finder:
    """Imports FILES by their names."""

    def find_spec(self, name, path=None, target=None):
        return spec_from_loader(name, self, is_package=name in FOLDERS) if name in FILES else None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        exec(compile(FILES[module.__name__], module.__name__, "exec"), module.__dict__)


sys.meta_path.insert(0, Finder())
from predictors.agent import __main__
'''


@cache
def agent_source() -> bytes:
    """The bundled agent: runs as `python FILE PATIENCE` and needs no other file of ours."""
    files, folders = {"predictors": ""}, ["predictors"]
    for path in sorted(AGENT.rglob("*.py")):
        name = ".".join(path.relative_to(AGENT.parents[1]).with_suffix("").parts)
        if path.stem == "__init__":
            name = name.removesuffix(".__init__")
            folders.append(name)
        files[name] = path.read_text(encoding="utf-8")
    return TEXT.replace("{folders}", repr(folders)).replace("{files}", repr(files)).encode()
