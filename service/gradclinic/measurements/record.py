"""What a run measured: the statistics' names, units and shapes, and the record that holds them.

Index conventions: n recorded steps, L places. A statistic "per site" has one column for each site of
`RunRecord.sites`, "per weight" one for each weighted layer, "per run" a single column.
NaN and infinity are ordinary values. Statistics are facts; what they mean is decided in `diagnosis`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from ..kernel.json import JsonObject
from .preflight import Preflight

Per = Literal["site", "weight", "run"]

ALARMS = 5
"""A run's recording turns dense at most this often because a step stood out."""
DENSE_STEPS = 10
"""All statistics are recorded at each of so many steps after one that stood out."""
KEPT_STEPS = 32
"""Steps before an event whose loss and gradient norms are recorded after all, where the plan had left them out."""

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Statistic:
    """A number measured for each place and recorded step."""

    name: str
    per: Per
    unit: str
    help: str
    full: bool = False
    """Whether it belongs to the full set (every `recording.full_every` steps) or to the basic one."""


STATISTICS: dict[str, Statistic] = {
    statistic.name: statistic
    for statistic in (
        Statistic(
            "site_grad_rms",
            "site",
            "loss per activation",
            "g: batch size x RMS of dL/d(site), the loss averaged over the batch; before any clipping or loss scaling",
        ),
        Statistic(
            "site_grad_mean_abs",
            "site",
            "loss per activation",
            "Batch size x mean absolute value of dL/d(site)",
            full=True,
        ),
        Statistic(
            "site_grad_max_abs",
            "site",
            "loss per activation",
            "Batch size x largest absolute value of dL/d(site)",
            full=True,
        ),
        Statistic(
            "site_grad_zero_fraction",
            "site",
            "fraction",
            "Share of the entries of dL/d(site) that are exactly 0",
            full=True,
        ),
        Statistic(
            "site_grad_underflow_fraction",
            "site",
            "fraction",
            "Share of the entries of dL/d(site) that are not 0 but below the smallest normal number of the precision",
            full=True,
        ),
        Statistic(
            "site_grad_nonfinite_count", "site", "entries", "Entries of dL/d(site) that are NaN or infinite", full=True
        ),
        Statistic("preactivation_rms", "site", "activation", "RMS of the site's own value", full=True),
        Statistic("preactivation_mean", "site", "activation", "Mean of the site's own value", full=True),
        Statistic(
            "activation_rms",
            "site",
            "activation",
            "RMS of phi(site); of the site itself where no activation follows",
            full=True,
        ),
        Statistic(
            "activation_batch_std",
            "site",
            "activation",
            "Standard deviation of phi(site) over the batch, RMS over units",
            full=True,
        ),
        Statistic(
            "saturated_fraction", "site", "fraction", "Share of the entries where |phi'| < 0.05 sup|phi'|", full=True
        ),
        Statistic(
            "beyond_5_fraction",
            "site",
            "fraction",
            "Share of the entries with |site| > 5, the common rule of thumb",
            full=True,
        ),
        Statistic(
            "dead_fraction",
            "site",
            "fraction",
            "Share of the units whose phi' is 0 on every sample of the probe batch (256 training samples)",
        ),
        Statistic(
            "weight_grad_norm_l2", "weight", "loss per weight", "L2 norm of the weight's gradient, before clipping"
        ),
        Statistic(
            "weight_grad_norm_l2_clipped",
            "weight",
            "loss per weight",
            "L2 norm of the weight's gradient, after clipping",
            full=True,
        ),
        Statistic(
            "weight_grad_mean_abs",
            "weight",
            "loss per weight",
            "Mean absolute value of the weight's gradient, before clipping",
            full=True,
        ),
        Statistic(
            "weight_grad_max_abs",
            "weight",
            "loss per weight",
            "Largest absolute value of the weight's gradient, before clipping",
            full=True,
        ),
        Statistic(
            "weight_grad_zero_fraction",
            "weight",
            "fraction",
            "Share of the weight's gradient entries that are exactly 0",
            full=True,
        ),
        Statistic(
            "weight_grad_nonfinite_count",
            "weight",
            "entries",
            "Entries of the weight's gradient that are NaN or infinite",
            full=True,
        ),
        Statistic("weight_norm_l2", "weight", "weight", "L2 norm of the weight before the step", full=True),
        Statistic(
            "update_to_weight_ratio",
            "weight",
            "ratio",
            "L2 norm of the step taken over that of the weight before it",
            full=True,
        ),
        Statistic(
            "distance_from_start",
            "weight",
            "weight",
            "L2 distance of the weight from its initial value, before the step",
            full=True,
        ),
        Statistic("train_loss", "run", "loss", "Loss of the step's own batch"),
        Statistic(
            "grad_norm_l2", "run", "loss per weight", "L2 norm of all parameters' gradients together, before clipping"
        ),
        Statistic("grad_norm_l2_clipped", "run", "loss per weight", "The same after clipping"),
        Statistic("clipped", "run", "0 or 1", "Whether clipping changed the gradient"),
        Statistic(
            "learning_rate", "run", "weight per gradient", "Learning rate of the step, the schedule's factor included"
        ),
        Statistic(
            "grad_cosine",
            "run",
            "cosine",
            "Cosine between the gradient and that of the step before, where that was kept",
            full=True,
        ),
        Statistic(
            "probe_loss",
            "run",
            "loss",
            "Loss of the fixed probe batch (the first 256 training samples), batch norm on batch statistics",
        ),
    )
}
"""Every statistic by its identifier."""


