"""Draws figures in a process beside the API, so that its threads and its memory are left for other requests.

with turns.one():  # of a request
    image = draw(figure, "png")
"""

import atexit
import importlib.util
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping

import structlog

from ..kernel.errors import ServiceUnavailable, SetupFailed
from ..kernel.turns import Turns
from .canvas import Format
from .theme import Figure

MOST_WAITING = 7
"""Requests that wait for their turn. Each holds one of the server's 40 threads, of which others need some."""
WAIT_S = 10.0
"""Longest time that a request waits for its turn to draw."""
DRAWING_S = 60.0
"""Longest time for one figure. Most take half a second, and the first one a few for its libraries."""
MOST_HEIGHT = 6000
"""Of a figure, in pixels of a page: the panels of 24 arms, or 140 rows. Those take a few seconds."""
_ENVIRONMENT = {"MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""One thread needs no more, and the limit of its memory counts what more would reserve."""

log = structlog.get_logger(__name__)
turns = Turns(
    at_once=1,
    waiting=MOST_WAITING,
    wait_s=WAIT_S,
    busy="the charts of other requests are being drawn; try again later",
)
"""A request has one while it draws all its charts."""


def fits(figure: Figure) -> bool:
    """Whether a figure is low enough to be drawn in time; otherwise, it can only be had as JSON."""
    return bool(figure["layout"].get("height", 0) <= MOST_HEIGHT)


def can_draw() -> bool:
    """Whether matplotlib is installed here."""
    return importlib.util.find_spec("matplotlib") is not None


def draw(figure: Figure, form: Format) -> bytes:
    """As `canvas.draw`. Raises SetupFailed without matplotlib, and ServiceUnavailable if the process ends."""
    return _process.draw({"figure": figure, "form": form})


def draw_for_page(figure: Figure, *, width_in: float) -> bytes:
    """As `canvas.draw_for_page`, with the errors of `draw`."""
    return _process.draw({"figure": figure, "width_in": width_in})


class DrawingProcess:
    """The process that draws, started at the first figure. If it ends, the next figure starts another one."""

    def __init__(self) -> None:
        self._started: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    @property
    def pid(self) -> int | None:
        """The id of the process; None if none was started."""
        return None if self._started is None else self._started.pid

    @property
    def is_running(self) -> bool:
        """Whether the process runs."""
        return self._started is not None and self._started.poll() is None

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def draw(self, request: Mapping[str, object]) -> bytes:
        """The answer to a request of `drawn`."""
        line = json.dumps(request).encode() + b"\n"
        with self._lock:
            process = self._running()
            late = threading.Timer(DRAWING_S, process.kill)
            late.start()
            try:
                return _answer(process, line)
            except (OSError, ValueError) as error:
                self._end()
                log.warning("chart_not_drawn", error=str(error), returncode=process.returncode)
                raise ServiceUnavailable("the chart could not be drawn; try again later") from error
            finally:
                late.cancel()

    def _running(self) -> "subprocess.Popen[bytes]":
        if not can_draw():
            raise SetupFailed("PNG and SVG need matplotlib: pip install 'gradclinic[ui]'")
        if self._started is None or not self.is_running:
            self._end()
            self._started = subprocess.Popen(
                [sys.executable, "-m", "gradclinic.pages.drawn"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, **_ENVIRONMENT},
            )
        return self._started

    def _end(self) -> None:
        process, self._started = self._started, None
        if process is not None:
            process.kill()
            process.communicate()  # closes its pipes, too


def _answer(process: "subprocess.Popen[bytes]", line: bytes) -> bytes:
    """Raises OSError or ValueError if the process ends before it has answered."""
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018  # they are pipes
    process.stdin.write(line)
    process.stdin.flush()
    size = int(process.stdout.readline())
    drawn = process.stdout.read(size)
    if len(drawn) < size:
        raise ConnectionError("the process ended within its answer")
    return drawn


_process = DrawingProcess()
atexit.register(_process.close)
