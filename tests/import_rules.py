"""The rules of imports, and what breaks them: reads the syntax trees of files, and imports none of them."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {  # package -> packages of ours that it may import
    "search_spaces": {"search_spaces"},
    "predictors": {"search_spaces", "predictors"},
    "strategies": {"search_spaces", "predictors", "strategies"},
    "compress": {"search_spaces", "predictors", "compress"},
    "hydra_conf": {"hydra_conf"},
    "paper": {"paper"},
    "experiments": {"search_spaces", "predictors", "strategies", "compress", "hydra_conf", "paper", "experiments"},
}
MODULES = {"paper": ("search_spaces.documents", "search_spaces.errors")}  # files that a package may also import
ONLY_IN = {  # library -> folders where it may be imported
    "hydra": ("experiments/",),
    "omegaconf": ("experiments/",),
    "tensorboard": ("experiments/",),
    "torch.utils.tensorboard": ("experiments/",),
    "rich": ("experiments/",),
    "matplotlib": ("experiments/", "paper/figures/"),
    "pickle": (),
    "dill": (),
    "shelve": (),
}
WITHOUT_TORCH = (
    "search_spaces/layers/",
    "search_spaces/costs/",
    "search_spaces/networks/elastic.py",
    "search_spaces/space.py",
    "search_spaces/documents.py",
    "search_spaces/published.py",
    "search_spaces/mbconv.py",
    "search_spaces/spaces/tiny.py",
    "search_spaces/spaces/mobile.py",
    "search_spaces/spaces/mobile_imagenet.py",
    "search_spaces/spaces/nasbench_macro.py",
    "search_spaces/networks/onnx_writer.py",
    "predictors/tables/table.py",
    "predictors/agent/__init__.py",
    "predictors/agent/__main__.py",
    "predictors/board/agent_source.py",
    "predictors/timing/rounds.py",
    "predictors/board/resumable.py",
    "predictors/board/memory.py",
    "predictors/board/outputs.py",
    "predictors/board/offline_job.py",
    "predictors/board/offline_files.py",
    "predictors/board/classifier.py",
    "predictors/board/terminal_view.py",
    "predictors/board/offline_demo.py",
    "predictors/models/layer_costs.py",
)
AGENT = "predictors/agent/"  # the folder that goes to the board
ON_THE_BOARD = {"numpy", "onnxruntime", "ai_edge_litert", "flatbuffers"} | sys.stdlib_module_names
NO_NAME = {"utils.py", "helpers.py", "common.py", "util.py", "helper.py"}
RULED = (  # every file and folder with a rule
    *WITHOUT_TORCH,
    AGENT,
    *(f"{package}/" for package in MAY_IMPORT),
    *(folder for folders in ONLY_IN.values() for folder in folders),
    *(f"{module.replace('.', '/')}.py" for modules in MODULES.values() for module in modules),
)
Sources = Mapping[str, str]  # path from the root -> text


@cache
def imported(source: str, path: str) -> frozenset[str]:
    """Returns dotted names of all that a file imports, anywhere: `from a import b` gives `a` and `a.b`."""
    folders, names = path.split("/")[:-1], set[str]()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = folders[: len(folders) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            names.update([module, *(f"{module}.{alias.name}" for alias in node.names)])
    return frozenset(names)


def within(name: str, library: str) -> bool:
    return name == library or name.startswith(f"{library}.")


def loads_code(source: str) -> Iterator[str]:
    """Yields calls that may run code from a file: torch.load without weights_only=True, arrays with allow_pickle."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
        if ast.unparse(node.func) == "torch.load" and given.get("weights_only") != "True":
            yield "torch.load without weights_only=True"
        if given.get("allow_pickle", "False") != "False":
            yield "allow_pickle"


def faults(path: str, source: str) -> list[str]:
    """Returns the rules that a file breaks."""
    package, names = path.split("/")[0], imported(source, path)
    other = {name for name in names if not any(within(name, module) for module in MODULES.get(package, ()))}
    roots = {name.split(".")[0] for name in other}
    ours = sorted((roots & set(MAY_IMPORT)) - MAY_IMPORT[package])
    libraries = sorted(
        library
        for library, folders in ONLY_IN.items()
        if any(within(name, library) for name in names) and not path.startswith(folders)
    )
    board = sorted(_beyond_the_board(names)) if path.startswith(AGENT) else []
    found = [f"{path} imports {name}" for name in dict.fromkeys([*ours, *libraries, *board])]
    found += [f"{path}: {call}" for call in loads_code(source)]
    return found + ([f"{path}: a file is named after what it does"] if path.split("/")[-1] in NO_NAME else [])


def _beyond_the_board(names: frozenset[str]) -> set[str]:
    """Returns names the agent may not import: all but the standard library, two packages and itself."""
    strange = {name for name in names if name != "predictors" and not within(name, AGENT.strip("/").replace("/", "."))}
    return {name.split(".")[0] for name in strange} - ON_THE_BOARD


def reached(path: str, sources: Sources) -> set[str]:
    """Returns names that a file imports, itself or through our files, with the packages' `__init__`s."""
    names: set[str] = set()
    todo, seen = [path], {path}
    while todo:
        here = todo.pop()
        found = imported(sources[here], here)
        names |= found
        parts = [name.split(".") for name in found] + [here.split("/")[:-1]]
        prefixes = {"/".join(part[:end]) for part in parts for end in range(1, len(part) + 1)}
        files = {f"{prefix}{end}" for prefix in prefixes for end in (".py", "/__init__.py")} & set(sources) - seen
        todo += files
        seen |= files
    return names


def needs_torch(path: str, sources: Sources) -> bool:
    return any(within(name, library) for name in reached(path, sources) for library in ("torch", "torchvision"))


def files_of(path: str, sources: Sources) -> list[str]:
    """Returns the file of that path or, if it ends in a slash, all files in the folder."""
    return [file for file in sources if file == path or (path.endswith("/") and file.startswith(path))]


def absent(sources: Sources) -> list[str]:
    """Returns what rules name but is missing: when a file moves, its rules must follow."""
    return [path for path in dict.fromkeys(RULED) if not files_of(path, sources)]
