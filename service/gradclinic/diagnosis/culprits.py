"""Which layers a fault sits in, from where along the depth the gradient changes."""

from dataclasses import dataclass

import numpy as np

from ..record import RunRecord
from .features import Array, Features, Profile, durations, weighted_median

LOCAL_EXCESS = 0.5
"""Decades by which a layer must stand out from the others to be the fault itself: a factor of 3, ten times the
scatter of one layer's factor at width 32 (3.7 % at width 256 goes with 1 / sqrt(width))."""
LOCAL_SPREADS = 4.0
"""...and by this many robust standard deviations of the others."""
LOCAL_SHARE = 0.5
"""...and the layers that stand out must make up this share of the whole change."""
BLOCKED = 0.5
"""A layer that is this saturated or dead is itself what blocks the gradient, not the weights that follow it."""


@dataclass(frozen=True)
class Culprits:
    """The layers at fault, worst first, and whether they stand out from the rest."""

    layers: tuple[str, ...]
    local: bool
    """Whether single layers stand out; otherwise the change is spread over the depth."""
    worst_factor: float
    """Gradient gained from one site to the next towards the input, at the worst layer; below 1 it shrinks."""
    typical_factor: float
    """The median over the layers."""


def along_depth(features: Features, record: RunRecord, *, sign: int) -> Culprits:
    """The layers where the gradient falls (sign +1) or grows (sign -1) on its way to the input.

    A change between sites k and k+1 belongs to the weights of k+1, or to site k where most of its units
    are saturated or dead. Time steps of a recurrent layer share their weights: the layer is named.
    """
    profile = features.profile
    if profile is None:
        return Culprits((), local=False, worst_factor=1.0, typical_factor=1.0)
    losses = sign * _decades_lost(profile)
    worst, typical = float(losses.max()), float(np.median(losses))
    factors = {"worst_factor": 10.0 ** (-sign * worst), "typical_factor": 10.0 ** (-sign * typical)}
    if profile.group:
        return Culprits((profile.group,), local=False, **factors)
    standing_out = _outliers(losses)
    local = bool(standing_out.any()) and float(losses[standing_out].sum()) >= LOCAL_SHARE * float(
        losses[losses > 0].sum()
    )
    chosen = standing_out if local else losses > 0
    order = [int(k) for k in np.argsort(-np.round(losses, 1), kind="stable") if chosen[k]]
    if not local and len(order) > 1:
        order = [k for k in order if losses[k] >= 0.5 * typical] or order[:1]
    names = [_owner(k, profile, features, record, sign=sign) for k in order]
    return Culprits(tuple(dict.fromkeys(names)), local=local, **factors)


def _decades_lost(profile: Profile) -> Array:
    """[L - 1]: median over the early finite records of log10 g(k+1) - log10 g(k)."""
    rows = np.isfinite(profile.log10_gradient).all(axis=1)
    if not rows.any():
        rows = np.ones(len(profile.steps), bool)
    early = rows & (profile.steps <= max(0.25 * profile.steps[-1], profile.steps[rows][0]))
    changes = np.diff(np.nan_to_num(profile.log10_gradient[early], nan=0.0), axis=1)
    weights = durations(profile.steps[early])
    return np.array([weighted_median(column, weights) for column in changes.T])


def _outliers(losses: Array) -> np.ndarray:
    """The layers that stand out above the rest, judged by the rest's own scatter."""
    if len(losses) < 2:
        return np.ones(len(losses), bool)
    centre = float(np.median(losses))
    spread = 1.4826 * float(np.median(np.abs(losses - centre)))
    return np.asarray(losses > centre + max(LOCAL_EXCESS, LOCAL_SPREADS * spread))


def _owner(k: int, profile: Profile, features: Features, record: RunRecord, *, sign: int) -> str:
    near, far = profile.columns[k], profile.columns[k + 1]
    if sign > 0 and (_blocked(features.saturated_start[near]) or _blocked(features.dead_start[near])):
        return record.sites[near].name
    return record.sites[far].name


def _blocked(fraction: float) -> bool:
    return bool(fraction >= BLOCKED)


def dead_layers(dead: Array, record: RunRecord, *, layer: float, share: float) -> tuple[str, ...]:
    """The layers whose units died, worst first, without those that are only silent because the layer before is.

    `layer`: dead fraction from which a layer passes nothing on; `share`: from which it is named at all.
    """
    named: list[tuple[float, str]] = []
    silenced = False
    for site, fraction in zip(record.sites, dead, strict=True):
        if np.isnan(fraction):
            continue
        if fraction >= share and not silenced:
            named.append((float(fraction), site.name))
        silenced = fraction >= layer
    return tuple(name for _, name in sorted(named, key=lambda item: -item[0]))


def saturated_layers(saturated: Array, record: RunRecord, *, share: float) -> tuple[str, ...]:
    """The layers with at least that share of saturated activations, worst first; recurrent states by their layer."""
    named: dict[str, float] = {}
    for site, fraction in zip(record.sites, saturated, strict=True):
        if not np.isnan(fraction) and fraction >= share:
            name = site.group or site.name
            named[name] = max(named.get(name, 0.0), float(fraction))
    return tuple(sorted(named, key=lambda name: -named[name]))
