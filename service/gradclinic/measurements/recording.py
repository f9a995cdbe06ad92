"""Runs that a user's own program records: what it declares of its network, sends while it trains, and how it ended.

    Declaration -> Window, Window, ... -> Ending
    Declaration.layout() is what is recorded for; `outcome.outcome_of` is how it ended

A program tells what it knows. What it leaves out is taken from what it recorded where that tells it, else it is absent.
"""

from math import isfinite
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import ConfigDict, Field, StringConstraints, model_validator

from ..experiments.activations import ACTIVATIONS
from ..experiments.clipping import AnyClipping
from ..experiments.sites import SiteKind
from ..kernel.spec import Fraction, Items, Seed, Spec
from .preflight import Preflight
from .record import STATISTICS, Layout, Series, SiteInfo, WeightInfo

_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
PlaceName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_PRINTABLE)]
Step = Annotated[int, Field(ge=0, le=2**31 - 1)]
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]
Number = float | Literal["NaN", "Infinity", "-Infinity"]
"""A number as JSON has it; those that JSON has not are strings."""
_NAMED = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}

_EXAMPLE_SITES = [
    {"name": "0", "kind": "pre_activation", "units": 64, "activation": "sigmoid"},
    {"name": "2", "kind": "pre_activation", "units": 64, "activation": "sigmoid"},
    {"name": "4", "kind": "pre_activation", "units": 64, "activation": "sigmoid"},
]
_EXAMPLE_WEIGHTS = [
    {"name": "0", "shape": [64, 20]},
    {"name": "2", "shape": [64, 64]},
    {"name": "4", "shape": [64, 64]},
    {"name": "6", "shape": [5, 64], "readout": True},
]


class DeclaredSite(Spec):
    """A place whose gradient is recorded."""

    name: PlaceName
    """The layer that owns it; unique."""
    kind: SiteKind = "pre_activation"
    """What a weighted layer hands to its activation, a block's output, or a recurrent layer's state at a time step."""
    units: Count
    """Units (or channels) of its tensor."""
    in_profile: bool = True
    """Whether it counts for the profile over depth; sites inside a block whose output is a site do not."""
    activation: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=_PRINTABLE)] | None = None
    """Name of the nonlinearity that takes it, null where there is none or it is not known."""
    bounded: bool | None = None
    """Whether that is bounded on both sides, so that units can saturate; null: as the catalogue has it, else no."""
    can_die: bool | None = None
    """Whether its slope is exactly 0 on a half line, so that units can die; null: as the catalogue has it, else no."""
    group: Annotated[str, StringConstraints(max_length=200, pattern=_PRINTABLE)] = ""
    """The recurrent layer that a state belongs to."""

    def info(self) -> SiteInfo:
        """The site as a record has it."""
        known = ACTIVATIONS.get(self.activation or "")
        facts = known.model_validate({"name": self.activation}) if known is not None else None
        bounded, can_die = (facts.bounded, facts.can_die()) if facts is not None else (False, False)
        return SiteInfo(
            name=self.name,
            kind=self.kind,
            in_profile=self.in_profile,
            units=self.units,
            activation=self.activation,
            bounded=bounded if self.bounded is None else self.bounded,
            can_die=can_die if self.can_die is None else self.can_die,
            group=self.group,
        )


class DeclaredWeight(Spec):
    """A weight whose gradient is recorded."""

    name: PlaceName
    """The layer that owns it; unique."""
    shape: Annotated[Items[Count], Field(min_length=1, max_length=8)]
    """Its shape."""
    readout: bool = False
    """Whether it is the last layer's."""
    trainable: bool = True
    """Whether it is trained."""


