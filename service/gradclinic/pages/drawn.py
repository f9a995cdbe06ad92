"""Draws figures for the API: `python -m gradclinic.pages.drawn` reads requests until its input ends, one on each line.

A request is a JSON object: `figure`, and `form` for a picture on white or `width_in` for a drawing in a page.
The answer is the number of bytes on a line, and the bytes.
"""

import json
import resource
import signal
import sys
from typing import BinaryIO

from .canvas import draw, draw_for_page

MEMORY_BYTES = 2 * 2**30
"""Address space of the process. It has .4 GB of libraries; the largest figure takes .5 GB more."""


def main(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer each request."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which then ends the input
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    for line in requests:
        asked = json.loads(line)
        if "width_in" in asked:
            drawn = draw_for_page(asked["figure"], width_in=asked["width_in"])
        else:
            drawn = draw(asked["figure"], asked["form"])
        answers.write(b"%d\n%b" % (len(drawn), drawn))
        answers.flush()


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
