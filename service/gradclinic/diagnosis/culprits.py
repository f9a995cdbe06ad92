"""The layers at fault, from the positions along the depth where the gradient changes."""

from dataclasses import dataclass

import numpy as np

from ..measurements.profile import Array, Profile, durations, standing_out, weighted_median
from ..measurements.record import RunRecord
from .features import Features

LOCAL_SHARE = 0.5
"""Outlying layers are at fault if they make up at least this fraction of the whole change."""
BLOCKED = 0.5
"""From this saturated or dead fraction on, the layer itself blocks the gradient, not the weights after it."""


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
    """The layers where the gradient shrinks (sign +1) or grows (sign -1) towards the input.

    A change between sites k and k+1 is attributed to the weights of k+1, or to site k if most of its units are
    saturated or dead. Time steps of a recurrent layer share their weights, so the layer is named.
    """
    profile = features.profile
    if profile is None:
        return Culprits((), local=False, worst_factor=1.0, typical_factor=1.0)
    losses = sign * _orders_lost(profile, sign=sign)
    worst, typical = float(losses.max()), float(np.median(losses))
    factors = {"worst_factor": 10.0 ** (-sign * worst), "typical_factor": 10.0 ** (-sign * typical)}
    if profile.group:
        return Culprits((profile.group,), local=False, **factors)
    if not (losses > 0).any():  # equal at all sites, so exactly zero: the fault is what blocks the gradient
        return Culprits(_blocking(features, record), local=False, **factors)
    outliers = standing_out(losses)
    local = bool(outliers.any()) and float(losses[outliers].sum()) >= LOCAL_SHARE * float(losses.clip(min=0.0).sum())
    chosen = outliers if local else losses > 0
    chosen = chosen & (losses >= 0.5 * typical)  # the worst is at least typical, so one is left
    order = [int(k) for k in np.argsort(-np.round(losses, 1), kind="stable") if chosen[k]]
    names = [_owner(k, profile, features, record, sign=sign) for k in order]
    return Culprits(tuple(dict.fromkeys(names)), local=local, **factors)


def _orders_lost(profile: Profile, *, sign: int) -> Array:
    """[L - 1]: orders of magnitude lost between sites: at the start if the profile is steepest there, else early."""
    rows = np.isfinite(profile.log10_gradient).all(axis=1)
    if not rows.any():
        rows = np.ones(len(profile.steps), bool)
    early = rows & (profile.steps <= max(0.25 * profile.steps[-1], profile.steps[rows][0]))
    losses, slopes = np.nan_to_num(profile.losses[early], nan=0.0), sign * profile.slope[early]
    weights = durations(profile.steps[early])
    if slopes[0] > weighted_median(slopes, weights):
        return np.asarray(losses[0])
    return np.array([weighted_median(column, weights) for column in losses.T])


def _owner(k: int, profile: Profile, features: Features, record: RunRecord, *, sign: int) -> str:
    near, far = profile.columns[k], profile.columns[k + 1]
    if sign > 0 and (_blocked(features.saturated_start[near]) or _blocked(features.dead_start[near])):
        return record.sites[near].name
    return record.sites[far].name


def _blocking(features: Features, record: RunRecord) -> tuple[str, ...]:
    dead = dead_layers(features.dead, record, layer=0.99, share=BLOCKED)
    return dead or saturated_layers(features.saturated_late, record, share=BLOCKED)


def _blocked(fraction: float) -> bool:
    return bool(fraction >= BLOCKED)


def dead_layers(dead: Array, record: RunRecord, *, layer: float, share: float) -> tuple[str, ...]:
    """The layers whose units died, worst first, without those that are inactive only because the layer before is.

    `layer`: dead fraction from which a layer blocks the signal; `share`: dead fraction from which it is named.
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
    """The layers with at least this fraction of saturated activations, worst first; recurrent states by layer."""
    named: dict[str, float] = {}
    for site, fraction in zip(record.sites, saturated, strict=True):
        if not np.isnan(fraction) and fraction >= share:
            name = site.group or site.name
            named[name] = max(named.get(name, 0.0), float(fraction))
    return tuple(sorted(named, key=lambda name: -named[name]))
