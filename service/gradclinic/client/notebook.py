"""What notebooks show of a result: its words and its chart, without scripts."""

import base64
import html
from typing import TYPE_CHECKING, Any

from ..kernel import errors
from .connection import Connection
from .extras import extra

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from rich.console import RenderableType

WIDTH = 110
"""Characters in a line of the words."""


def figure(connection: Connection, path: str, **options: Any) -> "go.Figure":
    """A Plotly figure of the service; raises SetupFailed without Plotly."""
    figures: go.Figure = extra("plotly.graph_objects", name="notebook").Figure(
        connection.document(f"/v1/figures/{path}", **options)
    )
    return figures


def page(*, title: str, url: str | None, words: "RenderableType", chart: str | None) -> str:
    """A fragment of HTML: a title that links to the page, a chart (an address of data), and the words."""
    safe = html.escape(title)
    head = safe if url is None else f'<a href="{html.escape(url)}" target="_blank">{safe}</a>'
    image = "" if chart is None else f'<img src="{chart}" alt="{safe}" style="max-width:100%">'
    return f"<div><p><b>{head}</b></p>{image}{_html(words)}</div>"


def chart(connection: Connection, path: str, **options: Any) -> str | None:
    """A chart as the address of an SVG image; None if there is nothing to draw, or if the service cannot draw."""
    try:
        image = connection.download(f"/v1/figures/{path}", format="svg", **options)
    except errors.GradclinicError:
        return None
    return f"data:image/svg+xml;base64,{base64.b64encode(image).decode()}"


def _html(words: "RenderableType") -> str:
    import io

    from rich.console import Console

    console = Console(
        file=io.StringIO(), record=True, width=WIDTH, force_terminal=True, force_jupyter=False, color_system="truecolor"
    )
    console.print(words, markup=False, highlight=False)
    form = '<pre style="white-space:pre;overflow-x:auto;line-height:1.3;font-family:monospace">{code}</pre>'
    return console.export_html(code_format=form, inline_styles=True)
