"""Activations, one per file. A spec gives a name (`"relu"`) or an object with parameters.

Example of an object: `{"name": "leaky_relu", "negative_slope": 0.2}`.
"""

from typing import TYPE_CHECKING, TypeAlias

from ...kernel import registry
from .base import Activation, TorchName

ACTIVATIONS = registry.members(__name__, Activation, tag="name")


if TYPE_CHECKING:
    AnyActivation: TypeAlias = Activation
else:
    AnyActivation = registry.named_union(ACTIVATIONS)

__all__ = ["ACTIVATIONS", "Activation", "AnyActivation", "TorchName"]
