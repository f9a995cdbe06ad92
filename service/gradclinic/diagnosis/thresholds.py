"""All thresholds of the rules, with their units and sources."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationError
from typing_extensions import Self

from ..kernel.errors import InvalidSpec, Problem
from ..kernel.spec import Spec
from ..measurements.losses import LEARNED

_CORPUS = "gradclinic: measured on labelled runs, see benchmarks/diagnosis"


class NamedThresholds(Spec):
    """Thresholds that can be listed, and replaced by name."""

    @classmethod
    def with_changes(cls, changes: Mapping[str, float] | None) -> Self:
        """The defaults, with some replaced by name; unknown names and values out of bounds raise InvalidSpec."""
        try:
            return cls(**dict(changes or {}))
        except ValidationError as error:
            raise InvalidSpec(_problem(dict(issue), cls) for issue in error.errors()) from None

    @classmethod
    def listing(cls) -> list[dict[str, Any]]:
        """Name, default, unit, meaning and source of every threshold, for the catalogue."""
        return [
            {
                "name": name,
                "default": field.default,
                **(field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}),
                "help": " ".join((field.description or "").split()),
            }
            for name, field in cls.model_fields.items()
        ]


def _problem(issue: dict[str, Any], kind: type[NamedThresholds]) -> Problem:
    name = str(issue["loc"][0]) if issue["loc"] else ""
    if issue["type"] == "extra_forbidden":
        allowed = ", ".join(kind.model_fields)
        return Problem(f"/thresholds/{name}", f"there is no threshold {name!r}", issue.get("input"), allowed)
    return Problem(f"/thresholds/{name}", str(issue["msg"]), issue.get("input"))


class Thresholds(NamedThresholds):
    """The thresholds of the rules; each can be replaced by name when a stored run is diagnosed again."""

    depth_slope: Annotated[
        float, Field(gt=0, le=45, json_schema_extra={"unit": "orders of magnitude", "source": _CORPUS})
    ] = 1.5
    """|D| from which gradients vanish or explode. Learning degrades between 1 and 2 orders of magnitude; at 1.5, one
    end of the network receives 1/32 of the gradient of the other end."""
    learned: Annotated[float, Field(gt=0, le=1, json_schema_extra={"unit": "ratio", "source": _CORPUS})] = LEARNED
    """A network has learned if its final training loss is at most this fraction of the best constant predictor's."""
    blown_up: Annotated[float, Field(ge=1, le=1e6, json_schema_extra={"unit": "ratio", "source": _CORPUS})] = 3.0
    """Training has diverged if the final loss is above this multiple of the constant predictor's, and above the initial
    loss. Bounded outputs and ordinary noise stay below it."""
    min_steps: Annotated[
        float, Field(ge=1, le=1e6, json_schema_extra={"unit": "steps", "source": "a quarter then has 5 steps"})
    ] = 20.0
    """With fewer steps, only divergence can be diagnosed."""
    min_records: Annotated[
        float, Field(ge=1, le=1e6, json_schema_extra={"unit": "records", "source": "sign test: 6 of 6 has p < 0.05"})
    ] = 6.0
    """With fewer recorded steps with a finite loss, only divergence can be diagnosed."""
    rise: Annotated[float, Field(gt=0, le=10, json_schema_extra={"unit": "ratio", "source": _CORPUS})] = 0.05
    """An increase of the probe loss counts as a rise above this fraction of the constant predictor's loss."""
    rise_share_learned: Annotated[
        float, Field(gt=0, le=1, json_schema_extra={"unit": "fraction", "source": _CORPUS})
    ] = 0.15
    """A network that learned oscillates if the loss rises in this fraction of the intervals of the second half..."""
    rise_sum_learned: Annotated[float, Field(gt=0, le=100, json_schema_extra={"unit": "ratio", "source": _CORPUS})] = (
        0.5
    )
    """...and the sum of the rises is at least this multiple of the constant predictor's loss."""
    min_rises: Annotated[
        float, Field(ge=1, le=100, json_schema_extra={"unit": "rises", "source": "two can be one transient"})
    ] = 3.0
    """A network that did not learn oscillates with at least this many rises..."""
    rise_share: Annotated[float, Field(gt=0, le=1, json_schema_extra={"unit": "fraction", "source": _CORPUS})] = 0.10
    """...in at least this fraction of the intervals..."""
    rise_to_net: Annotated[float, Field(gt=0, le=100, json_schema_extra={"unit": "ratio", "source": _CORPUS})] = 2.0
    """...whose sum is at least this multiple of the net change. For a network that learned, the sum of its rises must
    also be this multiple of its net decrease."""
    large_update: Annotated[
        float, Field(gt=0, le=1e6, json_schema_extra={"unit": "weights", "source": "1 moves a layer by its own size"})
    ] = 1.0
    """Steps are large if their sum exceeds this multiple of a layer's norm."""
    small_update: Annotated[float, Field(gt=0, le=10, json_schema_extra={"unit": "weights", "source": _CORPUS})] = 0.05
    """Steps are small if their sum is at most this fraction of the norm in every layer."""
    usable_gradient: Annotated[float, Field(gt=0, le=100, json_schema_extra={"unit": "ratio", "source": _CORPUS})] = (
        0.01
    )
    """|g|/|W| from which the gradient is large enough for larger steps; then the step size is at fault."""
    dead_layer: Annotated[
        float,
        Field(
            gt=0,
            le=1,
            json_schema_extra={"unit": "fraction", "source": "SageMaker Debugger DeadRelu: less than 1 % active"},
        ),
    ] = 0.99
    """A layer with this fraction of dead units blocks the signal."""
    dead_mean: Annotated[
        float,
        Field(gt=0, le=1, json_schema_extra={"unit": "fraction", "source": "SageMaker Debugger DeadRelu: 50 %"}),
    ] = 0.5
    """Mean fraction of dead units over all layers."""
    saturated_mean: Annotated[
        float,
        Field(
            gt=0,
            le=1,
            json_schema_extra={"unit": "fraction", "source": "DeepDiagnosis: |z| >= 5 in more than half"},
        ),
    ] = 0.5
    """Mean fraction of saturated activations over the layers with bounded activations."""
    saturated_layer: Annotated[
        float,
        Field(
            gt=0,
            le=1,
            json_schema_extra={
                "unit": "fraction",
                "source": "derived: sqrt(0.1 + 0.9 x 0.05^2) = 0.32, half an order of magnitude lost in one layer",
            },
        ),
    ] = 0.9
    """Fraction of saturated activations in a single layer."""
    attention_logit: Annotated[
        float,
        Field(
            gt=0,
            le=1e6,
            json_schema_extra={
                "unit": "logit",
                "source": (
                    "gradclinic: in 24 sound trainings of small transformers, also of tasks where one key counts, it is"
                    " at most 17; in 36 with queries and keys x 8 or 16, or rates x 30 to 300, it passes 50"
                ),
            },
        ),
    ] = 50.0
    """Largest absolute attention logit from which the softmax is a choice of one key."""
    attention_entropy: Annotated[
        float,
        Field(
            gt=0,
            le=1,
            json_schema_extra={
                "unit": "fraction",
                "source": "derived: at 0.1, one of 16 keys has 96 % of the weight on average",
            },
        ),
    ] = 0.1
    """Entropy of an attention, relative to the largest possible, at which it has collapsed if its logits are too large
    as well. A low entropy alone is what many tasks need."""
    spike: Annotated[
        float, Field(gt=0, le=1e6, json_schema_extra={"unit": "ratio", "source": "gradclinic: see rise, five times"})
    ] = 0.25
    """A step whose loss stood out is a spike if its loss was above the usual one by this fraction of the loss of always
    predicting the average, or of the first loss if that is not known."""
    uneven_ranks: Annotated[
        float,
        Field(
            gt=1,
            le=1e6,
            json_schema_extra={
                "unit": "ratio",
                "source": "gradclinic: halves of random batches of 32 differ by less than 1.5",
            },
        ),
    ] = 3.0
    """Ratio of a process's gradients to those of the others, or its inverse, from which they are uneven."""
