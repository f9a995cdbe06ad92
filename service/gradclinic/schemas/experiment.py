"""What `:resolve` answers."""

from .base import Answer, Json


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

    resolved_experiment: Json
    """The experiment after its remedies."""
    patch: list[Json]
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
    predicted_profile: Json
    """Mean-field prediction of the gradient profile before the first step; where none exists, its `reason` says why."""
    listing: str
    """The resolved network as PyTorch code."""
    listing_before: str
    """The network before its remedies as PyTorch code."""
    warnings: list[str]
    """What a person should know before training it."""
