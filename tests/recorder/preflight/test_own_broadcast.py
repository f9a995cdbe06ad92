"""Whether a loss of a program's own compares every output with every target, by losses whose answer is known."""

import pytest
import torch
from torch import Tensor, nn

from gradclinic_torch.preflight.own_broadcast import broadcasts

DRAW = torch.Generator().manual_seed(0)
OUTPUTS, TARGETS = torch.randn(16, 1, generator=DRAW), torch.randn(16, generator=DRAW)


class Squares(nn.Module):
    """A mean of squares, after perhaps another shape."""

    def __init__(self, shape: tuple[int, ...] | None = None) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return ((outputs if self.shape is None else outputs.reshape(self.shape)) - targets).square().mean()


@pytest.mark.parametrize(
    ("loss", "outputs", "targets", "found"),
    [
        (Squares(), OUTPUTS, TARGETS, True),
        (Squares(), OUTPUTS[:, 0], TARGETS[:, None], True),
        (Squares(), OUTPUTS, TARGETS[:, None], False),
        (Squares((-1,)), OUTPUTS, TARGETS, False),
        (Squares((-1, 1)), OUTPUTS, TARGETS, False),
        (nn.MSELoss(), OUTPUTS, TARGETS, False),
    ],
)
def test_a_loss_that_has_another_value_for_equal_shapes_broadcasts(loss, outputs, targets, found):
    """One that brings both to one shape itself has the same; torch's own are known without a call."""
    value = torch.tensor(1.0) if isinstance(loss, nn.MSELoss) else loss(outputs, targets)
    assert broadcasts(loss, outputs, targets, value) is found


def test_a_loss_that_takes_one_shape_only_or_is_random_shows_nothing():
    class Strict(Squares):
        def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
            assert outputs.ndim == 2 > targets.ndim
            return super().forward(outputs, targets)

    class Noisy(Squares):
        def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
            return super().forward(outputs, targets) * torch.rand(())

    for loss in (Strict(), Noisy()):
        assert not broadcasts(loss, OUTPUTS, TARGETS, loss(OUTPUTS, TARGETS))
