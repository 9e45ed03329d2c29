"""References to functions by name, whose modules are imported when they are called.

Commands and the choices of a configuration refer to functions instead of importing them, so that a command line is
checked, or a finished step found, without loading torch.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from experiments import importing
from search_spaces import ranges


@dataclass(frozen=True)
class Reference:
    """The function `module:name`."""

    name: str

    @property
    def module(self) -> str:
        return self.name.partition(":")[0]

    @cached_property
    def function(self) -> Any:
        with importing():
            return getattr(importlib.import_module(self.module), self.name.partition(":")[2])

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return self.function(*arguments, **keywords)

    @cached_property
    def source(self) -> str:
        """The source of its module, which is not executed."""
        spec = importlib.util.find_spec(self.module)
        assert spec is not None
        assert spec.origin is not None
        return Path(spec.origin).read_text(encoding="utf-8")

    @cached_property
    def options(self) -> Mapping[str, Option]:
        """The function's parameters with defaults, by name; read from the source, which is not executed."""
        tree, name = ast.parse(self.source), self.name.partition(":")[2]
        (found,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
        defaults = found.args.defaults
        parameters = found.args.args[len(found.args.args) - len(defaults) :]
        return {one.arg: _option(self.name, one, default) for one, default in zip(parameters, defaults)}


@dataclass(frozen=True)
class Option:
    hint: Any  # its annotation
    default: Any


def _option(function: str, parameter: ast.arg, default: ast.expr) -> Option:
    """Raises TypeError for an annotation or a default that cannot be read without importing the module."""
    names = {**vars(typing), **vars(ranges)}
    try:
        hint = eval(ast.unparse(parameter.annotation), names) if parameter.annotation else Any
        return Option(hint, ast.literal_eval(default))
    except (NameError, ValueError) as error:
        raise TypeError(
            f"{function}: the option {parameter.arg} needs a literal default, and an annotation of "
            f"built-in types, typing and search_spaces.ranges ({error})"
        ) from error
