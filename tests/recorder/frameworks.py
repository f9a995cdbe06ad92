"""A network and its samples that every framework trains alike, and the loop by hand that they are compared with."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gradclinic.measurements.record import RunRecord
from gradclinic_torch import Recording

from .loops import Batches, mlp

BATCH, PASSES, MAX_NORM = 32, 4, 0.05
LOOPS = pytest.mark.parametrize(
    ("passes", "max_norm"),
    [
        (PASSES, MAX_NORM),
        pytest.param(1, None, marks=pytest.mark.slow),
        pytest.param(1, MAX_NORM, marks=pytest.mark.slow),
        pytest.param(PASSES, None, marks=pytest.mark.slow),
    ],
)
"""With and without accumulation and clipping."""


class Losing(nn.Module):
    """Returns its loss, as models of transformers do."""

    def __init__(self, *, depth: int = 3) -> None:
        super().__init__()
        self.net, self.criterion = mlp(depth=depth, act=nn.ReLU), nn.CrossEntropyLoss()

    def forward(self, inputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
        logits = self.net(inputs)
        return {"loss": self.criterion(logits, labels), "logits": logits}


def samples(batches: Batches) -> list[dict[str, Tensor]]:
    return [
        {"inputs": row, "labels": label}
        for inputs, targets in batches
        for row, label in zip(inputs, targets, strict=True)
    ]


def by_hand(
    batches: Batches, *, passes: int, max_norm: float | None, rate: float, steps: int | None = None
) -> Recording:
    """The same training, told step by step; with `steps`, also how many are planned, as some frameworks know."""
    model = Losing()
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    with Recording(model, optimizer, model.criterion, steps=steps) as recording:
        for number, (inputs, labels) in enumerate(batches, start=1):
            loss = model(inputs, labels)["loss"] / passes
            loss.backward()
            recording.after_backward(loss)
            if number % passes == 0:
                if max_norm is not None:
                    nn.utils.clip_grad_norm_(model.parameters(), max_norm)
                optimizer.step()
                optimizer.zero_grad()
    return recording


def assert_same_record(found: RunRecord, wanted: RunRecord, *, besides: Sequence[str] = ()) -> None:
    """Every statistic at the same steps with the same numbers, up to the rounding of float32."""
    assert found.series.keys() == wanted.series.keys()
    for name in found.series.keys() - set(besides):
        assert np.array_equal(found.get(name).steps, wanted.get(name).steps), name
        one, other = found.get(name).values, wanted.get(name).values
        assert np.allclose(one, other, rtol=1e-4, atol=1e-9, equal_nan=True), name


def assert_clipped(record: RunRecord, max_norm: float | None) -> None:
    """What the framework clipped is told as such."""
    before, after = record.get("grad_norm_l2").values[:, 0], record.get("grad_norm_l2_clipped").values[:, 0]
    assert np.allclose(after, before if max_norm is None else np.minimum(before, max_norm), rtol=1e-3)
    clipped = record.get("clipped").values[:, 0]
    assert clipped.any() == (max_norm is not None)