class Declaration(Spec):
    """A training in a program of its own, as far as its diagnosis needs to know of it."""

    steps: Count | None = None
    """Optimizer steps that are planned; null where nobody knows."""
    batch_size: Count
    """Samples a step."""
    seed: Seed = 0
    """What comparisons pair runs by."""
    sites: Annotated[Items[DeclaredSite], Field(max_length=5000)] = ()
    """Where gradients are recorded, in forward order, the readout left out: the columns of statistics per site."""
    weights: Annotated[Items[DeclaredWeight], Field(max_length=5000)] = ()
    """The weighted layers, in forward order: the columns of statistics per weight."""
    constant_loss: Annotated[float, Field(ge=0)] | None = None
    """Training loss of the best constant prediction (the entropy of the classes in nats; the variance of the targets),
    which tells what is learned from what is not; null where it is not known, or told at the end."""
    clipping: AnyClipping | None = None
    """What limits the gradient before each step; null is no limit."""
    environment: Annotated[dict[str, Any], Field(max_length=50)] = Field(default_factory=dict)
    """Where it is trained: versions, device, whatever helps to tell runs apart."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for what, names in (("site", self.sites), ("weight", self.weights)):
            seen: set[str] = set()
            for place in names:
                if place.name in seen:
                    raise ValueError(f"a second {what} is called {place.name!r}")
                seen.add(place.name)
        return self

    def layout(self) -> Layout:
        """What is recorded for; its steps are 0 where none are planned."""
        return Layout(
            steps=self.steps or 0,
            batch_size=self.batch_size,
            sites=tuple(site.info() for site in self.sites),
            weights=tuple(
                WeightInfo(weight.name, weight.shape, weight.readout, weight.trainable) for weight in self.weights
            ),
            clipping=self.clipping.to_json() if self.clipping is not None else None,
        )


class RecordedSeries(Spec):
    """One statistic at some steps."""

    statistic: Annotated[str, StringConstraints(max_length=64)]
    """Which, by its name in the catalogue."""
    steps: Annotated[Items[Step], Field(min_length=1, max_length=100_000)]
    """The steps it was measured at, increasing; step 0 is before the first update."""
    values: Annotated[Items[Items[Number]], Field(max_length=100_000)]
    """A row for each step, with a number for each site, each weight, or one for the whole run."""

    def series(self) -> Series:
        """As numbers; what is beyond float32 is infinite."""
        rows = [[number_of(value) for value in row] for row in self.values]
        with np.errstate(over="ignore"):
            return Series(np.asarray(self.steps, np.int32), np.asarray(rows, np.float64).astype(np.float32))


class Window(Spec):
    """What was recorded since the window before; an empty one says that the program lives."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "window": 0,
                    "step": 2,
                    "series": [
                        {"statistic": "train_loss", "steps": [0, 1], "values": [[1.62], [1.61]]},
                        {"statistic": "learning_rate", "steps": [0, 1], "values": [[0.1], [0.1]]},
                        {
                            "statistic": "site_grad_rms",
                            "steps": [0, 1],
                            "values": [[1.2e-3, 5.1e-3, 2.2e-2], [1.2e-3, 5.0e-3, "NaN"]],
                        },
                    ],
                }
            ]
        }
    )

    window: Step
    """Number of the window, counted from 0 without a gap. Sent again, it changes nothing."""
    step: Step
    """Optimizer steps that are finished."""
    series: Annotated[Items[RecordedSeries], Field(max_length=len(STATISTICS))] = ()
    """What is new, each statistic once."""


class Ending(Spec):
    """How a training ended; what is null is taken from what was recorded, or stays unknown."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"windows": 1, "constant_loss": 1.6, "final_validation_accuracy": 0.91}]}
    )

    windows: Step | None = None
    """Windows that were sent: where some are missing, the recording is not ended."""
    initial_train_loss: Number | None = None
    """Training loss before the first step; null: the first probe's, or else the first batch's."""
    final_train_loss: Number | None = None
    """Training loss after the last step; null: the last probe's, or else the mean of the last batches'."""
    constant_loss: Annotated[float, Field(ge=0)] | None = None
    """Training loss of the best constant prediction; null: as declared."""
    final_validation_loss: Number | None = None
    """Loss on what was not trained on."""
    final_validation_accuracy: Fraction | None = None
    """Share of right answers there."""
    train_seconds: Annotated[float, Field(ge=0)] | None = None
    """Seconds of training, without recording."""
    recording_seconds: Annotated[float, Field(ge=0)] | None = None
    """Seconds of recording."""
    preflight: Preflight | None = None
    """What the first batches showed; null where nobody looked."""
    peak_memory_bytes: Annotated[int, Field(ge=0)] | None = None
    """Most bytes that the training held."""


def series_to_json(statistic: str, series: Series) -> dict[str, Any]:
    """A series as it is posted; numbers that JSON has not are strings."""
    values = series.values.tolist()
    if not np.isfinite(series.values).all():
        values = [[spelled(value) for value in row] for row in values]
    return {"statistic": statistic, "steps": series.steps.tolist(), "values": values}


def number_of(value: Number | None) -> float | None:
    """A number that JSON spelled, as itself."""
    return _NAMED[value] if isinstance(value, str) else value


def spelled(value: float) -> Number:
    """A number as JSON has it."""
    if isfinite(value):
        return value
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"  # noqa: PLR0124  # NaN alone does


def example() -> dict[str, Any]:
    """A declaration as it may be posted."""
    return {
        "name": "my network",
        "steps": 300,
        "batch_size": 64,
        "sites": _EXAMPLE_SITES,
        "weights": _EXAMPLE_WEIGHTS,
        "constant_loss": 1.609,
        "environment": {"framework": "my own"},
    }
