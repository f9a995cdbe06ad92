"""The weights of a process that holds only parts of them, where they are sharded over several (FSDP2).

Each process records of its parts what adds up, over all processes, to the statistic of the whole weight: its part of a
sum or a mean; of a norm its own, so that squares add up. The first process combines them (`sinks/process_group.py`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from typing_extensions import Self

from ..model.placement import fraction_of, share_of
from .step_statistics import Named


@dataclass(frozen=True)
class Parts:
    """How much of each weight counts in this process."""

    shares: Tensor
    """[W]: one over the number of processes with the same part."""
    fractions: Tensor
    """[W]: the entries that are here over those of the whole weight, times the share."""

    @classmethod
    def of(cls, weights: Sequence[nn.Parameter]) -> Self:
        """Those of these weights, of which any may be whole: it counts as a part in each process, too."""

        def column(numbers: Iterable[float]) -> Tensor:
            return torch.tensor(list(numbers), dtype=torch.float64, device=weights[0].device if weights else None)

        return cls(column(map(share_of, weights)), column(map(fraction_of, weights)))

    def of_norms(self, norms: Tensor) -> Tensor:
        """[W]: norms whose squares add up to that of the whole."""
        return norms * self.shares.sqrt()

    def of_all(self, named: Named) -> Named:
        """What adds up, of the statistics of each weight; largest values and ratios stay as they are."""
        return {name: self._of(name, values) for name, values in named.items()}

    def _of(self, name: str, values: Tensor) -> Tensor:
        if name in ADD_AS_SQUARES:
            return self.of_norms(values)
        if name.endswith("_count"):
            return values * self.shares
        return values * self.fractions if name.endswith(("_mean_abs", "_fraction")) else values


ADD_AS_SQUARES = frozenset(
    {"weight_norm_l2", "distance_from_start", "weight_grad_norm_l2", "weight_grad_norm_l2_clipped"}
)
"""Statistics per weight that are norms."""
