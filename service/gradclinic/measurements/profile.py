"""Gradient profiles over depth: one per chain of sites (layer outputs), with its slope and outlier layers.

The depth fraction is 0 at the first site of a profile and 1 at the last. The readout is not a site.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .record import RunRecord, Series, SiteInfo

Array = npt.NDArray[np.float64]

ZERO_GRADIENT_LOG10 = -45.0
"""log10 of a gradient that is exactly 0: the smallest float32 above 0 is 1.4e-45."""
MIN_SITES = 3
"""Minimum number of points for a meaningful slope."""
MIN_LOCAL_SITES = 5
"""Minimum number of layers for an outlier: one layer and at least three others."""
LOCAL_EXCESS = 0.5
"""Orders of magnitude by which a layer must differ from the others to be the cause: a factor of 3, ten times the
scatter of one layer's factor at width 32 (3.7 % at width 256, scaling as 1 / sqrt(width))."""
LASTING = 0.5
"""Fraction of an outlier's change by which the gradients of all layers before it must differ from those of all after
it. A judgement: half of what is lost is not made good."""
LOCAL_SPREADS = 4.0
"""...and by this many robust standard deviations of the others."""


@dataclass(frozen=True)
class Profile:
    """Gradients over depth for one chain of sites: a feed-forward path, or one recurrent layer over time."""

    group: str
    """The recurrent layer, or "" for a feed-forward path."""
    columns: tuple[int, ...]
    """Indices of its sites in the record's sites."""
    steps: npt.NDArray[np.int32]
    """[n]"""
    log10_gradient: Array
    """[n, L]: log10 g, -45 where g is 0, NaN where g is not finite."""
    slope: Array
    """[n]: gradient decay D in orders of magnitude; positive: vanishing, negative: exploding."""
    slope_error: Array
    """[n]: standard error of D from the scatter of the sites around the line, in orders of magnitude."""
    from_start: bool
    """Whether its first record is of the first step whose gradient was not zero at all of its sites. A readout that
    starts at zero lets no gradient through until it has moved; what is before that step says nothing and is left out.
    """

    @property
    def losses(self) -> Array:
        """[n, L - 1]: decay from site k+1 to site k, in orders of magnitude; NaN if a gradient is not finite."""
        return np.diff(self.log10_gradient, axis=1)

    def local_loss(self, *, sign: int) -> Array:
        """[n]: decay (sign +1) or growth (-1) at the most extreme outlier layer, in orders of magnitude; 0 if none.

        Time steps of a recurrent layer share weights, so no single step can be the cause. Nor can a layer whose loss
        others make good, as that of a branch beside the way does: then the gradients before and after it are alike.
        """
        if self.group or self.log10_gradient.shape[1] < MIN_LOCAL_SITES:
            return np.zeros(len(self.steps))
        losses = sign * self.losses
        outliers = standing_out(losses)
        for k in np.flatnonzero(outliers.any(axis=0)):
            outliers[:, k] &= sign * self._level_change(int(k)) >= LASTING * losses[:, k]
        largest: Array = np.where(outliers, losses, 0.0).max(axis=1)
        return np.where(np.isfinite(losses).all(axis=1), largest, 0.0)

    def _level_change(self, k: int) -> Array:
        """[n]: the median gradient of the sites from k + 1 on, over that of those up to k, in orders of magnitude."""
        logs = self.log10_gradient
        return np.asarray(np.median(logs[:, k + 1 :], axis=1) - np.median(logs[:, : k + 1], axis=1))


def standing_out(losses: Array) -> npt.NDArray[np.bool_]:
    """[..., L - 1]: layers that lose more than the rest, compared with the scatter of the rest."""
    centre = np.median(losses, axis=-1, keepdims=True)
    spread = 1.4826 * np.median(np.abs(losses - centre), axis=-1, keepdims=True)
    return np.asarray(losses > centre + np.maximum(LOCAL_EXCESS, LOCAL_SPREADS * spread))


