"""Claims and the rulings on them, from the studies that were run to test them."""

from typing import Any

from ..claims import CLAIMS
from ..comparison.arms import BASELINE
from ..kernel.errors import NotFound
from ..store import Study
from .comparison import results_of
from .service import Service

LABEL, VARIANT = "claim", "variant"
"""Labels of a claim's study and its runs, for finding them: the claim's identifier, and `quick` or `full`."""


def claims(*, quick: bool) -> list[dict[str, Any]]:
    """Every claim, with the body of the study that tests it."""
    return [{**claim.to_json(quick=quick), "study": _body(claim.id, quick=quick)} for claim in CLAIMS.values()]


def _body(claim_id: str, *, quick: bool) -> dict[str, Any]:
    return {**CLAIMS[claim_id].study(quick=quick), "labels": _labels(claim_id, quick=quick)}


def _labels(claim_id: str, *, quick: bool) -> dict[str, str]:
    return {LABEL: claim_id, VARIANT: "quick" if quick else "full"}


def study_of(service: Service, claim_id: str, *, quick: bool) -> Study | None:
    """The newest study with a claim's labels that trains what the claim trains now; None where there is none.

    A study that an earlier version made, of other networks, says nothing of the claim as it is stated here.
    """
    page = service.store.runs.page(labels=_labels(claim_id, quick=quick), limit=1)
    if not page.items or page.items[0].study_id is None:
        return None
    study = service.store.studies.get(page.items[0].study_id)
    return study if _trains(study, _body(claim_id, quick=quick)) else None


def _trains(study: Study, body: dict[str, Any]) -> bool:
    asked = {arm["name"]: arm["experiment"] for arm in body["arms"]}
    trained = {str(arm["name"]): arm.get("experiment") for arm in study.arms if arm["name"] != BASELINE}
    return dict(study.experiment) == body["experiment"] and trained == asked and set(body["seeds"]) <= set(study.seeds)


def rule_on(service: Service, claim_id: str, *, study_id: str, quick: bool) -> dict[str, Any]:
    """The ruling on a claim by the ended runs of its study; raises NotFound."""
    if claim_id not in CLAIMS:
        raise NotFound(f"there is no claim {claim_id!r}")
    return ruling_of(service, claim_id, service.store.studies.get(study_id), quick=quick)


def ruling_of(service: Service, claim_id: str, study: Study, *, quick: bool) -> dict[str, Any]:
    """The same for a study that is at hand."""
    claim = CLAIMS[claim_id]
    runs = [run for run in service.store.runs.of_study(study.id) if run.ended]
    results = results_of(service, [(run, run.arm or BASELINE) for run in runs])
    return {**claim.to_json(quick=quick), **claim.judge(results, quick=quick).to_json()}
