"""Whether the targets of sequences are the next steps of other samples' inputs, as where one of both was shuffled."""

import torch
from torch import Tensor

_FEWEST = 8
"""Fewest columns of a sequence that is not equal to another one by chance."""
_DISTINCT = 4
"""Different values of a sequence that is no padding."""
_BY_CHANCE = 0.1
"""Part of these samples that may be whole inputs of others by chance, in a text of few words. A judgement."""
_ROWS = 64
"""Samples whose targets are looked for in their own inputs."""


def of_others(inputs: Tensor, targets: Tensor) -> int:
    """Samples whose targets are another one's next steps, of [samples, columns]; 0 if any has to do with its own.

    Targets that are whole inputs of others may be meant: those of the next window.
    """
    if inputs.shape != targets.shape or inputs.shape[1] < _FEWEST:
        return 0
    weights = torch.rand(inputs.shape[1], generator=torch.Generator().manual_seed(0), dtype=inputs.dtype)
    whole = _are_equal((targets * weights).sum(1), (inputs * weights).sum(1))
    following = _are_equal((targets[:, :-1] * weights[:-1]).sum(1), (inputs[:, 1:] * weights[:-1]).sum(1))
    varied = torch.tensor([len(row.unique()) >= _DISTINCT for row in targets[:, :-1]], dtype=torch.bool)
    found, next_windows = following.any(1) & varied, whole.any(1) & varied
    count = int(found.sum())
    meant = int(next_windows.sum()) > _BY_CHANCE * count
    return 0 if not count or meant or _has_own(inputs[found][:_ROWS], targets[found][:_ROWS]) else count


def _are_equal(one: Tensor, other: Tensor) -> Tensor:
    """[one, other]: whether two sums of the same entries are equal up to the order in which they were added."""
    return torch.isclose(one[:, None], other[None], rtol=1e-12, atol=1e-12)


def _has_own(inputs: Tensor, targets: Tensor) -> bool:
    """Whether any sample's targets go on from a later step of its own inputs, as those of a later horizon do."""
    steps = range(inputs.shape[1] - _FEWEST + 1)
    return any(bool((targets[:, : targets.shape[1] - by] == inputs[:, by:]).all(1).any()) for by in steps)
