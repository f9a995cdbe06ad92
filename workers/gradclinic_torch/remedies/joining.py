"""Joins batches of any form into one."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

Batch: TypeAlias = Any
"""One batch of a user's own data, in any form that the loss takes."""


def join(batches: Sequence[Batch]) -> Batch:
    """Batches as one: tensors are joined along their first axis, within tuples, lists and dictionaries.

    Raises TypeError for what cannot be joined.
    """
    first = batches[0]
    if isinstance(first, Tensor) and first.ndim > 0:
        return torch.cat(list(batches))
    if isinstance(first, Mapping):
        return type(first)({key: join([each[key] for each in batches]) for key in first})  # type: ignore[call-arg]
    if isinstance(first, tuple | list):
        return type(first)([join(each) for each in zip(*batches, strict=True)])
    raise TypeError(f"batches of {type(first).__name__} cannot be joined")
