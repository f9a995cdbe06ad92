"""Checks whether a network predicts the next token of its own input, as a language model does."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

_ALMOST_ALL = 0.9
"""Fraction of targets that are the next token; the others may be padding that is ignored."""
_ENTRIES = 4096
"""Largest number of tokens that are compared, if a row has no more."""


class NextToken:
    """Compares the tokens of a call of the model with its targets, which it gets itself or the criterion gets."""

    def __init__(self) -> None:
        self._tokens: Tensor | None = None
        self.found = False

    @torch.no_grad()
    def before_forward(self, args: tuple[Any, ...], kwargs: Mapping[str, object]) -> None:
        """The model is about to be called. Models of Hugging Face get the tokens as `labels`, and shift them."""
        given = [each for each in (*args, *kwargs.values()) if _are_tokens(each)]
        self._tokens = given[0] if given else None
        labels = kwargs.get("labels")
        for other in given[1:]:
            compare = _agree if other is labels else _follow
            self.found |= other.shape == given[0].shape and compare(given[0], other)

    @torch.no_grad()
    def after_loss(self, targets: Tensor) -> None:
        """The criterion was called with these targets."""
        tokens = self._tokens
        if tokens is not None and not targets.is_floating_point() and targets.numel() == tokens.numel():
            self.found |= _follow(tokens, targets.reshape(tokens.shape))


def _are_tokens(value: object) -> bool:
    return isinstance(value, Tensor) and value.ndim == 2 and value.dtype in (torch.int64, torch.int32)


def _follow(tokens: Tensor, targets: Tensor) -> bool:
    """Whether the target of each step is the token of the next, along either axis."""
    return not _agree(tokens, targets) and any(
        steps > 1 and _agree(tokens.narrow(axis, 1, steps - 1), targets.narrow(axis, 0, steps - 1))
        for axis, steps in enumerate(tokens.shape)
    )


def _agree(tokens: Tensor, targets: Tensor) -> bool:
    few = slice(max(1, _ENTRIES // max(1, tokens.shape[1])))
    return bool((targets[few] == tokens[few]).double().mean() > _ALMOST_ALL)
