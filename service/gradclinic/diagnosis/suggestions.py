"""Which remedies to try for a condition, best first; only those that this experiment can take.

The order follows the mechanism of each condition and the share of broken networks of that kind that the remedy
fixed (measured; a global order is refuted). It is a suggestion: a study measures what it does to this network.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..experiments.experiment import Experiment
from ..kernel.errors import InvalidRequest
from ..measurements.record import RunRecord
from ..remedies import Remedy
from ..remedies.against import (
    BATCH_NORM,
    CLIPPING,
    GATED_CELL,
    KAIMING,
    LAYER_NORM,
    LEAKIER_RELU,
    NO_CLIPPING,
    ORTHOGONAL,
    ORTHOGONAL_SMALL_INPUT,
    RELU,
    STANDARDIZED,
    WARMUP,
    XAVIER,
    adam,
    branches,
    rate,
    skips,
)
from .finding import Condition, Finding


def candidates(finding: Finding, record: RunRecord) -> Sequence[Remedy]:
    """The remedies for a finding in this kind of network, best first."""
    condition = finding.condition
    if condition == "slow_convergence" and not _steps_too_small(finding):
        near = next((evidence.value for evidence in finding.evidence if evidence.name == "depth_slope"), None)
        if near is not None:  # nothing else explains the failure, and the gradient over the depth nearly does
            cause: Condition = "vanishing_gradients" if near > 0 else "exploding_gradients"
            return (*candidates(replace(finding, condition=cause), record), rate(3.0))
        linear = all(site.activation in (None, "identity") for site in record.sites)
        bend = (RELU,) if linear and not any(site.kind == "state" for site in record.sites) else ()
        return (*bend, adam(0.001), BATCH_NORM, STANDARDIZED, rate(3.0))
    recurrent = any(site.kind == "state" for site in record.sites)
    bounded = any(site.bounded for site in record.sites)
    depth = max(1, sum(site.in_profile for site in record.sites))
    branch = round(depth**-0.5, 3)
    if recurrent:
        return _RECURRENT.get(condition, ())
    if condition == "vanishing_gradients":
        return _against_vanishing(record, branch=branch, bounded=bounded)
    if condition == "exploding_gradients":
        scale = branches(branch)
        scheme = XAVIER if bounded else KAIMING
        return (scale, scheme, skips(branch), BATCH_NORM, LAYER_NORM, rate(0.1), CLIPPING)
    return _FEED_FORWARD.get(condition, ())


_FEED_FORWARD: Mapping[str, tuple[Remedy, ...]] = {
    "dead_units": (KAIMING, LEAKIER_RELU, BATCH_NORM, rate(0.1), STANDARDIZED),
    "saturated_activations": (XAVIER, STANDARDIZED, BATCH_NORM, RELU, LAYER_NORM),
    "divergence": (rate(0.1), rate(0.01), CLIPPING, WARMUP, BATCH_NORM),
    "oscillating_loss": (rate(0.1), rate(0.02), CLIPPING, WARMUP),
    "slow_convergence": (NO_CLIPPING, rate(10.0), rate(100.0), adam(0.001), STANDARDIZED, BATCH_NORM),
}
_RECURRENT: Mapping[str, tuple[Remedy, ...]] = {
    "vanishing_gradients": (GATED_CELL, ORTHOGONAL_SMALL_INPUT, ORTHOGONAL, LAYER_NORM),
    "exploding_gradients": (ORTHOGONAL, GATED_CELL, CLIPPING, rate(0.1)),
    "dead_units": (ORTHOGONAL, LEAKIER_RELU, rate(0.1)),
    "saturated_activations": (ORTHOGONAL_SMALL_INPUT, ORTHOGONAL, STANDARDIZED, GATED_CELL),
    "divergence": (rate(0.1), CLIPPING, rate(0.01), WARMUP),
    "oscillating_loss": (rate(0.1), CLIPPING, WARMUP),
    "slow_convergence": (NO_CLIPPING, adam(0.001), rate(10.0), rate(100.0)),
}


def _against_vanishing(record: RunRecord, *, branch: float, bounded: bool) -> Sequence[Remedy]:
    if any(site.name.endswith(".block") for site in record.sites):  # a transformer
        # No larger weights: without skips and norms, kaiming_normal lets a ReLU transformer of 6 blocks explode.
        return (skips(1.0), LAYER_NORM, adam(0.001))
    if bounded:
        return (BATCH_NORM, RELU, XAVIER, skips(branch), LAYER_NORM)
    return (KAIMING, BATCH_NORM, skips(branch), LAYER_NORM, adam(0.001))


def _steps_too_small(finding: Finding) -> bool:
    total = next((evidence for evidence in finding.evidence if evidence.name == "total_update"), None)
    return total is not None and total.threshold is not None and total.value < total.threshold


def suggest(finding: Finding, record: RunRecord, experiment: Experiment | None) -> tuple[Remedy, ...]:
    """The candidates; where the experiment is known, those of them that it does not refuse."""
    found = candidates(finding, record)
    return tuple(remedy for remedy in found if experiment is None or _applies(remedy, experiment))


def _applies(remedy: Remedy, experiment: Experiment) -> bool:
    try:
        remedy.apply(experiment)
    except InvalidRequest:
        return False
    return True
