"""The least value of a loss of a program's own within the range of an activation and without, where both are known."""

import pytest
import torch
from torch import Tensor, nn

from gradclinic_torch.preflight.own_floor import floors

ALIKE = (torch.arange(16) % 2 == 0).float()[:, None]
DISTANCES = torch.linspace(0.2, 0.8, 16)[:, None]


class Contrastive(nn.Module):
    """Distances of pairs, 0 where they are alike, and beyond the margin where they are not."""

    def __init__(self, margin: float) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, distances: Tensor, alike: Tensor) -> Tensor:
        return (alike * distances**2 + (1 - alike) * (self.margin - distances).relu() ** 2).mean()


@pytest.mark.parametrize(("margin", "within"), [(5.0, 8.0), (2.0, 0.5), (1.0, 0.0)])
def test_a_distance_of_at_most_1_keeps_the_loss_of_a_larger_margin_above_0(margin, within):
    """Half of the pairs have (margin - 1)^2 each."""
    loss = Contrastive(margin)
    bounded, free = floors(loss, DISTANCES, ALIKE, loss(DISTANCES, ALIKE), bounds=(0.0, 1.0))
    assert bounded == pytest.approx(within, abs=1e-3)
    assert free == pytest.approx(0.0, abs=1e-6)


def test_torch_s_own_losses_and_activations_without_two_bounds_are_left_alone():
    own, known = Contrastive(5.0), nn.MSELoss()
    assert floors(own, DISTANCES, ALIKE, own(DISTANCES, ALIKE), bounds=(0.0, float("inf"))) is None
    assert floors(known, DISTANCES, ALIKE, known(DISTANCES, ALIKE), bounds=(0.0, 1.0)) is None
