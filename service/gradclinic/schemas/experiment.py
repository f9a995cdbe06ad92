"""Responses about resolved experiments."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue

from ..experiments.experiment import Experiment, RecordingPlan
from .base import Answer
from .prediction import PredictionAnswer


class ValueOperation(Answer):
    """An operation of a JSON Patch that sets a value."""

    op: Literal["add", "replace", "test"]
    path: str
    """JSON pointer of the target."""
    value: JsonValue


class RemoveOperation(Answer):
    """An operation of a JSON Patch that removes a value."""

    op: Literal["remove"]
    path: str
    """JSON pointer of the target."""


class MoveOperation(Answer):
    """An operation of a JSON Patch that moves or copies a value."""

    model_config = ConfigDict(serialize_by_alias=True)

    op: Literal["move", "copy"]
    path: str
    """JSON pointer of the target."""
    source: str = Field(alias="from")
    """JSON pointer of the source."""


PatchOperation = Annotated[ValueOperation | RemoveOperation | MoveOperation, Field(discriminator="op")]


class LayerAnswer(Answer):
    """One node of the lowered network."""

    name: str
    """Path in the lowered tree."""
    kind: str
    shape: list[int]
    """Output shape for one sample."""
    parameters: int
    """Number of its own trainable values, without those of its children."""


class ResolveAnswer(Answer):
    """The experiment that would be trained, and its cost."""

    resolved_experiment: Experiment
    """The experiment after its remedies."""
    patch: list[PatchOperation]
    """The changes by the remedies: a JSON Patch (RFC 6902) of the posted experiment with all defaults."""
    layers: list[LayerAnswer]
    """The layers of the network; containers come before their contents."""
    parameters: int
    """Trainable values."""
    flops_per_step: int
    """Floating-point operations of one forward and backward pass of a batch."""
    memory_bytes: int
    """Estimated memory: weights, gradients, optimizer state, activations with their gradients, and the data."""
    stored_bytes: int
    """Upper bound of the storage for recorded statistics."""
    recorded_steps: int
    """Upper bound of the number of recorded steps; adaptive recording records every step when something happens."""
    recording: RecordingPlan
    """How often the run is recorded: the experiment's plan, with a number for everything that it leaves open."""
    predicted_profile: PredictionAnswer
    """Mean-field prediction of the gradient profile before the first step; if there is none, `reason` says why."""
    listing: str
    """PyTorch code of the resolved network."""
    listing_before: str
    """PyTorch code of the network before the remedies."""
    warnings: list[str]
    """Warnings to consider before training."""
