"""Runs: what is stored to have one trained, and what it is in its present state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from ...diagnosis import Diagnosis
from ...kernel.json import JsonObject
from ...kernel.status import ENDED, RunStatus
from ...measurements.metrics import RunMetrics
from ...measurements.record import Layout, Outcome


@dataclass(frozen=True)
class Reason:
    """Why a run is in its state: a code for programs, a text for a person."""

    code: str
    text: str


@dataclass(frozen=True)
class CheckpointPointer:
    """The one resume state of a run that counts; the bytes lie in the checkpoint folder under `name`."""

    name: str
    step: int
    sha256: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class NewRun:
    """A run to be stored: accepted, resolved, and ready to be queued."""

    experiment: JsonObject
    """As it was posted."""
    resolved_experiment: JsonObject
    """After sweep point, remedies and seed."""
    digest: str
    """Of the resolved experiment and seed."""
    seed: int
    steps: int
    remedies: Sequence[JsonObject] = ()
    name: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    origin: Literal["service", "external"] = "service"
    arm: str | None = None
    point: JsonObject | None = None
    """The sweep's values by JSON pointer; None without a sweep."""
    queue: Literal["cpu", "gpu"] = "cpu"
    priority: int = 3
    """0 (first) to 9 (last)."""
    request_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run in its present state."""

    id: str
    name: str | None
    labels: Mapping[str, str]
    status: RunStatus
    reason: Reason
    origin: str
    study_id: str | None
    arm: str | None
    point: JsonObject | None
    seed: int
    experiment: JsonObject
    remedies: Sequence[JsonObject]
    resolved_experiment: JsonObject
    digest: str
    step: int
    """Steps whose statistics are stored."""
    steps: int
    queue: str
    priority: int
    attempt: int
    """How often a worker has claimed it; the number of the present attempt is its fencing token."""
    owner: str | None
    lease_until: datetime | None
    cancel_requested: bool
    checkpoint: CheckpointPointer | None
    transition_count: int
    """Grows with every change of state."""
    created_at: datetime
    queued_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    layout: Layout | None
    """None until a worker took it."""
    outcome: Outcome | None
    metrics: RunMetrics | None
    """None until it has ended with an outcome."""
    metrics_stored: bool
    """Not of a run that an earlier version ended: its metrics are then those of its outcome only."""
    environment: JsonObject | None
    diagnosis: Diagnosis | None
    """None until it has ended."""
    request_id: str | None

    @property
    def ended(self) -> bool:
        """Whether it will never change state again."""
        return self.status in ENDED


@dataclass(frozen=True)
class Transition:
    """One change of a run's state."""

    number: int
    status_before: RunStatus | None
    status: RunStatus
    attempt: int
    step: int
    owner: str | None
    reason: Reason
    at: datetime


@dataclass(frozen=True)
class Message:
    """A run that should be announced to the workers."""

    run_id: str
    queue: str
    priority: int
