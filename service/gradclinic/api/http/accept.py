"""Content negotiation with the header `Accept` (RFC 9110)."""

import importlib.util
from collections.abc import Sequence

from starlette.exceptions import HTTPException


def choose(accept: str | None, offered: Sequence[str]) -> str:
    """The offered type that the client prefers, the first in a tie; raises 406 if it accepts none."""
    ranges = [_parsed(part) for part in (accept or "*/*").split(",") if part.strip()] or [("*/*", 1.0)]
    best, best_quality = None, 0.0
    for media_type in offered:
        quality = _quality(media_type, ranges)
        if quality > best_quality:
            best, best_quality = media_type, quality
    if best is None:
        raise HTTPException(406, f"The available media types are {', '.join(offered)}.")
    return best


def has_arrow() -> bool:
    """Whether pyarrow is installed, so that Arrow and Parquet are supported."""
    return importlib.util.find_spec("pyarrow") is not None


def _parsed(part: str) -> tuple[str, float]:
    name, *parameters = [piece.strip().lower() for piece in part.split(";")]
    quality = 1.0
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                quality = float(parameter[2:])
            except ValueError:
                quality = 0.0
    return name, quality


def _quality(media_type: str, ranges: Sequence[tuple[str, float]]) -> float:
    """The quality of the most specific media range that contains the type."""
    family = media_type.split("/", maxsplit=1)[0] + "/*"
    for wanted in (media_type, family, "*/*"):
        found = [quality for name, quality in ranges if name == wanted]
        if found:
            return max(found)
    return 0.0
