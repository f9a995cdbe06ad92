"""Measures the attentions of a forward pass, each at the innermost module that computes it."""

import logging
from collections.abc import Sequence

import torch
from torch import Tensor

from ..measure.transformer import of_attention
from ..model.attention import attentions_since, is_kept_as_it_is, number_now
from ..model.graph import number_of
from ..model.hooks import Key
from ..model.passage import is_computed_again

log = logging.getLogger("gradclinic.recording")


class Attentions:
    """Those of the modules that are called; an attention belongs to the first module that ends with it inside."""

    def __init__(self) -> None:
        self._began: dict[Key, int] = {}
        self._taken: set[int] = set()

    def enters(self, key: Key) -> None:
        """A module is called."""
        self._began[key] = number_now()

    def leaves(self, key: Key, output: Tensor) -> Tensor | None:
        """[2]: the largest logit and the mean entropy in this call, outside of modules that have ended before."""
        began = self._began.pop(key, None)
        if began is None or output.grad_fn is None or not (is_kept_as_it_is() or is_computed_again()):
            return None
        last = number_of(output.grad_fn)
        found = [
            (number, each)
            for number, each in attentions_since(began, output.grad_fn)
            if number != last or each.weights is None  # a module that only makes the weights computes no attention
        ]
        own = [each for number, each in found if number not in self._taken]
        self._taken.update(number for number, _ in found)
        try:
            with torch.no_grad():
                return together([of_attention(each) for each in own])
        except Exception as error:  # a kernel may keep tensors of any form; nothing else depends on it
            log.debug("an attention was not measured", exc_info=error)
            return None


def together(measured: Sequence[Tensor]) -> Tensor | None:
    """[2]: of several [2], the largest logit and the mean entropy; None if there are none."""
    if not measured:
        return None
    stacked = torch.stack(list(measured))
    return torch.stack([stacked[:, 0].amax(), stacked[:, 1].mean()])


def beside(measured: Sequence[Tensor | None]) -> Tensor | None:
    """[2, L], NaN at the places without one; None if there is none at all."""
    known = [each for each in measured if each is not None]
    if not known:
        return None
    nan = torch.full_like(known[0], float("nan"))
    return torch.stack([nan if each is None else each for each in measured], dim=1)
