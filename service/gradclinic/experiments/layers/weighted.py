"""The base class of layers that multiply by weights."""

from ..initializations import AnyInitialization
from .base import Layer


class Weighted(Layer):
    """A layer that can have its own initialization and can be frozen."""

    initialization: AnyInitialization | None = None
    """Initialization of this layer; null uses the model's initialization."""
    trainable: bool = True
    """False freezes the parameters: they get no gradient and no update."""
