"""Experiments: what `:resolve` answers."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue

from ..experiments.experiment import Experiment
from .base import Answer
from .prediction import PredictionAnswer


class ValueOperation(Answer):
    """An operation of a JSON Patch that sets a value."""

    op: Literal["add", "replace", "test"]
    path: str
    """JSON pointer to where."""
    value: JsonValue


class RemoveOperation(Answer):
    """An operation of a JSON Patch that takes a value away."""

    op: Literal["remove"]
    path: str
    """JSON pointer to where."""


class MoveOperation(Answer):
    """An operation of a JSON Patch that takes a value from elsewhere."""

    model_config = ConfigDict(serialize_by_alias=True)

    op: Literal["move", "copy"]
    path: str
    """JSON pointer to where."""
    source: str = Field(alias="from")
    """JSON pointer to where the value was."""


PatchOperation = Annotated[ValueOperation | RemoveOperation | MoveOperation, Field(discriminator="op")]


class LayerAnswer(Answer):
    """One node of the lowered network."""

    name: str
    """Its path in the lowered tree."""
    kind: str
    shape: list[int]
    """Of one sample's output."""
    parameters: int
    """Its own trainable values, those of its body left out."""


class ResolveAnswer(Answer):
    """What would be trained, and what it would cost."""

    resolved_experiment: Experiment
    """The experiment after its remedies."""
    patch: list[PatchOperation]
    """What the remedies changed: a JSON Patch (RFC 6902) from the posted experiment, defaults spelled out."""
    layers: list[LayerAnswer]
    """The network that would be built, containers before what they contain."""
    parameters: int
    """Trainable values."""
    flops_per_step: int
    """Floating-point operations of one forward and backward pass of a batch."""
    memory_bytes: int
    """Weights, gradients, optimizer state, activations with their gradients, and the data."""
    stored_bytes: int
    """What the recorded statistics will take, at most."""
    recorded_steps: int
    """Steps with recorded statistics, at most: an adaptive recording has all of them where something happens."""
    predicted_profile: PredictionAnswer
    """Mean-field prediction of the gradient profile before the first step; where none exists, its `reason` says why."""
    listing: str
    """The resolved network as PyTorch code."""
    listing_before: str
    """The network before its remedies as PyTorch code."""
    warnings: list[str]
    """What a person should know before training it."""
