"""A statistic of many tensors at once, and the same computed one tensor and one entry at a time."""

import math
from collections.abc import Callable, Sequence

import pytest
import torch

from gradclinic.experiments.activations import Activation
from gradclinic.measurements.statistics import STATISTICS, TensorStatistic
from gradclinic_torch.measure import one_pass, reductions

SHAPES = [(4, 3), (2, 5, 3), (4, 3), (3, 2, 2, 2), (4, 3), (2, 5, 3)]
"""[batch, ...] of each tensor: some can be stacked, others not."""
SPECIAL = [0.0, math.nan, math.inf, -math.inf, 1e-40, -1e-25, 1e30, 6.0, -6.0]
PRECISIONS = (torch.float32, torch.bfloat16, torch.float16)


def tensors(*, precision: torch.dtype = torch.float32, special: bool = False) -> list[torch.Tensor]:
    """Tensors of mixed shapes; on request, two of them have entries that are 0, tiny, huge or not finite."""
    draw = torch.Generator().manual_seed(0)
    made = [torch.randn(shape, generator=draw, dtype=torch.float64).to(precision) for shape in SHAPES]
    for index, value in enumerate(SPECIAL if special else []):
        made[index % 2].view(-1)[index] = value
    return made


def computed(
    name: str, given: Sequence[torch.Tensor], *, activations: Sequence[Activation | None] | None = None
) -> list[float]:
    """The statistic of each tensor, as a recorder computes it, with compiled loops and without them."""
    statistic = STATISTICS[name]
    assert isinstance(statistic, TensorStatistic)
    sites = [None] * len(given) if activations is None else activations

    def found() -> list[float]:
        return reductions.reduced(given, [statistic.reduce], activations=sites)[statistic.reduce].tolist()

    compiled = found()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(one_pass, "loops", lambda: None)
        in_torch = found()
    assert compiled == pytest.approx(in_torch, rel=1e-6, abs=1e-300, nan_ok=True)
    return compiled


def entries(tensor: torch.Tensor) -> list[float]:
    """All entries of a tensor, as Python's numbers."""
    return tensor.double().flatten().tolist()


def check(
    names: Sequence[str], naive: Callable[[torch.Tensor], float], *, given: Sequence[torch.Tensor], rel: float = 1e-12
) -> None:
    """The statistics are equal to a naive computation on each tensor."""
    for name in names:
        expected = pytest.approx([naive(tensor) for tensor in given], rel=rel, abs=1e-300, nan_ok=True)
        assert computed(name, given) == expected
