"""`GET /v1/catalogue`: everything that requests can use by name."""

import hashlib
from functools import lru_cache

from fastapi import APIRouter, Request, Response

from ..schemas.catalogue import CatalogueAnswer
from ..use_cases.catalogue import catalogue
from .http.conditional import is_known
from .http.plain_json import PlainJSON, dump

router = APIRouter(tags=["catalogue"])


@router.get("/v1/catalogue", summary="Read the catalogue", response_model=CatalogueAnswer)
def get_catalogue(request: Request) -> Response:
    """Models, layers, activations, initializations, remedies, data, optimizers, statistics, rules.

    Each entry has a JSON schema, a line of help, and a source. The remedies of common advice come first, in its order.
    """
    content, tag = _answer()
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if is_known(tag, request):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=PlainJSON.media_type, headers=headers)


@lru_cache(maxsize=1)
def _answer() -> tuple[bytes, str]:
    """The catalogue as JSON and its entity tag; both stay the same while the process runs."""
    content = dump(CatalogueAnswer.model_validate(catalogue()).model_dump(mode="json"))
    return content, f'W/"{hashlib.sha256(content).hexdigest()[:16]}"'
