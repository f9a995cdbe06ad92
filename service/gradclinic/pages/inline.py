"""Figures embedded in a page: SVG in the page's colours, without styles, scripts or external addresses."""

import html
import re
import textwrap
from xml.etree import ElementTree

from markupsafe import Markup

from .canvas import INK, WIDTH_IN
from .drawing import draw_for_page
from .figures import Figure

NARROW_IN = 4.3
"""About the width of a phone, which gets a separate layout, because a scaled figure would be unreadable."""
LETTERS, MOST_TICKS = 16, 6
"""In a narrow drawing: letters per line of a name, and number of names below an axis."""
MOST_MARKS = 1500
_REFERENCE = re.compile(r"(^#|url\(#)([^)]+)")
_FONT = re.compile(r"(?P<bold>.*\bbold\b)?.*?(?P<size>[\d.]+)px")


def inline(figure: Figure, *, name: str, label: str) -> Markup:
    """The figure twice, for a wide window and for a narrow one, of which the page's style sheet shows one.

    `name` keeps its identifiers apart from those of other drawings of the page; `label` is read to who cannot see it.
    """
    figure = _lightened(figure)
    wide = draw_for_page(figure, width_in=WIDTH_IN)
    if "xaxis2" in figure["layout"]:  # panels side by side have no room in a narrow window: it scrolls
        return _embedded(wide, name=name, label=label, classes="drawing broad")
    narrow = draw_for_page(_narrowed(figure), width_in=NARROW_IN)
    return _embedded(wide, name=f"{name}w", label=label, classes="drawing on-wide") + _embedded(
        narrow, name=f"{name}n", label=label, classes="drawing on-narrow"
    )


def _lightened(figure: Figure) -> Figure:
    """The same with lines alone where there are many points: each of their marks is an element of the page."""
    points = sum(len(trace["x"]) for trace in figure["data"] if trace["type"] == "scatter")
    if points <= MOST_MARKS:
        return figure
    lines = [{**trace, "mode": "lines"} if "lines" in trace.get("mode", "") else trace for trace in figure["data"]]
    return {**figure, "data": lines}


def _narrowed(figure: Figure) -> Figure:
    """The same with names and notes on several short lines, and with few names below each other or side by side."""
    layout = dict(figure["layout"])
    x, y = layout["xaxis"], layout["yaxis"]
    if "ticktext" in y:
        layout["yaxis"] = {**y, "ticktext": [_wrapped(text, LETTERS, lines=2) for text in y["ticktext"]]}
    if len(x.get("ticktext", ())) > MOST_TICKS and x.get("type") != "log":
        every = -(-len(x["ticktext"]) // MOST_TICKS)
        layout["xaxis"] = {**x, "tickvals": x["tickvals"][::every], "ticktext": x["ticktext"][::every]}
    if "annotations" in layout:
        notes = layout["annotations"]
        layout["annotations"] = [{**note, "text": _wrapped(note["text"], 3 * LETTERS, lines=3)} for note in notes]
    return {**figure, "layout": layout}


def _wrapped(text: str, letters: int, *, lines: int) -> str:
    found = textwrap.wrap(html.unescape(text), letters, max_lines=lines, placeholder="…")
    return html.escape("\n".join(found), quote=False)


def _embedded(drawing: bytes, *, name: str, label: str, classes: str) -> Markup:
    """The root element alone: attributes instead of styles, identifiers only where something refers to them."""
    root = ElementTree.fromstring(drawing)  # noqa: S314  # we drew it ourselves
    for parent in list(root.iter()):
        for child in [child for child in parent if _local(child.tag) in ("metadata", "style")]:
            parent.remove(child)
    for element in root.iter():
        element.tag = _local(element.tag)
        element.tail = None
        element.attrib = _attributes(element.attrib, name)
    used = {value.split("#")[1].rstrip(")") for each in root.iter() for value in each.attrib.values() if "#" in value}
    for element in root.iter():
        if element.get("id") not in used:
            element.attrib.pop("id", None)
    root.attrib = {"viewBox": root.attrib["viewBox"], "class": classes, "role": "img", "aria-label": label}
    return Markup(ElementTree.tostring(root, encoding="unicode"))  # noqa: S704  # whatever was typed is escaped by it


def _local(name: str) -> str:
    return name.rsplit("}", 1)[-1]


def _attributes(given: dict[str, str], name: str) -> dict[str, str]:
    """Without namespaces; properties of a style, for which a policy would need `unsafe-inline`, are attributes, too."""
    found = {_local(key): value for key, value in given.items()}
    found = {**_properties(found.pop("style", "")), **found}
    if "id" in found:
        found["id"] = f"{name}-{found['id']}"
    for key in found.keys() & {"href", "clip-path"}:
        found[key] = _REFERENCE.sub(rf"\g<1>{name}-\2", found[key])
    return {key: "currentColor" if value == INK else value for key, value in found.items()}


def _properties(style: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in style.split(";"):
        key, _, value = (piece.strip() for piece in part.partition(":"))
        font = _FONT.match(value) if key == "font" else None
        if font is not None:
            found |= {"font-size": font["size"], **({"font-weight": "bold"} if font["bold"] else {})}
        elif key and key not in ("font", "font-family"):  # the family is the page's own
            found[key] = value
    return found
