"""Prescriptions: stored searches for remedies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ...kernel.json import JsonObject
from ...kernel.status import StudyStatus
from ...prescription import Budget, Report
from .progress import Progress


@dataclass(frozen=True, kw_only=True)
class NewPrescription:
    """A prescription to be stored."""

    experiment: JsonObject
    budget: Budget
    seed: int
    name: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    request_id: str | None = None
    traceparent: str | None = None
    """The span of the request that submits it, as in the header of W3C Trace Context; None without traces."""


@dataclass(frozen=True, kw_only=True)
class Prescription:
    """A prescription, with the report of its last complete round."""

    id: str
    name: str | None
    labels: Mapping[str, str]
    status: StudyStatus
    experiment: JsonObject
    budget: Budget
    seed: int
    report: Report | None
    """The report; None until its first runs are queued."""
    cancel_requested: bool
    created_at: datetime
    ended_at: datetime | None
    progress: Progress
    """Progress of its runs so far."""
    request_id: str | None
    traceparent: str | None