def profiles(record: RunRecord) -> list[Profile]:
    """All chains of at least three sites, with their slope at each recorded step."""
    gradients = record.get("site_grad_rms")
    if not len(gradients):
        return []
    chains = {
        chain: _until_the_readout(gradients, columns) if chain[0] else columns
        for chain, columns in _chains(record.sites).items()
    }
    return [_profile(gradients, group, columns) for (group, _), columns in chains.items() if len(columns) >= MIN_SITES]


def _until_the_readout(gradients: Series, columns: tuple[int, ...]) -> tuple[int, ...]:
    """The time steps up to the last that ever has a gradient; all, if none has. What comes after is padding."""
    used = np.flatnonzero((gradients.values[:, columns] != 0).any(axis=0))
    return columns[: used[-1] + 1] if len(used) else columns


def steepest(candidates: Sequence[Profile], *, horizon: int) -> Profile | None:
    """The profile with the largest |D| early in training; for stacked recurrent layers, the worst one counts."""

    def steepness(profile: Profile) -> float:
        start, early = at_start(profile), median_between(profile, 0.0, 0.25 * horizon)
        return max((abs(slope) for slope in (start, early) if slope is not None), default=0.0)

    return max(candidates, key=steepness, default=None)


def _chains(sites: Sequence[SiteInfo]) -> dict[tuple[str, str], tuple[int, ...]]:
    """By recurrent layer and path, the indices of the sites in order."""
    chains: dict[tuple[str, str], list[int]] = {}
    for index, site in enumerate(sites):
        if site.in_profile:
            chains.setdefault((site.group, site.path), []).append(index)
    return {chain: tuple(columns) for chain, columns in chains.items()}


def _profile(gradients: Series, group: str, columns: tuple[int, ...]) -> Profile:
    values = gradients.values[:, columns].astype(np.float64)
    steps, from_start = gradients.steps, bool(gradients.steps[0] == 0)
    first = int(np.argmax((values != 0).any(axis=1)))
    values, steps = values[first:], steps[first:]
    finite = np.isfinite(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(finite, np.maximum(np.log10(np.abs(values)), ZERO_GRADIENT_LOG10), np.nan)
    depth = np.linspace(0.0, 1.0, len(columns))
    centred = depth - depth.mean()
    spread = float((centred**2).sum())
    slope = logs @ centred / spread
    residual = logs - logs.mean(axis=1, keepdims=True) - slope[:, None] * centred
    error = np.sqrt((residual**2).sum(axis=1) / max(1, len(columns) - 2) / spread)
    starved = (values > 0).sum(axis=1) < MIN_SITES
    slope = np.where(starved, np.inf, slope)
    slope = np.where(finite.all(axis=1), slope, -np.inf)
    error = np.where(np.isfinite(slope), error, 0.0)
    return Profile(group, columns, steps, logs, slope, error, from_start)


def at_start(profile: Profile | None, values: Array | None = None) -> float | None:
    """The slope (or another value per record) at the first step with a gradient; None if that was not recorded."""
    if profile is None or not profile.from_start:
        return None
    return float((profile.slope if values is None else values)[0])


def median_between(profile: Profile | None, first: float, end: float, values: Array | None = None) -> float | None:
    """Time-weighted median of the slope (or other values) over first <= step < end, or at the nearest record."""
    if profile is None or not len(profile.steps):
        return None
    inside = (profile.steps >= first) & (profile.steps < end)
    if not inside.any():
        inside = profile.steps == (profile.steps[0] if first == 0 else profile.steps[-1])
    chosen = (profile.slope if values is None else values)[inside]
    return float(weighted_median(chosen, durations(profile.steps)[inside]))


def durations(steps: npt.NDArray[np.int32]) -> Array:
    """[n]: number of steps that each record represents, because recording is denser at the start."""
    gaps = np.diff(steps).astype(np.float64)
    return np.append(gaps, gaps[-1] if len(gaps) else 1.0)


def weighted_median(values: Array, weights: Array) -> float:
    """The lower weighted median. It is an observed value, so infinities need no arithmetic. NaN if all are NaN."""
    known = ~np.isnan(values)
    values, weights = values[known], weights[known]
    if not len(values):
        return float("nan")
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(cumulative, 0.5 * cumulative[-1])])
