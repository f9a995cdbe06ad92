"""Compares the processes of a training: the losses of their samples, and the gradients at their layer outputs."""

from collections.abc import Mapping

import numpy as np

from gradclinic.measurements.ranks import MOST_RANKS, RankFacts

SMALLEST = 1e-30
"""What a gradient counts as at least, so that one of 0 can be compared."""


class RankComparison:
    """One row per step and process goes in; what they have in common in the end comes out."""

    def __init__(self) -> None:
        self._losses: dict[int, list[float]] = {}
        self._gradients: dict[int, list[float]] = {}
        """By rank: the logarithms of its gradients relative to those of the others."""

    def losses(self, of: Mapping[int, np.ndarray]) -> None:
        """The loss of a step, by rank."""
        for rank, row in of.items():
            self._losses.setdefault(rank, []).append(float(row[0]))

    def gradients(self, of: Mapping[int, np.ndarray]) -> None:
        """The RMS of the gradients at the sites in a step, by rank, each [L]; their geometric mean counts."""
        if len(of) < 2 or not all(row.size and np.isfinite(row).all() for row in of.values()):
            return
        logs = {rank: float(np.log(np.maximum(row, SMALLEST).astype(np.float64)).mean()) for rank, row in of.items()}
        total = sum(logs.values())
        for rank, log in logs.items():
            self._gradients.setdefault(rank, []).append(log - (total - log) / (len(logs) - 1))

    def facts(self) -> tuple[RankFacts, ...]:
        """The processes whose gradients were compared with those of others, by rank."""
        return tuple(
            RankFacts(
                rank=rank,
                steps=len(ratios),
                loss=float(np.mean(self._losses.get(rank, [0.0]))),
                gradient=float(np.exp(np.median(ratios))),
                above=float(np.mean(np.asarray(ratios) > 0.0)),
            )
            for rank, ratios in sorted(self._gradients.items())[:MOST_RANKS]
        )
