"""Formats numbers and words for LaTeX: milliseconds and percent, three significant digits, escaped text."""

from __future__ import annotations

import math
import unicodedata

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: "\\" + character for character in "&%$#_{}"},
}


def escape(text: str) -> str:
    """Text escaped and on one line; characters that the font lacks become question marks."""
    composed = unicodedata.normalize("NFKC", " ".join(text.split()))
    known = "".join(c if c.isprintable() and ord(c) < 256 else "?" for c in composed)
    return "".join(_SPECIAL.get(character, character) for character in known)


def decimals(value: float) -> int:
    """The number of decimals that gives three significant digits; 0 from 100 on."""
    return max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0


def significant(value: float) -> str:
    return f"{value:.{decimals(value)}f}"


def percent(fraction: float) -> str:
    return rf"{100 * fraction:.1f}\,\%"


def ms(seconds: float) -> str:
    return rf"{significant(1e3 * seconds)}\,ms"


def kb(size: float) -> str:
    """Bytes in kB of 1000 bytes."""
    return rf"{significant(size / 1e3)}\,kB"


def count(value: float) -> str:
    """A whole number with thin spaces; from 1e7 on as a power of ten."""
    if value < 1e7:
        return f"{value:,.0f}".replace(",", r"\,")
    exponent = math.floor(math.log10(value))
    return rf"${value / 10**exponent:.1f}\times10^{{{exponent}}}$"
