"""Which remedies to try for a condition, best first; only those that this experiment can take.

The order follows the mechanism of each condition and the share of broken networks of that kind that the remedy
fixed (measured; a global order is refuted). It is a suggestion: a study measures what it does to this network.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from ..kernel.errors import InvalidRequest
from ..measurements.record import RunRecord
from .finding import Condition, Finding

if TYPE_CHECKING:
    from ..experiments.experiment import Experiment

RemedyJson = Mapping[str, Any]

_SWAP: RemedyJson = {"kind": "swap_activation", "activation": "relu"}
_SWAP_LEAKY: RemedyJson = {
    "kind": "swap_activation",
    "activation": {"name": "leaky_relu", "negative_slope": 0.2},
}
_BATCH_NORM: RemedyJson = {"kind": "add_batch_norm"}
_LAYER_NORM: RemedyJson = {"kind": "add_layer_norm"}
_GATED: RemedyJson = {"kind": "use_gated_cell"}
_STANDARDIZE: RemedyJson = {"kind": "standardize_inputs"}
_WARMUP: RemedyJson = {"kind": "add_warmup"}
_UNCLIP: RemedyJson = {"kind": "remove_clipping"}
_ADAM: RemedyJson = {"kind": "change_optimizer", "optimizer": {"kind": "adam", "learning_rate": 0.001}}


def _skip(scale: float) -> RemedyJson:
    return {"kind": "add_skip_connections", "scale": scale}


def _init(scheme: str, **fields: float) -> RemedyJson:
    return {"kind": "set_initialization", "initialization": {"scheme": scheme, **fields}}


def _lower(factor: float) -> RemedyJson:
    return {"kind": "lower_learning_rate", "factor": factor}


def _raise(factor: float) -> RemedyJson:
    return {"kind": "set_learning_rate", "factor": factor}


def _clip(threshold: float) -> RemedyJson:
    return {"kind": "clip_gradients", "by": "norm", "threshold": threshold}


def candidates(finding: Finding, record: RunRecord) -> Sequence[RemedyJson]:
    """The remedies for a finding in this kind of network, best first."""
    condition = finding.condition
    if condition == "slow_convergence" and not _steps_too_small(finding):
        near = next((evidence.value for evidence in finding.evidence if evidence.name == "depth_slope"), None)
        if near is not None:  # nothing else explains the failure, and the gradient over the depth nearly does
            cause: Condition = "vanishing_gradients" if near > 0 else "exploding_gradients"
            return (*candidates(replace(finding, condition=cause), record), _raise(3.0))
        linear = all(site.activation in (None, "identity") for site in record.sites)
        bend = (_SWAP,) if linear and not any(site.kind == "state" for site in record.sites) else ()
        return (*bend, _ADAM, _BATCH_NORM, _STANDARDIZE, _raise(3.0))
    recurrent = any(site.kind == "state" for site in record.sites)
    bounded = any(site.bounded for site in record.sites)
    depth = max(1, sum(site.in_profile for site in record.sites))
    branch = round(depth**-0.5, 3)
    if recurrent:
        return _RECURRENT.get(condition, ())
    if condition == "vanishing_gradients":
        return _against_vanishing(record, branch=branch, bounded=bounded)
    if condition == "exploding_gradients":
        scale: RemedyJson = {"kind": "scale_residual_branches", "scale": branch}
        scheme = "xavier_normal" if bounded else "kaiming_normal"
        return (scale, _init(scheme), _skip(branch), _BATCH_NORM, _LAYER_NORM, _lower(0.1), _clip(1.0))
    return _FEED_FORWARD.get(condition, ())


_FEED_FORWARD: Mapping[str, tuple[RemedyJson, ...]] = {
    "dead_units": (_init("kaiming_normal"), _SWAP_LEAKY, _BATCH_NORM, _lower(0.1), _STANDARDIZE),
    "saturated_activations": (_init("xavier_normal"), _STANDARDIZE, _BATCH_NORM, _SWAP, _LAYER_NORM),
    "divergence": (_lower(0.1), _lower(0.01), _clip(1.0), _WARMUP, _BATCH_NORM),
    "oscillating_loss": (_lower(0.1), _lower(0.02), _clip(1.0), _WARMUP),
    "slow_convergence": (_UNCLIP, _raise(10.0), _raise(100.0), _ADAM, _STANDARDIZE, _BATCH_NORM),
}
_RECURRENT: Mapping[str, tuple[RemedyJson, ...]] = {
    "vanishing_gradients": (_GATED, _init("orthogonal", input_gain=0.1), _init("orthogonal"), _LAYER_NORM),
    "exploding_gradients": (_init("orthogonal"), _GATED, _clip(1.0), _lower(0.1)),
    "dead_units": (_init("orthogonal"), _SWAP_LEAKY, _lower(0.1)),
    "saturated_activations": (_init("orthogonal", input_gain=0.1), _init("orthogonal"), _STANDARDIZE, _GATED),
    "divergence": (_lower(0.1), _clip(1.0), _lower(0.01), _WARMUP),
    "oscillating_loss": (_lower(0.1), _clip(1.0), _WARMUP),
    "slow_convergence": (_UNCLIP, _ADAM, _raise(10.0), _raise(100.0)),
}


def _against_vanishing(record: RunRecord, *, branch: float, bounded: bool) -> Sequence[RemedyJson]:
    if any(site.name.endswith(".block") for site in record.sites):  # a transformer
        # No larger weights: without skips and norms, kaiming_normal lets a ReLU transformer of 6 blocks explode.
        return (_skip(1.0), _LAYER_NORM, _ADAM)
    if bounded:
        return (_BATCH_NORM, _SWAP, _init("xavier_normal"), _skip(branch), _LAYER_NORM)
    return (_init("kaiming_normal"), _BATCH_NORM, _skip(branch), _LAYER_NORM, _ADAM)


def _steps_too_small(finding: Finding) -> bool:
    total = next((evidence for evidence in finding.evidence if evidence.name == "total_update"), None)
    return total is not None and total.threshold is not None and total.value < total.threshold


def suggest(finding: Finding, record: RunRecord, experiment: "Experiment | None") -> tuple[RemedyJson, ...]:
    """The candidates that this catalogue has and, where the experiment is known, that it does not refuse."""
    from ..remedies import REMEDIES

    accepted: list[RemedyJson] = []
    for candidate in candidates(finding, record):
        if candidate["kind"] not in REMEDIES:
            continue
        try:
            remedy = _adapter().validate_python(dict(candidate))
            if experiment is not None:
                remedy.apply(experiment)
        except (ValidationError, InvalidRequest):
            continue
        accepted.append(candidate)
    return tuple(accepted)


@cache
def _adapter() -> TypeAdapter[Any]:
    from ..remedies import AnyRemedy

    return TypeAdapter(AnyRemedy)
