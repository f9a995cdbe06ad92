"""Claims and the rulings on them, from the studies that were run to test them."""

from typing import Any

from ..claims import CLAIMS
from ..errors import NotFound
from .compare import results_of
from .service import Service
from .submit import BASELINE


def claims(*, quick: bool) -> list[dict[str, Any]]:
    """Every claim, with the body of the study that tests it."""
    return [{**claim.to_json(quick=quick), "study": claim.study(quick=quick)} for claim in CLAIMS.values()]


def rule_on(service: Service, claim_id: str, *, study_id: str, quick: bool) -> dict[str, Any]:
    """The ruling on a claim by the ended runs of its study; raises NotFound."""
    if claim_id not in CLAIMS:
        raise NotFound(f"there is no claim {claim_id!r}")
    claim, study = CLAIMS[claim_id], service.store.studies.get(study_id)
    runs = [run for run in service.store.runs.of_study(study.id) if run.ended]
    results = results_of(service, [(run, run.arm or BASELINE) for run in runs])
    return {**claim.to_json(quick=quick), **claim.judge(results, quick=quick).to_json()}
