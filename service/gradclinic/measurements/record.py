"""The record of a run: what was measured, where, and how training ended.

Index conventions: n recorded steps, L places. A statistic "per site" has one column for each site in
`RunRecord.sites`, "per weight" one for each layer with weights, "per run" a single column. NaN and infinity are
ordinary values. The record is facts; `diagnosis` interprets them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from typing_extensions import Self

from ..kernel.json import JsonObject
from .origin import NonFiniteOrigin
from .preflight import Preflight
from .ranks import RankFacts
from .spike import Spike
from .statistics import STATISTICS

ALARMS = 5
"""Maximum number of times per run that recording becomes dense after an unusual step."""
DENSE_STEPS = 10
"""Number of steps after an unusual step at which all statistics are recorded."""
KEPT_STEPS = 32
"""Number of steps before an unusual step whose loss and gradient norms are recorded even if not in the plan."""

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Series:
    """One statistic of one run: `values[i, l]` was measured at step `steps[i]` at place `l`."""

    steps: IntArray
    """[n], increasing; step 0 is before the first weight update."""
    values: FloatArray
    """[n, L]."""

    @classmethod
    def empty(cls, places: int) -> "Series":
        """A series without values."""
        return cls(np.zeros(0, np.int32), np.zeros((0, places), np.float32))

    def __len__(self) -> int:
        return len(self.steps)


@dataclass(frozen=True)
class SiteInfo:
    """The properties of a site that diagnosis uses, including those of its activation."""

    name: str
    kind: str
    in_profile: bool
    units: int
    activation: str | None = None
    bounded: bool = False
    can_die: bool = False
    group: str = ""
    """The recurrent layer of a state; "" for other sites. Stacked recurrent layers are diagnosed separately."""
    path: str = ""
    """The path over depth that it belongs to, named after its first site; "" for the longest one."""
    dtype: str | None = None
    """The precision of its tensor, for example "bfloat16"; None if unknown. Under autocast it depends on the device."""


@dataclass(frozen=True)
class WeightInfo:
    """A layer with weights, as named in the record."""

    name: str
    shape: tuple[int, ...]
    readout: bool = False
    trainable: bool = True
    module: str | None = None
    """The class of the module that contains it, in an external program; None if unknown."""

    @property
    def is_looked_up(self) -> bool:
        """Whether it is a lookup table (an embedding), whose output is not recorded."""
        return self.module in ("Embedding", "EmbeddingBag")


@dataclass(frozen=True)
class Layout:
    """The layout of a run's record, known before its first step."""

    steps: int
    """Planned optimizer steps; 0 if an external program did not declare them."""
    batch_size: int
    sites: tuple[SiteInfo, ...]
    weights: tuple[WeightInfo, ...]
    clipping: JsonObject | None = None
    """Gradient clipping as declared; None if there is none."""
    parameters: int | None = None
    """Number of trainable parameters; None if the service does not train the run."""
    preflight: Preflight | None = None
    """Facts about the first batches; None if not (yet) observed."""

    def columns(self, statistic: str) -> tuple[str, ...]:
        """Names of a statistic's columns: sites (layer outputs), layers with weights, or the run."""
        per = STATISTICS[statistic].per
        if per == "run":
            return ("run",)
        return tuple(place.name for place in (self.sites if per == "site" else self.weights))

    @property
    def profile_columns(self) -> tuple[int, ...]:
        """Indices of the sites in the profile over depth."""
        return tuple(index for index, site in enumerate(self.sites) if site.in_profile)

    @property
    def site_dtypes(self) -> str:
        """The precisions of the sites' tensors in words: "float32", "bfloat16 and float32"; "" if not known."""
        return " and ".join(sorted({site.dtype for site in self.sites if site.dtype is not None}))


@dataclass(frozen=True)
class Outcome:
    """The outcome of training: the numbers that rules and comparisons use."""

    steps_done: int
    """Number of optimizer steps taken."""
    nonfinite_step: int | None
    """First step whose loss or gradient norm was NaN or infinite; training stopped there."""
    initial_train_loss: float
    """Loss before the first step on the first min(1000, n) training samples; batch norm uses batch statistics."""
    final_train_loss: float
    """Loss on the same samples after the last step."""
    constant_loss: float | None
    """Training loss of always predicting the average; None if unknown (an external program did not report it)."""
    final_validation_loss: float | None
    """Validation loss; None if there was no validation."""
    final_validation_accuracy: float | None
    """Validation accuracy; None for regression."""
    steps_to_target: int | None
    """First step with a probe loss at most half that of always predicting the average; None if never."""
    train_seconds: float | None
    """Seconds of training, without recording; of runs that were trained together, each one's part."""
    recording_seconds: float | None
    peak_memory_bytes: int | None = None
    stopped_on: str | None = None
    """The condition whose finding stopped the run early (`training.stop_when`); None if not stopped."""
    nonfinite_origin: NonFiniteOrigin | None = None
    """The origin of the first number that was not finite; None if all were finite, or if it is unknown."""
    ranks: tuple[RankFacts, ...] = ()
    """The processes of a recorded training, if there are several."""
    spikes: tuple[Spike, ...] = ()
    """The first steps whose loss was far above those before, of a recording."""
    loss_unit: float | None = None
    """One unit of this run's losses in squared units of the original targets: 1 unless targets were
    standardized. None for a classification, or if unknown."""
    alone_step_seconds: float | None = None
    """Seconds of a step, without recording, as it takes alone; None if the run was not trained with others."""

    @property
    def relative_train_loss(self) -> float | None:
        """Final training loss relative to always predicting the average: 1 means nothing learned, 0 perfect."""
        return self._relative(self.final_train_loss)

    @property
    def relative_initial_loss(self) -> float | None:
        """Initial training loss relative to always predicting the average."""
        return self._relative(self.initial_train_loss)

    def _relative(self, loss: float) -> float | None:
        if self.constant_loss is None or loss < 0:  # for a loss below 0, a ratio does not show how much was learned
            return None
        return loss / self.constant_loss if self.constant_loss > 0 else float("nan")


@dataclass(frozen=True)
class RunRecord:
    """Everything a run measured; `diagnosis` and `comparison` are pure functions of it."""

    steps: int
    """Planned optimizer steps."""
    batch_size: int
    sites: tuple[SiteInfo, ...]
    weights: tuple[WeightInfo, ...]
    series: Mapping[str, Series]
    outcome: Outcome | None
    """The outcome; None while the run is running."""
    clipping: JsonObject | None = None
    environment: JsonObject = field(default_factory=dict)
    parameters: int | None = None
    preflight: Preflight | None = None
    """Facts about its first batches; None if not observed."""

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
        """The record of a run with this layout; without planned steps, the finished steps count."""
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
        """The layout of the record."""
        return Layout(
            self.steps, self.batch_size, self.sites, self.weights, self.clipping, self.parameters, self.preflight
        )

    def get(self, statistic: str) -> Series:
        """The series of a statistic; empty if nothing was recorded."""
        found = self.series.get(statistic)
        if found is not None:
            return found
        per = STATISTICS[statistic].per
        columns = {"site": len(self.sites), "weight": len(self.weights), "run": 1}[per]
        return Series(np.zeros(0, np.int32), np.zeros((0, columns), np.float32))
