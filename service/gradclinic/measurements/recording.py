"""Runs recorded from an external program: its declaration, the windows it sends, and its ending.

    Declaration -> Window, Window, ... -> Ending
    Declaration.layout() is the layout of the record; `outcome.outcome_of` is its outcome

A program reports what it knows. Missing values are taken from its statistics if possible, otherwise they stay absent.
"""

from math import isfinite
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import ConfigDict, Field, StringConstraints, model_validator
from typing_extensions import Self

from ..experiments.activations import ACTIVATIONS
from ..experiments.clipping import AnyClipping
from ..experiments.sites import SiteKind
from ..kernel.spec import Fraction, Items, Many, Seed, Spec
from .origin import NonFiniteOrigin
from .preflight import Preflight
from .ranks import MOST_RANKS, RankFacts
from .record import Layout, Series, SiteInfo, WeightInfo
from .spike import MOST_SPIKES, Spike
from .statistics import STATISTICS

_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
PlaceName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_PRINTABLE)]
Step = Annotated[int, Field(ge=0, le=2**31 - 1)]
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]
Number = float | Literal["NaN", "Infinity", "-Infinity"]
"""A JSON number, or "NaN", "Infinity" or "-Infinity" as a string."""
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
    """A site: a layer output whose gradient is recorded."""

    name: PlaceName
    """The layer it belongs to; unique."""
    kind: SiteKind = "pre_activation"
    """The input of an activation after a layer with weights, a block's output, a recurrent state at a time step, or the
    output of an attention."""
    units: Count
    """Number of units (or channels) of its tensor."""
    in_profile: bool = True
    """Whether it is part of the profile over depth. Sites inside a block whose output is a site are not."""
    activation: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=_PRINTABLE)] | None = None
    """Name of the activation applied to it; null if there is none or it is unknown."""
    bounded: bool | None = None
    """Whether the activation is bounded on both sides, so units can saturate; null uses the catalogue, else false."""
    can_die: bool | None = None
    """Whether its slope is exactly 0 on a half line, so units can die; null uses the catalogue, or else false."""
    group: Annotated[str, StringConstraints(max_length=200, pattern=_PRINTABLE)] = ""
    """The recurrent layer that the state belongs to."""
    path: Annotated[str, StringConstraints(max_length=200, pattern=_PRINTABLE)] = ""
    """The path over depth that it belongs to; "" for the main one. An encoder and its decoder are two paths; gradients
    are compared along each path."""
    dtype: Annotated[str, StringConstraints(min_length=1, max_length=32, pattern=_PRINTABLE)] | None = None
    """Precision of its tensor, for example "bfloat16"; null if unknown."""

    def info(self) -> SiteInfo:
        """The site as stored in a record."""
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
            path=self.path,
            dtype=self.dtype,
        )


class DeclaredWeight(Spec):
    """A weight whose gradient is recorded."""

    name: PlaceName
    """The layer it belongs to; unique."""
    shape: Annotated[Items[Count], Field(min_length=1, max_length=8)]
    """Shape of the weight."""
    readout: bool = False
    """Whether it belongs to the last layer (the readout)."""
    trainable: bool = True
    """Whether it is trained (not frozen)."""
    module: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    """Class of the module that holds it (`Linear`); findings say it beside a name that is only a number."""

    def info(self) -> WeightInfo:
        """The weight as a record names it."""
        return WeightInfo(self.name, self.shape, self.readout, self.trainable, self.module)