@dataclass(frozen=True)
class Series:
    """One statistic of one run: `values[i, l]` was measured at `steps[i]` in place `l`."""

    steps: IntArray
    """[n], increasing; step 0 is before the first update."""
    values: FloatArray
    """[n, L]."""

    def __len__(self) -> int:
        return len(self.steps)


@dataclass(frozen=True)
class SiteInfo:
    """What the diagnosis needs to know of a site, with the activation's own facts beside its name."""

    name: str
    kind: str
    in_profile: bool
    units: int
    activation: str | None = None
    bounded: bool = False
    can_die: bool = False
    group: str = ""
    """The recurrent layer that a state belongs to; "" elsewhere. Stacked recurrent layers are judged one by one."""


@dataclass(frozen=True)
class WeightInfo:
    """A weighted layer as the record names it."""

    name: str
    shape: tuple[int, ...]
    readout: bool = False
    trainable: bool = True


@dataclass(frozen=True)
class Layout:
    """What a run records for: known before its first step."""

    steps: int
    """Optimizer steps that are planned; 0 where a user's own program did not say."""
    batch_size: int
    sites: tuple[SiteInfo, ...]
    weights: tuple[WeightInfo, ...]
    clipping: JsonObject | None = None
    """As it was declared; None where the gradient is not clipped."""
    parameters: int | None = None
    """Trainable values; None where the service does not train the run."""
    preflight: Preflight | None = None
    """What the first batches showed; None where nobody looked, or not yet."""

    def columns(self, statistic: str) -> tuple[str, ...]:
        """Names of a statistic's columns: layer outputs, weighted layers, or the run itself."""
        per = STATISTICS[statistic].per
        if per == "run":
            return ("run",)
        return tuple(place.name for place in (self.sites if per == "site" else self.weights))

    @property
    def profile_columns(self) -> tuple[int, ...]:
        """Indices of the sites that count for the profile over depth."""
        return tuple(index for index, site in enumerate(self.sites) if site.in_profile)


@dataclass(frozen=True)
class Outcome:
    """How the training ended, in the numbers that rules and comparisons rest on."""

    steps_done: int
    """Optimizer steps taken."""
    nonfinite_step: int | None
    """First step whose loss or gradient norm was NaN or infinite; training stopped there."""
    initial_train_loss: float
    """Loss before the first step on the first min(1000, n) training samples, batch norm on batch statistics."""
    final_train_loss: float
    """The same after the last step."""
    constant_loss: float | None
    """Training loss of the best constant predictor; None where it is not known (a user's own program did not say)."""
    final_validation_loss: float | None
    """None where nothing was validated."""
    final_validation_accuracy: float | None
    """None for regression."""
    steps_to_target: int | None
    """First probed step whose probe loss is at most half the constant predictor's; None if never."""
    train_seconds: float | None
    recording_seconds: float | None
    peak_memory_bytes: int | None = None
    stopped_on: str | None = None
    """The condition whose finding ended the run early, where `training.stop_when` asked for that."""
    loss_unit: float | None = None
    """How many units of the targets as they are, squared, one unit of this run's losses is: 1 unless they were
    standardized. None for a classification, and where it is not known."""

    @property
    def relative_train_loss(self) -> float | None:
        """lT: 1 is no better than a constant, 0 is perfect; None where the constant predictor's is not known."""
        return self._relative(self.final_train_loss)

    @property
    def relative_initial_loss(self) -> float | None:
        """l0: the same before the first step."""
        return self._relative(self.initial_train_loss)

    def _relative(self, loss: float) -> float | None:
        if self.constant_loss is None:
            return None
        return loss / self.constant_loss if self.constant_loss > 0 else float("nan")


@dataclass(frozen=True)
class RunRecord:
    """Everything a run measured; what `diagnosis` and `comparison` are pure functions of."""

    steps: int
    """Optimizer steps that the experiment asked for."""
    batch_size: int
    sites: tuple[SiteInfo, ...]
    weights: tuple[WeightInfo, ...]
    series: Mapping[str, Series]
    outcome: Outcome | None
    """None while the run goes on."""
    clipping: JsonObject | None = None
    environment: JsonObject = field(default_factory=dict)
    parameters: int | None = None
    preflight: Preflight | None = None
    """What its first batches showed; None where nobody looked."""

    @classmethod
    def of(
        cls,
        layout: Layout,
        series: Mapping[str, Series],
        *,
        outcome: Outcome | None = None,
        environment: JsonObject | None = None,
        steps_done: int = 0,
    ) -> Self:
        """The record of a run with that layout; where no steps were planned, they are those done so far."""
        return cls(
            steps=layout.steps or max(1, steps_done),
            batch_size=layout.batch_size,
            sites=layout.sites,
            weights=layout.weights,
            series=series,
            outcome=outcome,
            clipping=layout.clipping,
            preflight=layout.preflight,
            environment=environment or {},
            parameters=layout.parameters,
        )

    @property
    def layout(self) -> Layout:
        """What it recorded for."""
        return Layout(
            self.steps, self.batch_size, self.sites, self.weights, self.clipping, self.parameters, self.preflight
        )

    def get(self, statistic: str) -> Series:
        """A statistic's series; an empty one where nothing was recorded."""
        found = self.series.get(statistic)
        if found is not None:
            return found
        per = STATISTICS[statistic].per
        columns = {"site": len(self.sites), "weight": len(self.weights), "run": 1}[per]
        return Series(np.zeros(0, np.int32), np.zeros((0, columns), np.float32))
