"""Finds attention in the autograd graph of a module's call: what its nodes keep for backward.

No hook sees the logits of an attention: they are made by a function, and a fused kernel never makes them as a whole.
But autograd keeps the queries and keys of a fused attention, and of one that is written out also its weights.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.graph import disable_saved_tensors_hooks
from typing_extensions import Self

from .graph import Node, is_reshape, number_of

_FUSED, _PRODUCT = "ScaledDotProduct", "BmmBackward"
_WEIGHTS = ("SoftmaxBackward", "SafeSoftmaxBackward")
_BETWEEN = ("Mul", "Div", "Add", "Sub", "MaskedFill", "Where", "Expand", "Tanh")
"""Operations between the product of queries and keys and the softmax: the scale, masks, and a soft cap (Gemma 2)."""
_MOST_BETWEEN = 16
_LEAF = "torch::autograd::AccumulateGrad"


@dataclass(frozen=True)
class Attention:
    """The tensors of one attention. Leading axes are samples and heads, or both in one."""

    queries: Tensor
    """[..., T, d]."""
    keys: Tensor
    """[..., S, d]; the heads may be fewer, each shared by as many heads of queries."""
    scale: float
    """What the products are multiplied by."""
    mask: Tensor | None = None
    """What broadcasts to [..., T, S]: booleans, true where a key is visible, or numbers that are added."""
    causal: bool = False
    """Whether query t sees the keys up to t only."""
    weights: Tensor | None = None
    """[..., T, S]: the softmax, if it is at hand. A weight of exactly 0 is a key that is not visible."""

    @classmethod
    def of(cls, node: Node) -> Self | None:
        """That of a node; None if it is none, or does not keep what is needed."""
        try:
            if node.name().startswith(_FUSED):
                return cls._fused(node)
            return cls._written_out(node) if node.name().startswith(_WEIGHTS) else None
        except (AttributeError, RuntimeError):  # other kernels keep other things; a tensor was changed in place
            return None

    @classmethod
    def _fused(cls, node: Node) -> Self | None:
        queries, keys = node._saved_query.detach(), node._saved_key.detach()
        mask = getattr(node, "_saved_attn_mask", getattr(node, "_saved_attn_bias", None))
        scale = node._saved_scale
        scale = float(queries.shape[-1]) ** -0.5 if scale is None else float(scale)
        return cls(queries, keys, scale, mask, bool(node._saved_is_causal))

    @classmethod
    def _written_out(cls, node: Node) -> Self | None:
        weights, product = node._saved_result.detach(), _product_under(node)
        if product is None:
            return None
        made_of, scale = product
        queries, keys = made_of._saved_self.detach(), made_of._saved_mat2.detach().mT
        if weights.shape[-2:] != (queries.shape[-2], keys.shape[-2]):
            return None
        return cls(queries, keys, scale, weights=weights.reshape(len(queries), *weights.shape[-2:]))


def attentions_since(number: int, leave: Node) -> Iterator[tuple[int, Attention]]:
    """The attentions under a node that were made since a number of `number_now`, each with its node's number."""
    seen, waiting = {leave}, [leave]
    while waiting:
        node = waiting.pop()
        made = number_of(node)
        if made is None or made < number or node.name() == _LEAF:
            continue
        found = Attention.of(node)
        if found is not None:
            yield made, found
        below = [each for each, _ in node.next_functions if each is not None and each not in seen]
        seen.update(below)
        waiting += below


def number_now() -> int:
    """The number that the next node of this thread will have."""
    return int(torch._C._autograd._get_sequence_nr())


def is_kept_as_it_is() -> bool:
    """Whether autograd now keeps tensors as they are; a checkpoint keeps none until it computes them again."""
    try:
        with disable_saved_tensors_hooks("asked whether there are any"):
            return True
    except RuntimeError:  # there are some
        return False


def _product_under(node: Node) -> tuple[Node, float] | None:
    """The product that a softmax is of, and the factor between them."""
    waiting: list[tuple[Node, float]] = [(below, 1.0) for below, _ in node.next_functions if below is not None]
    for _ in range(_MOST_BETWEEN):
        if not waiting:
            return None
        each, scale = waiting.pop(0)
        name = each.name()
        if name.startswith(_PRODUCT):
            return each, scale
        if not (is_reshape(each) or name.startswith(_BETWEEN)):
            continue
        scale *= _factor(each)
        waiting += [(below, scale) for below, _ in each.next_functions if below is not None]
    return None


def _factor(node: Node) -> float:
    """What a node multiplies by, if that is one number."""
    name = node.name()
    other = getattr(node, "_saved_other", None) if name.startswith(("Mul", "Div")) else None
    if other is None or (isinstance(other, Tensor) and other.numel() != 1):
        return 1.0
    return float(other) if name.startswith("Mul") else 1.0 / float(other)
