"""Where output goes: a terminal with colours, or plain lines, as the stream and NO_COLOR say."""

import os
import sys

from rich.console import Console, RenderableType

PLAIN_WIDTH = 110
"""Columns of output that goes to a file or a pipe, where nothing wraps it."""


def console_for(*, stderr: bool = False) -> Console:
    """A console on standard output, or on standard error; never wider than what it can show."""
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
    """Print on a console; in plain output no line ends in blanks."""
    if console.is_terminal:
        console.print(*parts, sep="\n")
        return
    with console.capture() as capture:
        console.print(*parts, sep="\n")
    text = "\n".join(line.rstrip() for line in capture.get().splitlines())
    console.file.write(text + "\n")
    console.file.flush()


def speaks_unicode(console: Console) -> bool:
    """Whether more than ASCII can be shown."""
    return (console.encoding or "").lower().replace("-", "") in {"utf8", "utf16", "utf32"}
