"""Formats numbers and words for LaTeX: milliseconds and percent, three significant digits, escaped text."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: "\\" + character for character in "&%$#_{}"},
}
# Letters that the documents' encoding, T1, has besides those of Latin-1 (its Đ is copied from a PDF as another letter)
_T1 = "ĂăĄąĆćČčĎďĘęĚěĞğİıĹĺĽľŁłŃńŇňŐőŒœŔŕŘřŚśŞşŠšŤťŢţŮůŰűŸŹźŻżŽž"
# Letters of the Vietnamese encoding, T5, by their place in the font
_T5 = dict(enumerate("ỶỷỴỵĐđ", 26)) | dict(
    enumerate(
        "ÀÁÃẢẠÂẦẤẪẨẬĂẰẮẴẲẶÈÉẼẺẸÊỀẾỄỂỆÌÍĨỈàáãảạâầấẫẩậăằắẵẳặèéẽẻẹêềếễểệìíĩỉ"
        "ỊÒÓÕỎỌÔỒỐỖỔỘƠỜỚỠỞỢÙÚŨỦỤƯỪỨỮỬỰỲÝỸịòóõỏọôồốỗổộơờớỡởợùúũủụưừứữửựỳýỹ",
        128,
    )
)
_VIETNAMESE = {letter: rf"\viet{{{place}}}" for place, letter in _T5.items()}
# Defines \viet, and the two cases of \IfNAME{...}; goes before \begin{document}. The fonts are part of lmodern, the
# encoding's usual package is not.
PREAMBLE = r"""\DeclareFontEncoding{T5}{}{}
\DeclareFontSubstitution{T5}{lmr}{m}{n}
\DeclareRobustCommand{\viet}[1]{{\fontencoding{T5}\selectfont\symbol{#1}}}
\newcommand{\Shown}[1]{#1}
\newcommand{\LeftOut}[1]{}
"""


def escape(text: str) -> str:
    """Text escaped and on one line; characters that the fonts lack become question marks."""
    return "".join(map(_letter, unicodedata.normalize("NFKC", " ".join(text.split()))))


def _letter(letter: str) -> str:
    if letter in _SPECIAL:
        return _SPECIAL[letter]
    if letter.isprintable() and (ord(letter) < 256 or letter in _T1):
        return letter
    return _VIETNAMESE.get(letter, "?")


def decimals(value: float) -> int:
    """The number of decimals that gives three significant digits; 0 from 100 on."""
    return max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0


def signed(value: float) -> str:
    """A number with its sign and one decimal; 0.0 without a sign."""
    text = f"{value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else f"${text[0]}${text[1:]}"


def against(value: float, bound: float) -> str:
    """A value beside the bound that it is judged by: with two decimals where one would show both as the same number."""
    return f"{value:.{2 if f'{value:.1f}' == f'{bound:.1f}' else 1}f}"


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


def listed(names: Iterable[str]) -> str:
    """ "a, b and c"."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
