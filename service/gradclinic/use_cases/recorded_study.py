"""Accept a study whose arms an external program trains and records."""

from ..comparison.arms import BASELINE
from ..comparison.recorded_study import RecordedArm, RecordedStudySpec
from ..store import Created, Idempotency, NewStudy, Study
from .request_id import request_id
from .service import Service
from .study import check_names, check_number_of_runs, check_seeds


def declare_study(
    service: Service, spec: RecordedStudySpec, *, idempotency: Idempotency | None = None
) -> Created[Study]:
    """Store a study without runs; raises InvalidRequest. Its runs are recordings that name it."""
    check_names(spec.arms)
    check_seeds(spec.seeds)
    arms = [RecordedArm(name=BASELINE), *(arm for arm in spec.arms if arm.name != BASELINE)]
    runs = len(arms) * len(spec.seeds)
    check_number_of_runs(service, runs, of="arms x seeds")
    study = NewStudy(
        experiment={},
        arms=[arm.to_json() for arm in arms],
        seeds=list(spec.seeds),
        name=spec.name,
        labels=spec.labels,
        request_id=request_id(),
        recorded_runs=runs,
    )
    return service.store.studies.create(study, [], idempotency=idempotency)
