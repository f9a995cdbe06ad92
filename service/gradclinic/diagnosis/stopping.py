"""Early stopping of runs on a condition."""

from ..experiments.experiment import Experiment, StopWhen
from ..kernel.errors import InvalidSpec
from ..measurements.record import RunRecord
from . import diagnose
from .finding import Finding
from .rules import STOPPING_CONDITIONS

LOOK_EVERY = 20
"""Steps between two diagnoses. Fixed steps, not times, so that the same run always stops at the same step."""


def check_stopping(experiment: Experiment) -> None:
    """Raise InvalidSpec if the experiment should stop on a condition that does not support it."""
    stop_when = experiment.training.stop_when
    for index, condition in enumerate(stop_when.conditions if stop_when is not None else ()):
        if condition not in STOPPING_CONDITIONS:
            raise InvalidSpec.at(
                f"/training/stop_when/conditions/{index}",
                f"no run can stop on {condition!r}",
                value=condition,
                allowed=", ".join(STOPPING_CONDITIONS),
            )


def due(stop_when: StopWhen | None, *, step: int) -> bool:
    """Whether the run is diagnosed after `step` finished steps."""
    return stop_when is not None and step >= stop_when.after and step % LOOK_EVERY == 0


def reason_to_stop(record: RunRecord, stop_when: StopWhen) -> Finding | None:
    """The most confident finding on which the run should stop, from the record so far; None to continue."""
    certain = [
        finding
        for finding in diagnose(record).findings
        if finding.condition in stop_when.conditions and finding.confidence >= stop_when.confidence
    ]
    return max(certain, key=lambda finding: finding.confidence, default=None)
