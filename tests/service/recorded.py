"""What a program of one's own would send of a training, made from a record."""

from typing import Any

import httpx
import numpy as np

from gradclinic.api.http.plain_json import plain
from gradclinic.measurements.record import RunRecord


def declaration(record: RunRecord, **changes: Any) -> dict[str, Any]:
    assert record.outcome is not None
    values = {
        "steps": record.steps,
        "batch_size": record.batch_size,
        "constant_loss": record.outcome.constant_loss,
        "sites": [
            {key: getattr(site, key) for key in ("name", "kind", "units", "in_profile", "activation", "group")}
            for site in record.sites
        ],
        "weights": [{"name": each.name, "shape": each.shape, "readout": each.readout} for each in record.weights],
    }
    return values | changes


def windows(record: RunRecord, *, size: int = 10) -> list[dict[str, Any]]:
    """The record in windows of so many steps; what was measured after the last step is in the last one."""
    assert record.outcome is not None
    done = record.outcome.steps_done
    found = []
    for first in range(0, max(done, 1), size):
        last = done if first + size >= done else first + size - 1
        series = []
        for name, each in record.series.items():
            inside = np.flatnonzero((each.steps >= first) & (each.steps <= last))
            if len(inside):
                values = plain(each.values[inside].astype(float).tolist())
                series.append({"statistic": name, "steps": each.steps[inside].tolist(), "values": values})
        found.append({"window": len(found), "step": min(first + size, done), "series": series})
    return found


def recorded(api: httpx.Client, record: RunRecord, *, end: bool = True, **declared: Any) -> str:
    """A recording that is sent as a whole; its identifier."""
    assert record.outcome is not None
    answer = api.post("/v1/recordings", json=declaration(record, **declared))
    assert answer.status_code == 201, answer.text
    run_id = str(answer.json()["id"])
    sent = windows(record)
    for window in sent:
        answer = api.post(f"/v1/recordings/{run_id}/statistics", json=window)
        assert answer.status_code == 202, answer.text
    if end:
        ending = {
            "windows": len(sent),
            "initial_train_loss": plain(record.outcome.initial_train_loss),
            "final_train_loss": plain(record.outcome.final_train_loss),
        }
        answer = api.post(f"/v1/recordings/{run_id}/finish", json=ending)
        assert answer.status_code == 200, answer.text
    return run_id
