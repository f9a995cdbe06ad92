"""Whether a run that is still training has shown enough to be stopped."""

from ..experiments.experiment import StopWhen
from ..measurements.record import RunRecord
from . import diagnose
from .finding import Finding

LOOK_EVERY = 20
"""Steps between two looks. They are fixed steps, not moments, so that the same run always stops at the same step."""


def due(stop_when: StopWhen | None, *, step: int) -> bool:
    """Whether `step` finished steps are a point at which the run is looked at."""
    return stop_when is not None and step >= stop_when.after and step % LOOK_EVERY == 0


def reason_to_stop(record: RunRecord, stop_when: StopWhen) -> Finding | None:
    """The surest finding that the owner asked to stop on, from everything recorded so far; None to go on."""
    certain = [
        finding
        for finding in diagnose(record).findings
        if finding.condition in stop_when.conditions and finding.confidence >= stop_when.confidence
    ]
    return max(certain, key=lambda finding: finding.confidence, default=None)
