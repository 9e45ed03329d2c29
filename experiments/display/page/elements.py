"""Elements of a page. ElementTree escapes every text and attribute, and closes every element."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, tostring

Child = Element | str


def element(tag: str, *children: Child, **attributes: object) -> Element:
    """An element with texts and elements inside. `class_` stands for class, and `aria_label` for aria-label."""
    names = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
    made = Element(tag, {name: _text(value) for name, value in names.items() if value is not None})
    for child in children:
        if not isinstance(child, str):
            made.append(child)
        elif len(made):
            made[-1].tail = (made[-1].tail or "") + child
        else:
            made.text = (made.text or "") + child
    return made


def _text(value: object) -> str:
    """A number with at most two decimals, as a place in a drawing needs; any other value as it is."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def html(page: Element) -> bytes:
    """The page as UTF-8. Bytes of file names that are not valid text become question marks."""
    return f"<!DOCTYPE html>\n{tostring(page, encoding='unicode', method='html')}\n".encode(errors="replace")


def tooltip(mark: Element, text: str, focusable: bool = False) -> Element:
    """A mark with a tooltip. A keyboard and a screen reader reach it only if it is focusable."""
    mark.set("data-tip", text)
    for name, value in {"tabindex": "0", "role": "img", "aria-label": text}.items() if focusable else ():
        mark.set(name, value)
    return mark


def drawing(width: float, height: float, label: str, *children: Child) -> Element:
    """An SVG that fills the available width."""
    return element("svg", *children, viewBox=f"0 0 {width:g} {height:g}", role="group", aria_label=label)


def section(name: str, title: str, *children: Child) -> Element:
    return element("section", element("h2", title, id=name), *children, aria_labelledby=name)


def table(caption: str, columns: Sequence[Child], rows: Sequence[Sequence[Child]], texts: int = 1) -> Element:
    """A table that scrolls sideways where it is too wide. The first `texts` columns hold texts, the others numbers."""
    head = [element("th", one, scope="col", class_=None if at < texts else "number") for at, one in enumerate(columns)]
    body = [
        element(
            "tr",
            element("th", row[0], scope="row"),
            *(element("td", one, class_=None if at < texts else "number") for at, one in enumerate(row[1:], 1)),
        )
        for row in rows
    ]
    return wide(
        caption,
        element(
            "table",
            element("caption", caption),
            element("thead", element("tr", *head)),
            element("tbody", *body),
        ),
    )


def wide(label: str, *children: Child) -> Element:
    """A region that scrolls sideways, with the keyboard too."""
    return element("div", *children, class_="wide", role="region", tabindex="0", aria_label=label)


def figure(caption: str, *children: Child) -> Element:
    return element("figure", *children, element("figcaption", caption))
