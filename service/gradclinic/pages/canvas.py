"""Renders figures as PNG or SVG with matplotlib; needs the extra `ui`.

matplotlib's settings are global to a process, so a process draws one figure at a time. The API draws in another process
(`drawing`), which imports this module and little else.
"""

import io
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .marks import plain, set_marks
from .theme import NEUTRAL, WORSE, Figure, Part

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

Format = Literal["png", "svg"]

WIDTH_IN, HEIGHT_IN, DPI = 9.0, 5.0, 144
INK = "#010203"
"""Placeholder colour of text and axes, which pages replace with their own; nothing else has this colour."""
MOST_LETTERS = 90
"""Approximate number of letters that fit on a line."""
_DASHES = {"solid": "-", "dash": "--", "dot": ":"}


def draw(figure: Figure, form: Format) -> bytes:
    """The figure on white, as bytes of that format; equal figures give equal bytes."""
    words = {"svg.fonttype": "path", "font.size": 10}
    return _drawn(figure, form, settings=words, width_in=WIDTH_IN, ground="white", titled=True)


def draw_for_page(figure: Figure, *, width_in: float) -> bytes:
    """An SVG for embedding in a page: no title, no background, text as text, in INK."""
    coloured = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    settings = {"svg.fonttype": "none", "font.size": 9, "axes.facecolor": "none", **dict.fromkeys(coloured, INK)}
    return _drawn(figure, "svg", settings=settings, width_in=width_in, ground="none", titled=False)


def _drawn(
    figure: Figure, form: Format, *, settings: dict[Any, Any], width_in: float, ground: str, titled: bool
) -> bytes:
    import matplotlib as mpl

    with mpl.rc_context({"svg.hashsalt": "gradclinic", **settings}), warnings.catch_warnings():
        # Names may be in any script. In SVG the browser chooses the font; in PNG unknown letters appear as boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        canvas = _canvas(figure, width_in=width_in, ground=ground, titled=titled)
        out = io.BytesIO()
        canvas.savefig(out, format=form, metadata={"Date": None} if form == "svg" else {"Software": None})
        return out.getvalue()


def _canvas(figure: Figure, *, width_in: float, ground: str, titled: bool) -> "Canvas":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas

    layout = figure["layout"]
    height = layout["height"] / 100 + 0.6 if "height" in layout else min(HEIGHT_IN, width_in)
    canvas = Canvas(figsize=(width_in, height), dpi=DPI, layout="constrained", facecolor=ground)
    FigureCanvasAgg(canvas)
    if titled:
        canvas.suptitle(_short(plain(layout["title"]["text"])), x=0.01, ha="left", fontsize=12)
    down, across = _axes(layout, "y"), _axes(layout, "x")
    heights = [domain[1] - domain[0] for _, domain in down]
    grid: Any = canvas.subplots(
        len(down), len(across), squeeze=False, sharex="col", gridspec_kw={"height_ratios": heights}
    )
    for (y, _), row in zip(down, grid, strict=True):
        for (x, _), axes in zip(across, row, strict=True):
            traces = [trace for trace in figure["data"] if (trace.get("xaxis", "x"), trace.get("yaxis", "y")) == (x, y)]
            if traces or len(down) * len(across) == 1:
                _panel(axes, traces, layout, x, y)
            else:
                axes.set_visible(False)
    for (x, _), column in zip(across, grid.T, strict=True):
        for lowest in [axes for axes in column if axes.get_visible()][-1:]:
            lowest.tick_params(labelbottom=True)
            lowest.set_xlabel(plain(layout[x.replace("x", "xaxis")]["title"]["text"]))
    _colour_bar(canvas, grid, figure)
    return canvas


def _axes(layout: Part, letter: str) -> list[tuple[str, Sequence[float]]]:
    """The x axes from the left, or the y axes from the top down, each with its range as fractions of the figure."""
    name = f"{letter}axis"
    found = [(key.replace(name, letter), layout[key].get("domain", [0, 1])) for key in layout if key.startswith(name)]
    return sorted(found, key=lambda each: each[1][0] if letter == "x" else -each[1][0])


