"""What the layers that multiply by weights have in common."""

from ..initializations import AnyInitialization
from .base import Layer


class Weighted(Layer):
    """A layer that can start from a scheme of its own, and can be frozen."""

    initialization: AnyInitialization | None = None
    """How this layer alone starts; null is the model's initialization."""
    trainable: bool = True
    """False freezes its parameters: they get no gradient and no update."""
