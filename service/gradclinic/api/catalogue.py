"""`GET /v1/catalogue`: everything that requests can use by name."""

import hashlib
from functools import lru_cache

from fastapi import APIRouter, Request, Response

from ..schemas.catalogue import CatalogueAnswer
from ..use_cases.catalogue import catalogue

router = APIRouter(tags=["catalogue"])


@router.get("/v1/catalogue", summary="Read the catalogue", response_model=CatalogueAnswer)
def get_catalogue(request: Request, response: Response) -> CatalogueAnswer | Response:
    """Models, layers, activations, initializations, remedies, data, optimizers, statistics, rules.

    Each entry has a JSON schema, a line of help, and a source. The remedies of common advice come first, in its order.
    """
    answer, etag = _answer()
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return answer


@lru_cache(maxsize=1)
def _answer() -> tuple[CatalogueAnswer, str]:
    """The catalogue and its entity tag; both stay the same while the process runs."""
    answer = CatalogueAnswer.model_validate(catalogue())
    return answer, f'"{hashlib.sha256(answer.model_dump_json().encode()).hexdigest()[:16]}"'
