"""The features that rules are based on, computed from a run's statistics.

Notation: n recorded steps, L sites of a profile, forward order. Depth fraction is 0 at the first site of a
profile and 1 at the last; the readout is not a site. Source of all definitions: gradclinic, after measurements
on labelled runs. `gradclinic.experiments.sites` explains why activation gradients are used, not weight gradients.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..measurements.losses import MIN_PROBES, Swings, relative_losses, swings
from ..measurements.outcome import TAIL_SHARE, as_the_criterion_has_it
from ..measurements.profile import (
    Array,
    Profile,
    at_start,
    durations,
    median_between,
    profiles,
    steepest,
    weighted_median,
)
from ..measurements.record import Outcome, RunRecord, Series

FEWEST_LAST = 5
"""Minimum number of last batches whose median says where a loss ended: two of them may be outliers."""


@dataclass(frozen=True)
class Features:
    """The features of a run. None means not available (for example too few sites, or the run has not ended)."""

    steps: int
    """Requested optimizer steps."""
    steps_done: int
    finite_records: int
    """Recorded steps whose training loss is finite."""
    finished: bool
    nonfinite_step: int | None
    relative_train_loss: float | None
    """lT: final training loss relative to that of the best constant predictor; 1 means that nothing was learned. None
    also if the loss of the constant predictor is not known. Of a loss of the program's own, both above its floor."""
    relative_initial_loss: float | None
    """l0: the relative training loss before the first step."""
    profile: Profile | None
    """The profile with the largest |D|."""
    depth_slope_start: float | None
    """D0: D at step 0, orders of magnitude."""
    depth_slope_early: float | None
    """D_early: median of D over the first quarter of the steps, orders of magnitude."""
    depth_slope_late: float | None
    """Median of D over the last quarter of the steps, orders of magnitude."""
    local_loss_start: float
    """Orders of magnitude lost at step 0 at a single outlying layer; 0 if there is none."""
    local_loss_early: float
    """The same, median over the first quarter of the steps."""
    local_gain_start: float
    """Orders of magnitude gained at step 0 at a single outlying layer; 0 if there is none."""
    total_update: float | None
    """cumupd: sum over the steps of the largest layer's update-to-weight ratio; 1 moves a layer by its own size.

    A sum, not steps x median, because a network can move in large steps and then freeze; bounds need the sum."""
    relative_gradient: float | None
    """relg: median of the largest layer's |g|/|W|, before clipping."""
    dead: Array
    """[L all sites]: median over the second half of training of the dead fraction; NaN where units cannot die."""
    dead_start: Array
    """[L all sites]: dead fraction before the first step; NaN likewise."""
    saturated_start: Array
    """[L all sites]: saturated fraction at step 0; NaN where the activation is not bounded."""
    saturated_late: Array
    """[L all sites]: its median over the second half of training; NaN likewise."""
    probe_steps: npt.NDArray[np.int32]
    probe_loss: Array
    """Finite probe losses relative to the constant predictor's loss."""
    batch_steps: npt.NDArray[np.int32]
    batch_loss: Array
    """Finite batch losses relative to the constant predictor's loss."""

    @cached_property
    def diverged(self) -> bool:
        """Whether a loss or a gradient norm was NaN or infinite."""
        return self.nonfinite_step is not None

    def losses_from(self, share: float) -> Array:
        """Probe losses from this fraction of the steps on; batch losses if the run has no probes."""
        steps, losses = (
            (self.probe_steps, self.probe_loss) if len(self.probe_loss) else (self.batch_steps, self.batch_loss)
        )
        return np.asarray(losses[steps >= share * self.steps_done])

    @property
    def last_batch_losses(self) -> Array:
        """The relative losses of the last twentieth of the recorded batches, at least of five."""
        return self.batch_loss[-max(FEWEST_LAST, len(self.batch_loss) // TAIL_SHARE) :]

    def level(self, first: float, end: float) -> float | None:
        """Median relative probe loss between two fractions of the steps; None if there are too few probes."""
        if len(self.probe_loss) < MIN_PROBES:
            return None
        inside = (self.probe_steps >= first * self.steps_done) & (self.probe_steps <= end * self.steps_done)
        return float(np.median(self.probe_loss[inside])) if inside.any() else None

    @property
    def dead_max(self) -> float | None:
        """Dead fraction of the worst layer."""
        return _reduced(self.dead, np.nanmax)

    @property
    def dead_mean(self) -> float | None:
        """Mean dead fraction over the layers whose units can die."""
        return _reduced(self.dead, np.nanmean)

    @property
    def saturated_start_mean(self) -> float | None:
        """sat0: mean over the bounded layers at step 0."""
        return _reduced(self.saturated_start, np.nanmean)

    @property
    def saturated_start_max(self) -> float | None:
        """The worst bounded layer at step 0."""
        return _reduced(self.saturated_start, np.nanmax)

    @property
    def saturated_late_mean(self) -> float | None:
        """Mean over the bounded layers in the second half of training."""
        return _reduced(self.saturated_late, np.nanmean)

    def swings(self, *, skip: float, rise: float) -> Swings | None:
        """Rises above `rise` between probes, without the first `skip` of the steps; None with fewer than 8 probes."""
        return swings(self.probe_steps, self.probe_loss, rise=rise, start=skip * self.steps_done)


def extract(record: RunRecord) -> Features:
    """The features of a run, finished or not; a pure function of its record."""
    outcome = record.outcome
    train_loss = as_the_criterion_has_it(record.get("train_loss"), record.preflight)
    finite = np.isfinite(train_loss.values[:, 0])
    last = int(train_loss.steps[-1]) + 1 if len(train_loss) else 0
    steps_done = outcome.steps_done if outcome is not None else last
    horizon = record.steps if outcome is None or outcome.nonfinite_step is None else max(1, steps_done)
    profile = steepest(profiles(record), horizon=record.steps)
    loss, gain = (profile.local_loss(sign=sign) if profile is not None else None for sign in (1, -1))
    bounded = np.array([site.bounded for site in record.sites], bool)
    # A bounded unit with slope 0 at both ends (hardtanh) is saturated, not dead; another rule covers this.
    mortal = np.array([site.can_die and not site.bounded for site in record.sites], bool)
    saturated = record.get("saturated_fraction")
    span = own_span(record)
    probe_steps, probe_loss = relative_losses(record.get("probe_loss"), outcome, span=span)
    batch_steps, batch_loss = relative_losses(train_loss, outcome, span=span)
    return Features(
        steps=record.steps,
        steps_done=steps_done,
        finite_records=int(finite.sum()),
        finished=outcome is not None,
        nonfinite_step=_first_nonfinite(record),
        relative_train_loss=_relative(outcome, span, at_end=True),
        relative_initial_loss=_relative(outcome, span, at_end=False),
        profile=profile,
        depth_slope_start=at_start(profile),
        depth_slope_early=median_between(profile, 0.0, 0.25 * record.steps),
        depth_slope_late=median_between(profile, 0.75 * horizon, np.inf),
        local_loss_start=at_start(profile, loss) or 0.0,
        local_loss_early=median_between(profile, 0.0, 0.25 * record.steps, loss) or 0.0,
        local_gain_start=at_start(profile, gain) or 0.0,
        total_update=_total_update(record),
        relative_gradient=_relative_gradient(record),
        dead=np.where(mortal, _late(record.get("dead_fraction"), horizon), np.nan),
        dead_start=np.where(mortal, _first(record.get("dead_fraction")), np.nan),
        saturated_start=np.where(bounded, _first(saturated), np.nan),
        saturated_late=np.where(bounded, _late(saturated, horizon), np.nan),
        probe_steps=probe_steps,
        probe_loss=probe_loss,
        batch_steps=batch_steps,
        batch_loss=batch_loss,
    )


def own_span(record: RunRecord) -> tuple[float, float] | None:
    """The floor of a loss (the program's own, or of soft targets) and its value for the best constant, if they differ.

    None also if training ended below that floor, which was then not found.
    """
    loss, outcome = record.preflight.loss if record.preflight is not None else None, record.outcome
    if loss is None or loss.constant is None or loss.floor is None or outcome is None:
        return None
    is_above = loss.constant - loss.floor > _SAME * max(abs(loss.constant), abs(loss.floor))
    return (loss.floor, loss.constant) if is_above and outcome.final_train_loss >= loss.floor else None


_SAME = 1e-3
"""Relative difference of two fitted losses up to which they are the same: ten times what a fit may still gain."""


def _relative(outcome: Outcome | None, span: tuple[float, float] | None, *, at_end: bool) -> float | None:
    if outcome is None:
        return None
    if span is None:
        return outcome.relative_train_loss if at_end else outcome.relative_initial_loss
    floor, constant = span
    return ((outcome.final_train_loss if at_end else outcome.initial_train_loss) - floor) / (constant - floor)


def _late(series: Series, horizon: int) -> Array:
    """[L]: time-weighted median over the second half of training; NaN where nothing was recorded."""
    if not len(series):
        return np.full(series.values.shape[1], np.nan)
    late = series.steps >= 0.5 * horizon
    if not late.any():
        late = series.steps == series.steps[-1]
    weights = durations(series.steps)[late]
    return np.array([weighted_median(column, weights) for column in series.values[late].T.astype(np.float64)])


def _first(series: Series) -> Array:
    if not len(series) or series.steps[0] != 0:
        return np.full(series.values.shape[1], np.nan)
    first: Array = series.values[0].astype(np.float64)
    return first


def _trainable(record: RunRecord) -> npt.NDArray[np.bool_]:
    return np.array([weight.trainable for weight in record.weights], bool)


def _with_a_size(record: RunRecord) -> npt.NDArray[np.bool_]:
    """The trained weights that did not begin at 0; all trained ones if all did.

    Of one that began at 0, as the last layer of many networks does by design, each of the first steps is as large as
    the weight itself, and says nothing of the steps.
    """
    trained, norms = _trainable(record), record.get("weight_norm_l2")
    sized = trained & (norms.values[0] > 0) if len(norms) and norms.steps[0] == 0 else trained
    return sized if sized.any() else trained


def _largest(values: Array) -> Array:
    """[n]: the largest finite entry of each row; -infinity where there is none."""
    if not values.size:
        return np.full(len(values), -np.inf)
    largest: Array = np.where(np.isfinite(values), values, -np.inf).max(axis=1)
    return largest


def _total_update(record: RunRecord) -> float | None:
    ratio = record.get("update_to_weight_ratio")
    rows = _largest(ratio.values[:, _with_a_size(record)].astype(np.float64))
    known = np.isfinite(rows)
    return float((rows * durations(ratio.steps))[known].sum()) if known.any() else None


def _relative_gradient(record: RunRecord) -> float | None:
    gradients, weights = record.get("weight_grad_norm_l2"), record.get("weight_norm_l2")
    steps, rows, others = np.intersect1d(gradients.steps, weights.steps, return_indices=True)
    sized = _with_a_size(record)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = gradients.values[rows][:, sized].astype(np.float64) / weights.values[others][:, sized]
    largest = _largest(ratio)
    known = np.isfinite(largest)
    return weighted_median(largest[known], durations(steps)[known]) if known.any() else None


def _first_nonfinite(record: RunRecord) -> int | None:
    """First step with a non-finite loss or gradient norm; the last step if only the final loss is not finite."""
    outcome = record.outcome
    if outcome is not None:
        comparable = outcome.constant_loss is None or np.isfinite(outcome.constant_loss)
        overflowed = not np.isfinite(outcome.final_train_loss) and comparable
        return outcome.steps_done if outcome.nonfinite_step is None and overflowed else outcome.nonfinite_step
    found = [
        int(series.steps[bad][0])
        for series in (record.get("train_loss"), record.get("grad_norm_l2"))
        if (bad := ~np.isfinite(series.values[:, 0])).any()
    ]
    return min(found, default=None)


def _reduced(values: Array, reduce: Callable[[Array], float]) -> float | None:
    known = values[~np.isnan(values)]
    return float(reduce(known)) if known.size else None
