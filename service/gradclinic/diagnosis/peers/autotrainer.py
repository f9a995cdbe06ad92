"""AUTOTRAINER's five rules with their published constants.

Substitutes: accuracy is the validation accuracy at the end, and before that 1 - probe loss / constant predictor's
loss (which also exists for regressions); an epoch is the interval between two probes.
Source: Zhang, Zhai, Ma and Shen 2021, AUTOTRAINER: an automatic DNN training problem detection and repair system, ICSE.
"""

from collections.abc import Iterator

import numpy as np

from ...measurements.record import RunRecord
from ..features import Features
from ..finding import Evidence, Finding
from ..thresholds import NamedThresholds
from .alarms import Alarm, findings_from

SOURCE = "Zhang et al. 2021, AUTOTRAINER, ICSE"


class AutotrainerThresholds(NamedThresholds):
    """The published constants."""

    accuracy: float = 0.6
    """Problems are reported only while the accuracy is below this (theta)."""
    vanishing_ratio: float = 1e-3
    """|g1| / |gL| below which gradients may vanish..."""
    vanishing_gradient: float = 1e-4
    """...if |g1| is below this too (alpha, beta1)."""
    exploding_ratio: float = 70.0
    """|g1| / |gL| above which gradients explode (beta2)."""
    zero_share: float = 0.7
    """Fraction of zero gradient entries from which ReLUs are dying (gamma)."""
    swing: float = 0.03
    """Change of accuracy that counts as a swing (delta)."""
    swing_share: float = 0.2
    """Fraction of epochs that swing (eta)."""
    gain: float = 0.01
    """Gain of accuracy over an epoch below which convergence is slow (epsilon)."""
    wait: float = 0.3
    """Fraction of the epochs after which the rules apply only below the accuracy."""


def judge(features: Features, record: RunRecord, thresholds: AutotrainerThresholds) -> tuple[Finding, ...]:
    """The rules that fire, in the published order: exploding, vanishing, dying, oscillating, slow."""
    alarms = list(_alarms(features, record, thresholds))
    return findings_from(alarms, features, source=SOURCE, quiet="AUTOTRAINER reports no problem.")


def _alarms(features: Features, record: RunRecord, thresholds: AutotrainerThresholds) -> Iterator[Alarm]:
    gradients = record.get("weight_grad_mean_abs").values.astype(np.float64)
    outside = features.nonfinite_step is not None or not np.isfinite(gradients).all()
    accuracy = _accuracy(features, record)
    if not outside and accuracy is not None and accuracy >= thresholds.accuracy:
        return
    first, last = (gradients[:, 0], gradients[:, -1]) if gradients.size else (np.zeros(0), np.zeros(0))
    used = np.isfinite(first) & np.isfinite(last) & (last > 0)
    ratio = float(np.median(first[used] / last[used])) if used.any() else float("nan")
    if outside or ratio > thresholds.exploding_ratio:
        yield _alarm("exploding gradient", "exploding_gradients", ratio, thresholds.exploding_ratio)
    smallest = float(np.median(first[used])) if used.any() else float("nan")
    if ratio < thresholds.vanishing_ratio and smallest < thresholds.vanishing_gradient:
        yield _alarm("vanishing gradient", "vanishing_gradients", ratio, thresholds.vanishing_ratio)
    zeros = record.get("weight_grad_zero_fraction").values
    share = float(np.nanmean(zeros)) if zeros.size else 0.0
    if share >= thresholds.zero_share and any(site.can_die for site in record.sites):
        yield _alarm("dying ReLU", "dead_units", share, thresholds.zero_share)
    changes = np.diff(-features.probe_loss)
    if not len(changes):
        return
    turning = np.abs(changes) >= thresholds.swing
    swings = float((turning & np.concatenate([[False], np.sign(changes[1:]) != np.sign(changes[:-1])])).mean())
    if swings >= thresholds.swing_share:
        yield _alarm("oscillating loss", "oscillating_loss", swings, thresholds.swing_share)
    gain = float(np.median(changes[int(thresholds.wait * len(changes)) :]))
    if gain < thresholds.gain:
        yield _alarm("slow convergence", "slow_convergence", gain, thresholds.gain)


def _accuracy(features: Features, record: RunRecord) -> float | None:
    if record.outcome is not None and record.outcome.final_validation_accuracy is not None:
        return record.outcome.final_validation_accuracy
    loss = features.relative_train_loss
    return None if loss is None else 1.0 - loss


def _alarm(rule: str, condition: str, value: float, threshold: float) -> Alarm:
    evidence = (Evidence(rule.replace(" ", "_"), value, "ratio", threshold),)
    return Alarm(rule, condition, evidence, f"AUTOTRAINER: {rule} ({value:.3g} against {threshold:g}).")
