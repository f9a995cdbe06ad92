"""Structured logs on standard error, as text lines or one JSON object per line, including the logs of libraries."""

import logging
import sys
from contextlib import suppress
from typing import TextIO, cast

import structlog

from .settings import Settings

_SERVERS = ("uvicorn", "uvicorn.error", "uvicorn.access")
"""Loggers that have their own handlers."""


class _StandardError:
    """Standard error as it is at each line; drops lines that cannot be written, instead of raising.

    A disk may be full, and a program may replace or close its standard error.
    """

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()


def lines_on_standard_error() -> structlog.WriteLoggerFactory:
    """What makes loggers that never raise because a line cannot be written."""
    return structlog.WriteLoggerFactory(cast(TextIO, _StandardError()))


def configure(settings: Settings) -> None:
    """Send the logs of this process and the warnings of its libraries to standard error."""
    level: int = getattr(logging, settings.log_level.upper())
    in_json = settings.log_format == "json"
    before: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if in_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*before, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lines_on_standard_error(),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(
        level=max(level, logging.WARNING), stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )
    if in_json:
        _render_foreign(before, renderer)


def _render_foreign(before: list[structlog.typing.Processor], renderer: structlog.typing.Processor) -> None:
    """Format the logs of libraries in the same way."""
    form = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *before],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    for handler in logging.getLogger().handlers:
        handler.setFormatter(form)
    for name in _SERVERS:
        server = logging.getLogger(name)
        server.handlers.clear()
        server.propagate = True
