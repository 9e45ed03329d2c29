"""What each setting means: the comment on its field, read from the source of the configuration's dataclasses."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import io
import re
import tokenize
from collections.abc import Iterator, Mapping
from functools import cache
from textwrap import dedent
from typing import Any, get_type_hints

from experiments.config import Config
from experiments.config.registry import STRATEGIES
from experiments.config.schema import OPTIONS


def comments(source: str) -> dict[int, str]:
    """The comment in each line, by line number."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {one.start[0]: one.string.lstrip("# ") for one in tokens if one.type == tokenize.COMMENT}


def described(source: str, declared: Mapping[str, ast.AST]) -> dict[str, str]:
    """The comment of each declaration: in its own lines, or in the lines above that hold nothing else."""
    found, lines = comments(source), source.splitlines()
    texts = {}
    for name, node in declared.items():
        first, last = node.lineno, node.end_lineno  # type: ignore[attr-defined]
        while first - 1 in found and lines[first - 2].lstrip().startswith("#"):
            first -= 1
        texts[name] = " ".join(found[line] for line in range(first, last + 1) if line in found)
    return texts


@cache
def _of_class(made: type) -> Mapping[str, str]:
    """The comments of the fields that a class declares itself."""
    source = dedent(inspect.getsource(made))
    (tree,) = ast.parse(source).body
    assert isinstance(tree, ast.ClassDef)
    fields = {ast.unparse(one.target): one for one in tree.body if isinstance(one, ast.AnnAssign)}
    return described(source, fields)


def of_fields(made: type) -> dict[str, str]:
    """The comments of a dataclass's fields, inherited ones included."""
    texts: dict[str, str] = {}
    for one in reversed(made.__mro__):
        texts |= _of_class(one) if dataclasses.is_dataclass(one) else {}
    return texts


def of_options(strategy: str) -> dict[str, str]:
    """The comments of a strategy's options, read from its file, which is not imported."""
    one = STRATEGIES[strategy]
    (function,) = (
        node for node in ast.parse(one.source).body if isinstance(node, ast.FunctionDef) and node.name == strategy
    )
    return described(
        one.source, {argument.arg: argument for argument in function.args.args if argument.arg in one.options}
    )


@cache
def meanings() -> Mapping[str, str]:
    """The meaning of every setting and section, by key."""
    return dict(_meanings(Config, ""))


def _meanings(made: type, prefix: str) -> Iterator[tuple[str, str]]:
    texts, hints = of_fields(made), get_type_hints(made)
    for field in dataclasses.fields(made):
        key, hint, text = prefix + field.name, hints[field.name], texts[field.name]
        if dataclasses.is_dataclass(hint) and key != OPTIONS:
            yield key, text or _summary(hint)
            yield from _meanings(hint, f"{key}.")  # type: ignore[arg-type]
        else:
            yield key, text


def _summary(made: Any) -> str:
    """The first sentence of a class's docstring."""
    return re.sub(r"\s+", " ", made.__doc__ or "").partition(". ")[0].strip().rstrip(".")
