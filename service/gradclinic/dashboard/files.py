"""Style sheet, script, and Plotly as it lies in the installed package; nothing comes from another host."""

import gzip
import re
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header, Response

from ..errors import NotFound

router = APIRouter(prefix="/static", include_in_schema=False)

FOLDER = Path(__file__).parent / "static"
KINDS = {"app.css": "text/css; charset=utf-8", "app.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"}
PLOTLY = "plotly.min.js"
_SCRIPT = "text/javascript; charset=utf-8"
_LONG = "public, max-age=31536000, immutable"
"""For addresses that carry a version: their content never changes."""


@lru_cache(maxsize=1)
def plotly_address() -> str:
    """Where the pages load Plotly from."""
    return f"/static/{PLOTLY}?v={version('plotly')}"


@lru_cache(maxsize=1)
def _plotly() -> tuple[bytes, bytes]:
    """The script and its gzip; found without importing the package, which takes long."""
    package = find_spec("plotly")
    if package is None or package.origin is None:
        raise NotFound("plotly is not installed here, so there are no charts")
    content = (Path(package.origin).parent / "package_data" / PLOTLY).read_bytes()
    return content, gzip.compress(content, compresslevel=6, mtime=0)


@lru_cache(maxsize=1)
def plotly_styles() -> str:
    """Identifiers of the style elements that Plotly adds for maps unless they are there already."""
    found = re.findall(rb'getElementById\("([0-9a-f]{64})"\)', _plotly()[0])
    return " ".join(sorted({name.decode() for name in found}))


@router.get("/plotly.min.js")
def get_plotly(accept_encoding: Annotated[str, Header()] = "") -> Response:
    """Plotly, a fourth of its size for whoever takes gzip."""
    content, compressed = _plotly()
    headers = {"Cache-Control": _LONG, "Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff"}
    if "gzip" in accept_encoding:
        return Response(compressed, media_type=_SCRIPT, headers={**headers, "Content-Encoding": "gzip"})
    return Response(content, media_type=_SCRIPT, headers=headers)


@router.get("/{name}")
def get_file(name: str) -> Response:
    """One of our own files."""
    if name not in KINDS:
        raise NotFound(f"there is no file {name!r}")
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return Response((FOLDER / name).read_bytes(), media_type=KINDS[name], headers=headers)
