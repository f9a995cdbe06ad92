"""Style sheet and scripts, Plotly and Swagger UI from installed packages; nothing is loaded from other hosts."""

import gzip
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Annotated

from fastapi import APIRouter, Header, Response

from ..kernel.errors import NotFound

router = APIRouter(prefix="/static", include_in_schema=False)

FOLDER = Path(__file__).parent / "static"
KINDS = {
    "app.css": "text/css; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "docs.js": "text/javascript; charset=utf-8",
    "narrow.js": "text/javascript; charset=utf-8",
    "new.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_SCRIPT = "text/javascript; charset=utf-8"
_LONG = "public, max-age=31536000, immutable"
"""For URLs that contain a version: their content never changes."""


@dataclass(frozen=True)
class Packaged:
    """A file in an installed package."""

    distribution: str
    package: str
    path: str
    media_type: str

    @property
    def address(self) -> str:
        """The URL that pages load it from, with the version."""
        return f"/static/{PurePosixPath(self.path).name}?v={version(self.distribution)}"

    @property
    def installed(self) -> bool:
        """Whether the file exists; does not import the package, which may be slow."""
        return find_spec(self.package) is not None

    def read(self) -> tuple[bytes, bytes]:
        """The file and its gzip; raises NotFound if the package is not installed."""
        return _read(self)


@cache
def _read(file: Packaged) -> tuple[bytes, bytes]:
    package = find_spec(file.package)
    if package is None or package.origin is None:
        raise NotFound(f"{file.distribution} is not installed here")
    content = (Path(package.origin).parent / file.path).read_bytes()
    return content, gzip.compress(content, compresslevel=6, mtime=0)


PLOTLY = Packaged("plotly", "plotly", "package_data/plotly.min.js", _SCRIPT)
SWAGGER = Packaged("fastapi-swagger", "fastapi_swagger", "resources/swagger-ui-bundle.js", _SCRIPT)
SWAGGER_CSS = Packaged("fastapi-swagger", "fastapi_swagger", "resources/swagger-ui.css", "text/css; charset=utf-8")
_PACKAGED = {PurePosixPath(file.path).name: file for file in (PLOTLY, SWAGGER, SWAGGER_CSS)}


@lru_cache(maxsize=1)
def plotly_styles() -> str:
    """Ids of the style elements that Plotly adds for maps if they do not exist yet."""
    found = re.findall(rb'getElementById\("([0-9a-f]{64})"\)', PLOTLY.read()[0])
    return " ".join(sorted({name.decode() for name in found}))


@router.get("/{name}")
def get_file(name: str, accept_encoding: Annotated[str, Header()] = "") -> Response:
    """A file of this package or of an installed one; compressed if the client accepts gzip."""
    if name in _PACKAGED:
        return _packaged(_PACKAGED[name], accept_encoding)
    if name not in KINDS:
        raise NotFound(f"there is no file {name!r}")
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return Response((FOLDER / name).read_bytes(), media_type=KINDS[name], headers=headers)


def _packaged(file: Packaged, accept_encoding: str) -> Response:
    content, compressed = file.read()
    headers = {"Cache-Control": _LONG, "Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff"}
    if "gzip" in accept_encoding:
        return Response(compressed, media_type=file.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(content, media_type=file.media_type, headers=headers)
