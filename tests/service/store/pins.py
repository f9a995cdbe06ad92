"""Small baselines and checks for the tests of the store."""

from typing import Any

from gradclinic.store import Baseline, NewCheck, NewPin, Store

from .records import EXPERIMENT, queued


def pin(*run_ids: str, **changes: Any) -> NewPin:
    return NewPin(
        **{"experiment": EXPERIMENT, "remedies": [], "seeds": list(range(len(run_ids))), "run_ids": run_ids, **changes}
    )


def pinned(store: Store, name: str = "main", *, runs: int = 2) -> Baseline:
    return store.baselines.pin(name, pin(*(queued(store).id for _ in range(runs)))).item


def new_check(baseline: Baseline, **changes: Any) -> NewCheck:
    values: dict[str, Any] = {
        "baseline": baseline.name,
        "pin_id": baseline.pin.id,
        "experiment": EXPERIMENT,
        "remedies": [],
        "seeds": [0, 1],
        "margins": {"final_validation_loss": 0.1},
    }
    return NewCheck(**(values | changes))
