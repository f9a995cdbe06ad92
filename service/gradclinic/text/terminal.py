"""Lines for a terminal, in which nothing that others wrote is obeyed.

Names, labels, layers, classes and reasons of failures come from other people and programs. Escape sequences in them
could change a terminal's title, its colours or its clipboard, or overwrite lines; so control characters are left out.
"""

import re
import sys

_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""All control characters but tabs and ends of lines. Some terminals obey those from 80 to 9f, too."""


def without_controls(text: str) -> str:
    """A text without the characters that a terminal obeys."""
    return _OBEYED.sub("", text)


def say(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a line to standard output, or to standard error, without the characters that a terminal obeys."""
    target = sys.stderr if err else sys.stdout
    target.write(without_controls(str(text)) + ("\n" if nl else ""))
    target.flush()
