"""Claims and the rulings on them, from the studies that were run to test them."""

from ..claims import CLAIMS, Claim, Ruling
from ..comparison.arms import BASELINE
from ..comparison.study import StudySpec
from ..kernel.errors import NotFound
from ..store import Study
from .comparison import results_of
from .service import Service

LABEL, VARIANT = "claim", "variant"
"""Labels of a claim's study and its runs: the id of the claim, and `quick` or `full`."""


def claim_called(claim_id: str) -> Claim:
    """One claim; raises NotFound."""
    if claim_id not in CLAIMS:
        raise NotFound(f"there is no claim {claim_id!r}")
    return CLAIMS[claim_id]


def study_for(claim: Claim, *, quick: bool) -> StudySpec:
    """The study that tests a claim, with the labels that identify it."""
    return claim.study(quick=quick, labels=_labels(claim.id, quick=quick))


def _labels(claim_id: str, *, quick: bool) -> dict[str, str]:
    return {LABEL: claim_id, VARIANT: "quick" if quick else "full"}


def study_of(service: Service, claim: Claim, *, quick: bool) -> Study | None:
    """The newest study with a claim's labels that trains what the claim trains now; None where there is none.

    A study that an earlier version made, of other networks, says nothing of the claim as it is stated here.
    """
    page = service.store.runs.page(labels=_labels(claim.id, quick=quick), limit=1)
    if not page.items or page.items[0].study_id is None:
        return None
    study = service.store.studies.get(page.items[0].study_id)
    return study if _trains(study, claim.study(quick=quick)) else None


def _trains(study: Study, spec: StudySpec) -> bool:
    asked = {arm.name: arm.experiment.to_json() if arm.experiment is not None else None for arm in spec.arms}
    trained = {str(arm["name"]): arm.get("experiment") for arm in study.arms if arm["name"] != BASELINE}
    same = dict(study.experiment) == spec.experiment.to_json() and trained == asked
    return same and set(spec.seeds) <= set(study.seeds)


def ruling_of(service: Service, claim: Claim, study: Study, *, quick: bool) -> Ruling:
    """The ruling on a claim from the ended runs of its study."""
    runs = [run for run in service.store.runs.of_study(study.id) if run.ended]
    results = results_of(service, [(run, run.arm or BASELINE) for run in runs])
    return claim.judge(results, quick=quick)
