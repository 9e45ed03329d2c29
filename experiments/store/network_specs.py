"""Reads the specs in a network's file without torch."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open

from search_spaces.documents import parse_json
from search_spaces.errors import LutraError
from search_spaces.layers import Spec
from search_spaces.layers.json_specs import from_json

DAMAGES = (  # exceptions that libraries raise for damaged or foreign files
    LutraError, SafetensorError, OSError, LookupError, TypeError, ValueError, RuntimeError, AttributeError,
    ArithmeticError, MemoryError,
)  # fmt: skip


def specs_of(path: Path) -> list[Spec] | None:
    """The layers of a network from a space; None for other networks. Raises LutraError if the file has no network."""
    try:
        with safe_open(path, "np") as file:
            text = (file.metadata() or {}).get("specs")
        return None if text is None else parsed(text)
    except DAMAGES as error:
        raise LutraError(f"{path} does not contain a network made by Lutra ({first_line(error)})") from error


def parsed(text: str) -> list[Spec]:
    return [from_json(spec) for spec in parse_json(text, "its metadata", "list of layers", list)]


def first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
