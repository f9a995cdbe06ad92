"""The tables. Times are seconds since 1970 by the database's clock; the views show them as timestamps."""

from .audit import audit_entries
from .baseline import baselines, pinned_runs, pins
from .check import check_keys, check_runs, checks
from .dataset import datasets, deleted_datasets
from .key import api_keys, sessions
from .prescription import deleted_trials, prescription_keys, prescriptions, trials
from .run import (
    chunks,
    findings,
    idempotency_keys,
    labels,
    layer_summaries,
    layouts,
    packs,
    recordings,
    run_tallies,
    runs,
    studies,
    transitions,
    workers,
)
from .schedule import firings, schedules
from .schema import metadata
from .webhook import alert_states, deliveries, webhooks

__all__ = [
    "alert_states",
    "api_keys",
    "audit_entries",
    "baselines",
    "check_keys",
    "check_runs",
    "checks",
    "chunks",
    "datasets",
    "deleted_datasets",
    "deleted_trials",
    "deliveries",
    "findings",
    "firings",
    "idempotency_keys",
    "labels",
    "layer_summaries",
    "layouts",
    "metadata",
    "packs",
    "pinned_runs",
    "pins",
    "prescription_keys",
    "prescriptions",
    "recordings",
    "run_tallies",
    "runs",
    "schedules",
    "sessions",
    "studies",
    "transitions",
    "trials",
    "webhooks",
    "workers",
]