class Declaration(Spec):
    """The properties of a run in an external program that diagnosis uses."""

    steps: Count | None = None
    """Planned optimizer steps; null if unknown."""
    batch_size: Count
    """Samples per step."""
    seed: Seed = 0
    """Random seed; comparisons pair runs by seed."""
    sites: Annotated[Many[DeclaredSite], Field(max_length=5000)] = ()
    """The sites (layer outputs) in forward order, without the readout: the columns of statistics per site."""
    weights: Annotated[Many[DeclaredWeight], Field(max_length=5000)] = ()
    """The layers with weights in forward order: the columns of statistics per weight."""
    constant_loss: Annotated[float, Field(ge=0)] | None = None
    """Training loss of always predicting the average (the entropy of the classes in nats, or the variance of the
    targets). Losses are judged relative to it; null if unknown or reported at the end."""
    clipping: AnyClipping | None = None
    """Gradient clipping before each step; null if there is none."""
    environment: Annotated[dict[str, Any], Field(max_length=50)] = Field(default_factory=dict)
    """Environment of the run: versions, device and other details that distinguish runs."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for what, names in (("site", self.sites), ("weight", self.weights)):
            seen: set[str] = set()
            for place in names:
                if place.name in seen:
                    raise ValueError(f"duplicate {what} name {place.name!r}")
                seen.add(place.name)
        return self

    def layout(self) -> Layout:
        """The layout of the record; its steps are 0 if none are planned."""
        return Layout(
            steps=self.steps or 0,
            batch_size=self.batch_size,
            sites=tuple(site.info() for site in self.sites),
            weights=tuple(weight.info() for weight in self.weights),
            clipping=self.clipping.to_json() if self.clipping is not None else None,
        )


class RecordedSeries(Spec):
    """One statistic at several steps."""

    statistic: Annotated[str, StringConstraints(max_length=64)]
    """Name of the statistic in the catalogue."""
    steps: Annotated[Many[Step], Field(min_length=1, max_length=100_000)]
    """The steps it was measured at, increasing; step 0 is before the first weight update."""
    values: Annotated[Many[Many[Number]], Field(max_length=100_000)]
    """One row per step, with one number per site, per weight, or for the whole run."""

    def series(self) -> Series:
        """The series as numbers; values beyond float32 become infinite."""
        rows = [[number_of(value) for value in row] for row in self.values]
        with np.errstate(over="ignore"):
            return Series(np.asarray(self.steps, np.int32), np.asarray(rows, np.float64).astype(np.float32))


class Window(Spec):
    """Everything recorded since the previous window; an empty window keeps the recording open."""

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
    """Number of the window, from 0 without gaps. Sending it again has no effect."""
    step: Step
    """Number of finished optimizer steps."""
    series: Annotated[Many[RecordedSeries], Field(max_length=len(STATISTICS))] = ()
    """New series, at most one per statistic."""


class Ending(Spec):
    """How training ended. Null fields are taken from the statistics, or stay unknown."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"windows": 1, "constant_loss": 1.6, "final_validation_accuracy": 0.91}]}
    )

    windows: Step | None = None
    """Number of windows sent; if some are missing, the recording is not ended."""
    initial_train_loss: Number | None = None
    """Training loss before the first step; null uses the first probe loss, or else the first batch loss."""
    final_train_loss: Number | None = None
    """Training loss after the last step; null uses the last probe loss, or else the mean of the last batch losses."""
    constant_loss: Annotated[float, Field(ge=0)] | None = None
    """Training loss of always predicting the average; null uses the declared value."""
    final_validation_loss: Number | None = None
    """Loss on validation data."""
    final_validation_accuracy: Fraction | None = None
    """Accuracy on validation data."""
    train_seconds: Annotated[float, Field(ge=0)] | None = None
    """Seconds spent training, without recording."""
    recording_seconds: Annotated[float, Field(ge=0)] | None = None
    """Seconds spent recording."""
    nonfinite_origin: NonFiniteOrigin | None = None
    """The origin of the first number that was not finite; null if all were finite, or if it is unknown."""
    ranks: Annotated[Items[RankFacts], Field(max_length=MOST_RANKS)] = ()
    """What each process has seen of its own samples, if several train copies of the model."""
    spikes: Annotated[Items[Spike], Field(max_length=MOST_SPIKES)] = ()
    """The first steps whose loss was far above those before, with the rows of the batch that carried it."""
    preflight: Preflight | None = None
    """Facts about the first batches; null if not observed."""
    peak_memory_bytes: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = None
    """Peak memory of training in bytes."""
    failure: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=_PRINTABLE)] | None = None
    """Why the program could not train it to an end, such as its error; the run is then `failed`. A loss that is not
    finite is a result, not a failure."""


def series_to_json(statistic: str, series: Series) -> dict[str, Any]:
    """A series in JSON; NaN and infinity are strings."""
    values = series.values.tolist()
    if not np.isfinite(series.values).all():
        values = [[spelled(value) for value in row] for row in values]
    return {"statistic": statistic, "steps": series.steps.tolist(), "values": values}


def number_of(value: Number | None) -> float | None:
    """A JSON value as a float."""
    return _NAMED[value] if isinstance(value, str) else value


def spelled(value: float) -> Number:
    """A float as a JSON value."""
    if isfinite(value):
        return value
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"  # noqa: PLR0124  # NaN alone does


def printable(text: str) -> str:
    """A text in one line of at most 500 characters, such as the message of an error."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())[:500] or "no message"


def example() -> dict[str, Any]:
    """An example of a declaration."""
    return {
        "name": "my network",
        "steps": 300,
        "batch_size": 64,
        "sites": _EXAMPLE_SITES,
        "weights": _EXAMPLE_WEIGHTS,
        "constant_loss": 1.609,
        "environment": {"framework": "my own"},
    }
