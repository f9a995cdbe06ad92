"""Small runs, records and studies for the tests of the store."""

from math import inf
from typing import Any

import numpy as np

from gradclinic.diagnosis import Evidence
from gradclinic.measurements.record import Outcome, RunRecord, Series, SiteInfo, WeightInfo
from gradclinic.store import Lease, NewRun, NewStudy, Run, Store

from ..diagnoses import diagnosis, finding

EXPERIMENT: dict[str, Any] = {
    "model": {"kind": "mlp", "depth": 2, "width": 4, "activation": "tanh"},
    "data": {"kind": "moons"},
    "optimizer": {"kind": "sgd", "learning_rate": 0.1},
}
DIAGNOSIS = diagnosis(
    *(
        finding(condition, layers=("0.linear",), evidence=(Evidence("depth_slope", inf, "orders of magnitude", 1.5),))
        for condition in ("vanishing_gradients", "slow_convergence")
    )
)


def new_run(**changes: Any) -> NewRun:
    values: dict[str, Any] = {
        "experiment": EXPERIMENT,
        "resolved_experiment": EXPERIMENT,
        "digest": "d",
        "seed": 0,
        "steps": 10,
    }
    return NewRun(**(values | changes))


def new_study(**changes: Any) -> NewStudy:
    values: dict[str, Any] = {
        "experiment": EXPERIMENT,
        "arms": [{"name": "baseline", "remedies": []}],
        "seeds": [0, 1],
    }
    return NewStudy(**(values | changes))


def queued(store: Store, **changes: Any) -> Run:
    return store.runs.create(new_run(**changes)).item


def claimed(store: Store, run_id: str | None = None, *, owner: str = "vm/1/2", ttl_s: float = 60) -> Lease:
    lease = store.leases.claim(run_id or queued(store).id, owner=owner, ttl_s=ttl_s)
    assert lease is not None
    return lease


def window(first: int, last: int, *, places: int = 2, name: str = "site_grad_rms") -> dict[str, Series]:
    """Steps first..last - 1; the value says where it stands."""
    steps = np.arange(first, last, dtype=np.int32)
    values = steps[:, None] + np.arange(places, dtype=np.float32)[None, :] / 10
    return {name: Series(steps, values.astype(np.float32))}


def record(*, series: dict[str, Series] | None = None, outcome: Outcome | None = None) -> RunRecord:
    return RunRecord(
        steps=10,
        batch_size=4,
        sites=(
            SiteInfo("0.linear", "pre_activation", True, 4, "tanh", bounded=True),
            SiteInfo("2.linear", "x", True, 4),
        ),
        weights=(WeightInfo("0.linear", (4, 2)), WeightInfo("4.linear", (2, 4), readout=True)),
        series=series or {},
        outcome=outcome,
        clipping={"kind": "norm", "max_norm": 1.0},
        environment={"torch": "2"},
    )


def outcome(**changes: Any) -> Outcome:
    values: dict[str, Any] = {
        "steps_done": 10,
        "nonfinite_step": None,
        "initial_train_loss": 0.7,
        "final_train_loss": 0.35,
        "constant_loss": 0.7,
        "final_validation_loss": 0.4,
        "final_validation_accuracy": 0.9,
        "steps_to_target": 7,
        "train_seconds": 0.1,
        "recording_seconds": 0.01,
    }
    return Outcome(**(values | changes))
