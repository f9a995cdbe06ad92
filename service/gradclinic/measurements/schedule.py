"""How often a run is recorded if its plan leaves it open: more often at the start, then as its cost allows.

A pure function of the experiment, so that a run is recorded in the same way whenever it is trained. Costs are in units
of one training step; `./run benchmark recorder` measures what they come to.
"""

from dataclasses import dataclass

from ..experiments.experiment import Experiment, RecordingPlan
from ..experiments.lowering import Network

SITES_COST, SITES_PART, SITES_RECORDS = 0.1, 0.005, 20
"""Of the gradients at the layer outputs: what one record costs in a small network, the fraction of a long run's time
that they may take, and how often they are recorded at least."""
FULL_COST, FULL_PART, FULL_RECORDS = 0.7, 0.01, 10
"""The same of all statistics. With 10 records of them and 20 at the layer outputs, and half as many dense steps at the
start as before, none of 160 labelled runs was diagnosed differently or detected later than with 15 and 30
(2026-11-30)."""
DENSE = 5
"""Steps at the start of a run of which all statistics are recorded."""
PROBE_COST, PROBES_PART = 0.3, 0.01
"""The same of probes: one of 64 rows costs so much of a step of as many."""
PROBES, MOST_PROBES = 30, 60
"""Number of probes of a short and of a long run. Where the loss rises they come twice as often, because thresholds for
oscillations were measured with 60. With that, none of 263 labelled runs was diagnosed differently (2026-11-30)."""
LOOKS = 10
"""How often dead units are looked for. None of 263 labelled runs was diagnosed differently than with 60 looks."""
MOST_ROWS, ROWS = 256, (256, 128, 64)
"""Samples in a probe. Of 263 labelled runs, 258 were diagnosed rightly with all 256, as many with 128 that were chosen
evenly by target, and 256 with 64."""
ROWS_COST = 0.3
"""What a probe of more than the fewest rows may cost; in a long run more, up to 3 % of the training's time."""
LAYER_S, FLOP_S = 20e-6, 1 / 80e9
"""Seconds of one core for calling a layer's kernel, and for an operation in it (measured, 30 x 128 and 18 x 16)."""
UNKNOWN = 300
"""The number of steps that is assumed if nobody knows it; after as many, a run is recorded more rarely."""


@dataclass(frozen=True)
class StepCost:
    """What a training step's cost follows from."""

    layers: int
    """Number of modules that are called."""
    flops: float
    """Floating-point operations of one sample's forward pass."""
    batch_size: int

    def of_forward(self, rows: int) -> float:
        """Cost of a forward pass of so many samples, in steps: forward, backward (twice that) and the update."""
        calls = LAYER_S * self.layers
        return (calls + FLOP_S * self.flops * rows) / (5 * calls + FLOP_S * 3 * self.flops * self.batch_size)


def planned(experiment: Experiment, network: Network) -> RecordingPlan:
    """The experiment's plan with a number for everything that it leaves open."""
    plan, training = experiment.recording, experiment.training
    layers = sum(1 for _ in network.walk())
    rows = probe_rows(plan, StepCost(layers, network.flops, training.batch_size), steps=training.steps)
    return scheduled(plan, steps=training.steps).model_copy(update={"probe_rows": rows})


def probe_rows(plan: RecordingPlan, cost: StepCost, *, steps: int | None) -> int:
    """Number of samples in the probe: the plan's, or as many as the cost allows."""
    if plan.probe_rows is not None:
        return plan.probe_rows
    length = UNKNOWN if steps is None else steps
    probes = max(1, length // (scheduled(plan, steps=steps).probe_every or 1))
    affordable = max(ROWS_COST, 3 * PROBES_PART * length / probes)
    return next((rows for rows in ROWS if cost.of_forward(rows) <= affordable), ROWS[-1])


def scheduled(plan: RecordingPlan, *, steps: int | None) -> RecordingPlan:
    """The plan with a number of steps for every interval that it leaves open."""
    length = UNKNOWN if steps is None else steps
    sites = _interval(length, records=max(SITES_RECORDS, SITES_PART * length / SITES_COST))
    return plan.model_copy(
        update={
            "sites_every": plan.sites_every or (sites if plan.every == 1 else plan.every),
            "full_every": plan.full_every
            or _interval(length, records=max(FULL_RECORDS, FULL_PART * length / FULL_COST)),
            "probe_every": plan.probe_every
            or _interval(length, records=min(MOST_PROBES, max(PROBES, PROBES_PART * length / PROBE_COST))),
            "dense_until": DENSE if plan.dense_until is None else plan.dense_until,
            "units_every": plan.units_every or _interval(length, records=LOOKS),
        }
    )


def _interval(length: int, *, records: float) -> int:
    return max(1, int(length / records))
