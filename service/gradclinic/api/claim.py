"""`/v1/claims`: common advice about gradients, the study that tests each, and the ruling on it."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from .. import schemas as a
from ..use_cases.claim import claims, rule_on
from .http.dependencies import TheService, problems
from .http.plain_json import PlainJSON

router = APIRouter(prefix="/v1/claims", tags=["claims"])

ClaimId = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[a-z0-9_-]+$", examples=["xavier_helps"])]
StudyQuery = Annotated[
    str, Query(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_]+$", description="The study that was run for it.")
]
Quick = Annotated[bool, Query(description="The quick variant: smaller, and one seed.")]


@router.get("", summary="List claims", responses=problems(422), response_model=a.ClaimList)
def list_claims(*, quick: Quick = False) -> PlainJSON:
    """Every claim with its design, its rule, its source, and the body of the study that tests it."""
    return PlainJSON({"items": claims(quick=quick)})


@router.get(
    "/{claim_id}/ruling", summary="Rule on a claim", responses=problems(404, 422), response_model=a.RulingAnswer
)
def rule_on_claim(*, claim_id: ClaimId, study: StudyQuery, service: TheService, quick: Quick = False) -> PlainJSON:
    """What a study of the claim says of it; inconclusive until every arm has a finished run."""
    return PlainJSON(rule_on(service, claim_id, study_id=study, quick=quick))
