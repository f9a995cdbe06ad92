"""What can follow the last layer: the activations of hidden layers, and those that only end a network, one per file.

An activation that learns or draws at random is none of them. A spec gives a name (`"softmax"`) or an object.
"""

from typing import TYPE_CHECKING, TypeAlias

from ...kernel import registry
from ..activations import ACTIVATIONS, Activation
from .base import OutputActivation

ENDINGS = registry.members(__name__, OutputActivation, tag="name")
"""Those that only end a network."""
OUTPUT_ACTIVATIONS: dict[str, type[Activation | OutputActivation]] = {
    **{name: cls for name, cls in ACTIVATIONS.items() if not cls.learned and not cls.random and name != "identity"},
    **ENDINGS,
}


if TYPE_CHECKING:
    AnyOutputActivation: TypeAlias = Activation | OutputActivation
else:
    AnyOutputActivation = registry.named_union(OUTPUT_ACTIVATIONS)

__all__ = ["ENDINGS", "OUTPUT_ACTIVATIONS", "AnyOutputActivation", "OutputActivation"]
