"""Layers, one per file, selected by `kind`. A network is a list of layers."""

from typing import TYPE_CHECKING, TypeAlias

from ...kernel import registry
from .base import DoesNotFit, Layer, Layout, Node, Parameter, lower_sequence

LAYERS = registry.members(__name__, Layer)

if TYPE_CHECKING:
    AnyLayer: TypeAlias = Layer
else:
    AnyLayer = registry.tagged_union(LAYERS)
    for _layer in LAYERS.values():
        _layer.model_rebuild(_types_namespace={"AnyLayer": AnyLayer})

__all__ = ["LAYERS", "AnyLayer", "DoesNotFit", "Layer", "Layout", "Node", "Parameter", "lower_sequence"]
