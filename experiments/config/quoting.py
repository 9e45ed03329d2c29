"""Texts quoted for Hydra, whose grammar rejects letters beyond ASCII, and brackets or `#` outside quotes."""

from __future__ import annotations

import re
from pathlib import Path

from hydra.core.override_parser.types import Quote, QuotedString

from experiments.config.schema import MISSING, Setting, formatted
from experiments.config.texts import expanded
from search_spaces.errors import LutraError

PLAIN = re.compile(r"[A-Za-z_/.][\w/.:@+%?*|-]*", re.ASCII)  # Hydra reads these as texts without quotes
WORDS = {"null", "true", "false", "nan", "inf"}  # which it reads as other values
FUNCTION = re.compile(r"(choice|range|interval|shuffle|sort|tag|glob|extend_list)\(.*\)", re.DOTALL)


def quoted(one: Setting, value: str, sweeping: bool) -> str:
    """The text of a setting as Hydra takes it, quoted where necessary; in a sweep, commas separate texts."""
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        return value  # already quoted for Hydra
    if not sweeping or "," not in value:
        return _one_text(one, value, sweeping)
    if FUNCTION.fullmatch(value):
        return value
    if one.text is not None and one.text.path and Path(value).expanduser().exists():
        raise LutraError(
            f"{one.key}={formatted(value)} exists, but with --multirun its commas separate values: quote it "
            f"for the shell and for Hydra: '{one.key}=\"{value}\"'"
        )
    return ",".join(_one_text(one, part, sweeping) for part in value.split(","))


def _one_text(one: Setting, value: str, sweeping: bool) -> str:
    if value == "null" or value == MISSING or (sweeping and FUNCTION.fullmatch(value)):
        return value
    if one.text is not None and one.text.path:
        value = expanded(one.key, value)
    if PLAIN.fullmatch(value) and value.lower() not in WORDS:
        return value
    return QuotedString(value, Quote.single).with_quotes()
