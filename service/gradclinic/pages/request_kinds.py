"""The kinds of requests that the page New makes: what is sent where, what it would queue, and how it is started."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..kernel.spec import Spec
from ..schemas.requests.check import CheckRequest
from ..schemas.requests.prescription import PrescriptionRequest
from ..schemas.requests.run import RunRequest
from ..schemas.requests.study import StudyRequest
from ..use_cases.check import examine, submit_check
from ..use_cases.experiment import Resolved, resolve
from ..use_cases.prescription import examine_prescription, submit_prescription
from ..use_cases.run import submit_run
from ..use_cases.service import Service
from ..use_cases.study import examine_study, submit_study

Kind = Literal["run", "study", "prescription", "check"]


@dataclass(frozen=True)
class RequestKind:
    """A kind of request, and where it is sent."""

    name: Kind
    title: str
    words: str
    verb: str
    """What its button says."""
    path: str
    spec: type[Spec]
    examine: Callable[[Service, Any, Resolved | None], int | None]
    """The number of runs that a valid request would queue, None if that depends on their results; raises its problems.

    Takes the request's experiment with its remedies, if that is valid.
    """
    submit: Callable[[Service, Any], str]
    """Submits a request; returns the path of the page of what it made."""


def _examine_run(service: Service, spec: RunRequest, resolved: Resolved | None) -> int:
    if resolved is None:
        resolve(service, spec.experiment, spec.remedies)
    return 1


def _submit_run(service: Service, spec: RunRequest) -> str:
    reuse = spec.reuse is not None
    created = submit_run(service, spec.experiment, spec.remedies, name=spec.name, labels=spec.labels, reuse=reuse)
    return f"/runs/{created.item.id}"


KINDS: Mapping[str, RequestKind] = {
    each.name: each
    for each in (
        RequestKind(
            name="run",
            title="Run",
            words="Train one network, and diagnose it.",
            verb="Run",
            path="/v1/runs",
            spec=RunRequest,
            examine=_examine_run,
            submit=_submit_run,
        ),
        RequestKind(
            name="study",
            title="Study",
            words="Compare remedies on the same data and seeds.",
            verb="Start the study",
            path="/v1/studies",
            spec=StudyRequest,
            examine=lambda service, spec, resolved: len(examine_study(service, spec, resolved)),
            submit=lambda service, spec: f"/studies/{submit_study(service, spec).item.id}",
        ),
        RequestKind(
            name="prescription",
            title="Cure",
            words="Search for remedies that cure it.",
            verb="Search for a cure",
            path="/v1/prescriptions",
            spec=PrescriptionRequest,
            examine=examine_prescription,
            submit=lambda service, spec: f"/prescriptions/{submit_prescription(service, spec).id}",
        ),
        RequestKind(
            name="check",
            title="Check",
            words="Test it against a baseline.",
            verb="Start the check",
            path="/v1/checks",
            spec=CheckRequest,
            examine=examine,
            submit=lambda service, spec: f"/checks/{submit_check(service, spec).id}",
        ),
    )
}
