"""Consoles: with colours on a terminal, otherwise plain; NO_COLOR is respected."""

import io
import os
import sys

from rich.console import Console, RenderableType

PLAIN_WIDTH = 110
"""Width of output to a file or a pipe."""


def console_for(*, stderr: bool = False) -> Console:
    """A console for standard output, or for standard error."""
    target = sys.stderr if stderr else sys.stdout
    interactive = target.isatty() and os.environ.get("TERM", "") not in {"dumb", ""}
    return Console(
        file=target,
        force_terminal=interactive,
        width=None if interactive else PLAIN_WIDTH,
        no_color="NO_COLOR" in os.environ or not interactive,
        highlight=False,
        emoji=False,
        markup=False,
    )


def show(console: Console, *parts: RenderableType) -> None:
    """Print to a console; plain output has no trailing spaces."""
    if console.is_terminal:
        console.print(*parts, sep="\n")
        return
    with console.capture() as capture:
        console.print(*parts, sep="\n")
    text = "\n".join(line.rstrip() for line in capture.get().splitlines())
    console.file.write(text + "\n")
    console.file.flush()


def speaks_unicode(console: Console) -> bool:
    """Whether the console supports non-ASCII characters."""
    return (console.encoding or "").lower().replace("-", "") in {"utf8", "utf16", "utf32"}


def plain_text(*parts: RenderableType) -> str:
    """The same as plain text, without colours and trailing spaces."""
    out = io.StringIO()
    console = Console(file=out, width=PLAIN_WIDTH, no_color=True, highlight=False, emoji=False, markup=False)
    console.print(*parts, sep="\n")
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())
