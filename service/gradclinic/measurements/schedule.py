"""How often a run is recorded if its plan leaves that open: more often at the start, then as its cost allows.

A pure function of the plan and the number of steps, so that a run is recorded in the same way whenever it is trained.
"""

from ..experiments.experiment import RecordingPlan

SITES_COST = 0.1
"""What the gradients at the layer outputs cost, in steps of a small network (`./run benchmark recorder`)."""
SITES_PART = 0.01
"""Fraction of the training's time that they may take in a long run."""
SITES_RECORDS = 60
"""How often they are recorded at least, even in a short run."""
PROBES = 60
"""Number of probes of a run: thresholds for oscillations were measured with as many."""
UNKNOWN = 300
"""The number of steps that is assumed if nobody knows it; after as many, a run is recorded more rarely."""


def scheduled(plan: RecordingPlan, *, steps: int | None) -> RecordingPlan:
    """The plan with a number for everything that it leaves open."""
    length = UNKNOWN if steps is None else steps
    sites = _interval(length, records=max(SITES_RECORDS, SITES_PART * length / SITES_COST))
    return plan.model_copy(
        update={
            "sites_every": plan.sites_every or (sites if plan.every == 1 else plan.every),
            "probe_every": plan.probe_every or _interval(length, records=PROBES),
        }
    )


def _interval(length: int, *, records: float) -> int:
    return max(1, int(length / records))