def _panel(axes: "Axes", traces: Sequence[Part], layout: Part, across: str, name: str) -> None:
    x, y = layout[across.replace("x", "xaxis")], layout[name.replace("y", "yaxis")]
    # Scales first: on a linear axis, matplotlib would fix limits that a logarithmic one cannot have.
    axes.set_xscale(x.get("type", "linear") if x.get("type") == "log" else "linear")
    axes.set_yscale("log" if y.get("type") == "log" else "linear")
    for trace in traces:
        if trace["type"] == "heatmap":
            _heatmap(axes, trace)
        else:
            _line(axes, trace)
    for shape in layout.get("shapes", ()):
        _level(axes, shape, name)
    for note in layout.get("annotations", ()):
        if "panel" in note.get("name", ""):
            _heading(axes, note, across, name)
        else:
            _note(axes, note)
    set_marks(axes, x, y)
    axes.set_ylabel(plain(y["title"]["text"]))
    if not any(trace["type"] == "heatmap" for trace in traces):
        axes.grid(visible=True, alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if layout.get("showlegend", True) and any(axes.get_legend_handles_labels()[0]):
        axes.legend(fontsize=8, frameon=False)


def _interval(error: Part | None) -> list["np.typing.NDArray[np.float64]"] | None:
    """The lower and upper lengths of intervals, as Matplotlib takes them."""
    return None if error is None else [_numbers(error["arrayminus"]), _numbers(error["array"])]


def _line(axes: "Axes", trace: Part) -> None:
    x, y = _numbers(trace["x"]), _numbers(trace["y"])
    if "fill" in trace:
        axes.fill(x, y, color=trace["line"]["color"], alpha=0.18, linewidth=0)
        return
    marker, line = trace.get("marker", {}), trace.get("line", {})
    axes.errorbar(
        x,
        y,
        xerr=_interval(trace.get("error_x")),
        yerr=_interval(trace.get("error_y")),
        label=plain(trace["name"]),
        color=line.get("color") or marker.get("color"),
        linestyle=_DASHES[line.get("dash", "solid")] if "lines" in trace["mode"] else "none",
        linewidth=line.get("width", 1.5),
        marker="o" if "markers" in trace["mode"] else None,
        markersize=marker.get("size", 6) * 0.7,
        capsize=3,
    )
    crossed = [symbol == "x" for symbol in marker.get("symbol", ())]
    if any(crossed):
        axes.plot(x[crossed], y[crossed], "X", color=marker.get("color"), markersize=marker.get("size", 6))
    if "text" in trace["mode"]:
        for at, height, text in zip(x, y, trace["text"], strict=True):
            axes.annotate(plain(text), (at, height), (0, 6), textcoords="offset points", ha="center", fontsize=8)


def _heatmap(axes: "Axes", trace: Part) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    cells = np.array([_numbers(row) for row in trace["z"]])
    colours = LinearSegmentedColormap.from_list("ours", [(at, colour) for at, colour in trace["colorscale"]])
    named = any(isinstance(each, str) for each in trace["y"])
    axes.pcolormesh(
        _edges(_numbers(trace["x"]), cells=cells.shape[1]),
        np.arange(len(trace["y"]) + 1) - 0.5 if named else _edges(_numbers(trace["y"]), cells=cells.shape[0]),
        np.ma.masked_invalid(cells),
        cmap=colours,
        vmin=trace.get("zmin"),
        vmax=trace.get("zmax"),
        rasterized=True,
    )
    if named and trace.get("showscale", True):
        every = max(1, len(trace["y"]) // 25)
        axes.set_yticks(range(0, len(trace["y"]), every), [plain(name) for name in trace["y"][::every]], fontsize=7)


def _colour_bar(canvas: "Canvas", grid: Any, figure: Figure) -> None:
    """One colour scale for all panels."""
    for trace in figure["data"]:
        if trace["type"] == "heatmap" and trace.get("showscale", True):
            shown = [axes for axes in grid.flat if axes.collections]
            bar = canvas.colorbar(shown[0].collections[0], ax=shown)
            bar.set_label(plain(trace["colorbar"]["title"]["text"]))
            if "tickvals" in trace["colorbar"]:
                bar.set_ticks(trace["colorbar"]["tickvals"], labels=trace["colorbar"]["ticktext"])


def _heading(axes: "Axes", note: Part, across: str, name: str) -> None:
    """The name of a panel, above it."""
    if note["name"] == f"panel {across} {name}":
        axes.set_title(plain(note["text"]), loc="left", fontsize=9)


def _edges(middles: "np.typing.NDArray[np.float64]", *, cells: int) -> "np.typing.NDArray[np.float64]":
    """Borders of the cells, from their middles; given as borders, they stay what they are."""
    if len(middles) == cells + 1:
        return middles
    if len(middles) < 2:
        return np.array([middles[0] - 0.5, middles[0] + 0.5]) if len(middles) else np.array([0.0, 1.0])
    between = (middles[1:] + middles[:-1]) / 2
    first, last = 2 * middles[0] - between[0], 2 * middles[-1] - between[-1]
    return np.concatenate([[first], between, [last]])


def _level(axes: "Axes", shape: Part, name: str) -> None:
    if shape["type"] == "rect":
        span, along = (axes.axhspan, "y") if shape["xref"] == "paper" else (axes.axvspan, "x")
        span(shape[f"{along}0"], shape[f"{along}1"], color=WORSE, alpha=0.15, linewidth=0)
        return
    if shape["yref"] == name:
        axes.axhline(shape["y0"], color=NEUTRAL, linestyle=":", linewidth=1)
    elif shape["xref"] == "x" and shape["yref"] == "paper":
        axes.axvline(shape["x0"], color=NEUTRAL, linestyle=":", linewidth=1)


def _note(axes: "Axes", note: Part) -> None:
    vertical = axes.transAxes if note["yref"] == "paper" else axes.get_yaxis_transform()
    axes.text(
        note["x"], note["y"], plain(note["text"]), transform=vertical, va=note.get("yanchor", "center"), fontsize=8
    )


def _numbers(values: Sequence[float | None]) -> "np.typing.NDArray[np.float64]":
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _short(text: str) -> str:
    return text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 1] + "…"
