"""`GET /v1/catalogue`: everything that a request can name."""

import hashlib

from fastapi import APIRouter, Request, Response

from .. import schemas as a
from ..use_cases.catalogue import catalogue
from .http.plain_json import PlainJSON

router = APIRouter(tags=["catalogue"])


@router.get("/v1/catalogue", summary="Read the catalogue", response_model=a.CatalogueAnswer)
def get_catalogue(request: Request) -> Response:
    """Models, layers, activations, initializations, remedies, data, optimizers, statistics, rules.

    Each with its JSON schema, one line of help, and its source. The remedies of common advice come first, in its order.
    """
    answer = PlainJSON(catalogue())
    etag = f'"{hashlib.sha256(answer.body).hexdigest()[:16]}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    answer.headers.update(headers)
    return answer
