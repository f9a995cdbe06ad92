"""Small rows beside the packed statistics, for users who query the database with SQL."""

from typing import Any

import numpy as np
import structlog
from sqlalchemy import Connection

from ..diagnosis import Diagnosis
from ..kernel.codec import encode
from ..measurements.metrics import RunMetrics, metrics_of
from ..measurements.record import Outcome, RunRecord
from . import tables as t
from .database import Database
from .layout import layout_values

log = structlog.get_logger(__name__)

SUMMARIZED = (
    "site_grad_rms",
    "activation_rms",
    "saturated_fraction",
    "dead_fraction",
    "weight_grad_norm_l2",
    "weight_norm_l2",
    "update_to_weight_ratio",
)
"""The statistics with one row per layer."""


def ending_values(
    connection: Connection, database: Database, record: RunRecord | None, diagnosis: Diagnosis | None
) -> dict[str, Any]:
    """The columns of a run with its outcome, whose layout is stored."""
    values: dict[str, object] = {}
    if record is not None:
        values |= {**layout_values(connection, database, record.layout), "environment": dict(record.environment)}
        if record.outcome is not None:
            metrics = _metrics(record, record.outcome)
            values |= {
                "step": record.outcome.steps_done,
                "outcome": encode(record.outcome),
                "metrics": encode(metrics),
                **{name: value for name, value in metrics.by_name().items() if name in t.runs.c},
            }
    if diagnosis is not None:
        values |= {
            "diagnosis": encode(diagnosis),
            "condition": diagnosis.primary,
            "rule_set": diagnosis.rule_set,
        }
    return values


def _metrics(record: RunRecord, outcome: Outcome) -> RunMetrics:
    """The metrics of a run; those of its outcome alone if the statistics cannot be evaluated, so that it still ends."""
    known = RunMetrics.of_outcome(outcome, steps=record.steps, parameters=record.parameters)
    try:
        return metrics_of(record) or known
    except Exception:
        log.exception("metrics_broke")  # the statistics are kept
        return known


def ending_rows(
    run_id: str, record: RunRecord | None, diagnosis: Diagnosis | None
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """The summary rows of a run: its layers and its findings."""
    return (
        [] if record is None else summary_rows(run_id, record),
        [] if diagnosis is None else finding_rows(run_id, diagnosis),
    )


def summary_rows(run_id: str, record: RunRecord) -> list[dict[str, object]]:
    """For each layer, the first, last, median, smallest and largest value of the statistic."""
    rows = []
    for name in SUMMARIZED:
        series = record.get(name)
        if not len(series):
            continue
        values = series.values.astype(np.float64)
        finite = np.isfinite(values)
        with np.errstate(invalid="ignore"):
            medians, smallest, largest = np.median(values, axis=0), values.min(axis=0), values.max(axis=0)
        rows += [
            {
                "run_id": run_id,
                "statistic": name,
                "position": position,
                "layer": layer,
                "records": len(series),
                "nonfinite_records": int((~finite[:, position]).sum()),
                "first": float(values[0, position]),
                "last": float(values[-1, position]),
                "median": float(medians[position]),
                "smallest": float(smallest[position]),
                "largest": float(largest[position]),
            }
            for position, layer in enumerate(record.layout.columns(name))
        ]
    return rows


def finding_rows(run_id: str, diagnosis: Diagnosis) -> list[dict[str, object]]:
    """The findings of a diagnosis, in order."""
    return [
        {
            "run_id": run_id,
            "number": number,
            "condition": finding.condition,
            "severity": finding.severity,
            "harm": finding.harm,
            "confidence": finding.confidence,
            "first_step": finding.first_step,
            "last_step": finding.last_step,
            "layers": list(finding.layers),
            "rule": finding.rule,
            "summary": finding.summary,
        }
        for number, finding in enumerate(diagnosis.findings)
    ]
