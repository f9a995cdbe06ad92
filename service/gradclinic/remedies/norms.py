"""Where a norm belongs in a list of layers: after each hidden weighted layer, before its activation."""

from collections.abc import Sequence

from ..layers import AnyLayer, Layer
from ..layers.linear import Linear
from ..layers.repeat import Repeat
from ..layers.residual import Residual

WEIGHTED: tuple[type[Layer], ...] = (Linear,)
"""Layers whose pre-activation a norm can follow."""


def insert_norms(layers: Sequence[AnyLayer], norm: Layer) -> tuple[AnyLayer, ...]:
    """The list with `norm` after each weighted layer that has none yet; the readout, the last of them, stays bare."""
    rewritten, _ = _insert(layers, norm, spare_last=True)
    return rewritten


def _insert(layers: Sequence[AnyLayer], norm: Layer, *, spare_last: bool) -> tuple[tuple[AnyLayer, ...], bool]:
    """Walk from the output to the input, so that the first weighted layer met is the readout."""
    result: list[AnyLayer] = []
    follower: Layer | None = None
    for layer in reversed(layers):
        if isinstance(layer, Residual | Repeat):
            inside_last = spare_last and isinstance(layer, Residual)
            body, spared = _insert(layer.body, norm, spare_last=inside_last)
            spare_last = spare_last and not spared
            result.append(layer.model_copy(update={"body": body}))
        elif isinstance(layer, WEIGHTED):
            if spare_last:
                spare_last = False
                result.append(layer)
            elif follower is not None and follower.is_norm:
                result.append(layer)
            else:
                result.extend((norm, layer))
        else:
            result.append(layer)
        follower = layer
    return tuple(reversed(result)), not spare_last
