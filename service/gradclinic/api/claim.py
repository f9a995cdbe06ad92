"""`/v1/claims`: common advice about gradients, the studies that test it, and the rulings."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from ..claims import CLAIMS, Claim
from ..schemas.claim import ClaimAnswer, ClaimList, RulingAnswer
from ..use_cases.claim import claim_called, ruling_of, study_for
from .http.dependencies import TheService, problems

router = APIRouter(prefix="/v1/claims", tags=["claims"])

ClaimId = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[a-z0-9_-]+$", examples=["xavier_helps"])]
StudyQuery = Annotated[
    str, Query(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_]+$", description="The study that tests the claim.")
]
Quick = Annotated[bool, Query(description="The quick variant: smaller, and one seed.")]


def claim_answer(claim: Claim, *, quick: bool) -> ClaimAnswer:
    """A claim with the study that tests it, ready to submit."""
    spec = study_for(claim, quick=quick)
    arms = [
        {"name": arm.name, "experiment": None if arm.experiment is None else arm.experiment.to_json()}
        for arm in spec.arms
    ]
    study = {
        "name": spec.name,
        "experiment": spec.experiment.to_json(),
        "arms": arms,
        "seeds": list(spec.seeds),
        "labels": spec.labels,
    }
    return ClaimAnswer.showing(claim, quick=quick, runs=claim.runs(quick=quick), study=study)


@router.get("", summary="List claims", responses=problems(422))
def list_claims(*, quick: Quick = False) -> ClaimList:
    """All claims with design, rule, source, and the body of the study that tests each."""
    return ClaimList(items=[claim_answer(claim, quick=quick) for claim in CLAIMS.values()])


@router.get("/{claim_id}/ruling", summary="Rule on a claim", responses=problems(404, 422))
def rule_on_claim(*, claim_id: ClaimId, study: StudyQuery, service: TheService, quick: Quick = False) -> RulingAnswer:
    """The verdict on a claim from a study of it; `inconclusive` until every arm has a finished run."""
    claim = claim_called(claim_id)
    ruling = ruling_of(service, claim, service.store.studies.get(study), quick=quick)
    return RulingAnswer.showing(claim, quick=quick, runs=claim.runs(quick=quick), **vars(ruling))
