"""The folder for an offline board: a program that needs only numpy and a runtime, and files protected by a hash."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from modulefinder import ModuleFinder
from pathlib import Path
from typing import Any

from predictors.agent.runtimes import RUNTIMES
from search_spaces.documents import DamagedError, parse_json, read_bytes, sha256
from search_spaces.errors import LutraError

RUN = '''"""python3 run.py: {does}"""

import sys
from pathlib import Path

try:
    import numpy  # noqa: F401
    import {imported}  # noqa: F401
except ImportError as error:
    sys.exit(f"{{error}}; type: python3 -m venv venv && venv/bin/pip install numpy {package}; venv/bin/python run.py")

from {module} import {function}

{function}(Path(__file__).resolve().parent)
'''


def program(file: str, function: str, does: str, runtime: str = "onnxruntime") -> Iterator[tuple[str, bytes]]:
    """run.py, which calls a function of one of our files, and all of our files that it imports: paths and sources.

    If the board has no runtime, run.py says how to install this machine's version.
    """
    root = Path(__file__).parents[2]
    module = ".".join(Path(file).relative_to(root).with_suffix("").parts)
    chosen = RUNTIMES[runtime]
    package = f"{chosen.PACKAGE}=={chosen.version()}"
    run = RUN.format(does=does, imported=chosen.MODULE, module=module, function=function, package=package)
    yield "run.py", run.encode()
    finder = ModuleFinder([str(root)], excludes=["numpy", *(one.MODULE for one in RUNTIMES.values())])
    finder.run_script(file)
    for found in finder.modules.values():
        if found.__file__ is not None:  # type: ignore[attr-defined]
            source = Path(found.__file__)  # type: ignore[attr-defined]
            yield source.relative_to(root).as_posix(), source.read_bytes()
            starter = source.with_name("__main__.py")
            if source.name == "__init__.py" and starter.exists():
                yield starter.relative_to(root).as_posix(), starter.read_bytes()


def sealed(content: Mapping[str, Any]) -> bytes:
    """The content as JSON with its sha256: the only bytes that `opened` accepts for this content."""
    text = json.dumps(content, sort_keys=True)
    return json.dumps({**content, "sha256": sha256(text.encode())}, sort_keys=True).encode()


def opened(path: Path, schema: str) -> dict[str, Any]:
    """A sealed file's content. Raises LutraError if the file is missing, altered, or of another schema."""
    if not path.exists():
        raise LutraError(f"cannot read {path}: there is no such file")
    try:
        data = read_bytes(path)
        content = parse_json(data, path)
        seal = content.pop("sha256", None)
        intact = sealed(content) == data
    except DamagedError:
        intact = False
    if not intact or content.get("schema") != schema:
        raise LutraError(f"{path} is damaged or not a {schema} file: move it away, and make it again")
    return {**content, "sha256": seal}


def unchanged(path: Path, expected: str) -> bytes:
    """A file's bytes. Raises LutraError if it is missing or its sha256 is not `expected`."""
    data = read_bytes(path) if path.is_file() else b""
    if sha256(data) != expected:
        raise LutraError(f"{path} is missing or damaged: copy the folder again")
    return data
