"""Amazon SageMaker Debugger's built-in rules, by their published names and default thresholds.

Substitutes: a unit is active if its slope is nonzero on any of 256 samples; inputs outside the limits of
SaturatedActivation are estimated from a normal distribution with each layer's recorded mean and RMS.
"""

from collections.abc import Iterator
from math import erf, sqrt

import numpy as np

from ...measurements.record import RunRecord
from ..features import Features
from ..finding import Evidence, Finding
from ..thresholds import NamedThresholds
from .alarms import Alarm, findings_from

SOURCE = "Amazon SageMaker Debugger, built-in rules, default parameters (closed to new customers since 2026-07)"
_SMALLEST_VARIANCE = 1e-200
"""Taken for the variance of a layer whose inputs are constant, so that there is a ratio, and a finite one."""
_LIMITS = {"tanh": (-9.4999, 9.4999), "sigmoid": (-23.0, 16.99999)}


class SageMakerThresholds(NamedThresholds):
    """The rules' default parameters, under their own names."""

    vanishing_threshold: float = 1e-7
    """VanishingGradient: mean |gradient| of a weight."""
    inactive_layer_share: float = 0.5
    """DeadRelu and SaturatedActivation: fraction of a layer's units."""
    variance_ratio: float = 10.0
    """PoorWeightInitialization: ratio of the largest to the smallest variance of pre-activations at step 0."""
    smallest_update: float = 1e-8
    """WeightUpdateRatio: small_threshold."""
    largest_update: float = 10.0
    """WeightUpdateRatio: large_threshold."""


def judge(features: Features, record: RunRecord, thresholds: SageMakerThresholds) -> tuple[Finding, ...]:
    """All rules that fire, in the order in which a training would fail."""
    alarms = list(_alarms(features, record, thresholds))
    return findings_from(alarms, features, source=SOURCE, quiet="No rule of SageMaker Debugger fired.")


def _alarms(features: Features, record: RunRecord, thresholds: SageMakerThresholds) -> Iterator[Alarm]:
    if features.nonfinite_step is not None:
        step = Evidence("nonfinite_step", float(features.nonfinite_step), "step")
        yield Alarm("ExplodingTensor", "exploding_gradients", (step,), "ExplodingTensor: a value is not finite.")
    mean_abs = record.get("weight_grad_mean_abs")
    if len(mean_abs):
        smallest = float(np.nanmin(mean_abs.values)) if np.isfinite(mean_abs.values).any() else float("nan")
        if smallest < thresholds.vanishing_threshold:
            yield _below("VanishingGradient", "vanishing_gradients", smallest, thresholds.vanishing_threshold)
    dead = features.dead_max
    if dead is not None and dead > thresholds.inactive_layer_share:
        yield _above("DeadRelu", "dead_units", dead, thresholds.inactive_layer_share, "fraction of a layer's units")
    saturated = _saturated(record)
    if saturated > thresholds.inactive_layer_share:
        yield _above(
            "SaturatedActivation",
            "saturated_activations",
            saturated,
            thresholds.inactive_layer_share,
            "fraction of a layer's inputs outside its limits",
        )
    ratio = record.get("update_to_weight_ratio").values
    ratio = ratio[np.isfinite(ratio)]
    if ratio.size and ratio.max() > thresholds.largest_update:
        yield _above("WeightUpdateRatio", "divergence", float(ratio.max()), thresholds.largest_update, "update ratio")
    if ratio.size and ratio.min() < thresholds.smallest_update:
        yield _below("WeightUpdateRatio", "slow_convergence", float(ratio.min()), thresholds.smallest_update)
    yield from _initialization(record, thresholds)


def _initialization(record: RunRecord, thresholds: SageMakerThresholds) -> Iterator[Alarm]:
    rms, mean = record.get("preactivation_rms"), record.get("preactivation_mean")
    if not len(rms) or rms.values.shape[1] < 2:
        return
    squares, mean_squares = (each.values[0].astype(np.float64) ** 2 for each in (rms, mean))
    if not np.isfinite(squares).all():  # such values have no variance to be compared
        return
    variance = np.maximum(squares - mean_squares, _SMALLEST_VARIANCE)
    spread = float(variance.max() / variance.min())
    if spread > thresholds.variance_ratio:
        shrinks = variance[-1] <= variance[0]
        yield _above(
            "PoorWeightInitialization",
            "vanishing_gradients" if shrinks else "exploding_gradients",
            spread,
            thresholds.variance_ratio,
            "ratio of variances",
        )


def _saturated(record: RunRecord) -> float:
    """Largest fraction of a tanh or sigmoid layer's inputs outside its limits, over layers and steps."""
    rms, mean = record.get("preactivation_rms"), record.get("preactivation_mean")
    worst = 0.0
    for column, site in enumerate(record.sites):
        limits = _LIMITS.get(site.activation or "")
        if limits is None or not len(rms):
            continue
        for root, centre in zip(rms.values[:, column].tolist(), mean.values[:, column].tolist(), strict=True):
            deviation = sqrt(max(root**2 - centre**2, 0.0))
            if np.isfinite(deviation):
                worst = max(worst, 1.0 - _between(limits, centre, deviation))
    return worst


def _between(limits: tuple[float, float], mean: float, deviation: float) -> float:
    if deviation == 0:
        return float(limits[0] <= mean <= limits[1])
    low, high = ((limit - mean) / (deviation * sqrt(2.0)) for limit in limits)
    return 0.5 * (erf(high) - erf(low))


def _above(rule: str, condition: str, value: float, threshold: float, what: str) -> Alarm:
    text = f"{rule}: {what} {value:.3g} is above {threshold:g}."
    return Alarm(rule, condition, (Evidence(rule, value, what, threshold),), text)


def _below(rule: str, condition: str, value: float, threshold: float) -> Alarm:
    text = f"{rule}: {value:.3g} is below {threshold:g}."
    return Alarm(rule, condition, (Evidence(rule, value, "ratio", threshold),), text)
