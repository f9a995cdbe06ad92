"""The loss of right outputs, for losses of a program's own whose best outputs are known."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gradclinic_torch.preflight.right_outputs import RightOutputs, right_outputs

from .own_loss import OwnLoss

TARGETS = (torch.arange(12).reshape(4, 3) % 3 == 0).float()
OUTPUTS = torch.linspace(-1, 1, 12).reshape(4, 3)


class Dice(nn.Module):
    """One minus twice the overlap over the sum, of probabilities."""

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return 1 - 2 * (outputs * targets).sum() / (outputs.sum() + targets.sum())


class OwnEntropy(nn.Module):
    """Binary cross entropy of logits."""

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return functional.binary_cross_entropy_with_logits(outputs, targets)


def of(criterion: nn.Module, outputs: Tensor = OUTPUTS, targets: Tensor = TARGETS) -> RightOutputs | None:
    return right_outputs(criterion, outputs, targets, criterion(outputs, targets))


@pytest.mark.parametrize("criterion", [Dice(), OwnEntropy()])
def test_right_outputs_have_no_loss_be_they_probabilities_or_logits(criterion):
    assert of(criterion).loss == pytest.approx(0.0, abs=1e-6)


def test_a_distance_that_is_small_for_pairs_labelled_1_is_not_meant_to_be_like_the_targets():
    class Contrastive(nn.Module):
        def forward(self, distances: Tensor, alike: Tensor) -> Tensor:
            return (alike * distances**2 + (1 - alike) * (2 - distances).relu() ** 2).mean()

    assert of(Contrastive()) == RightOutputs(None, opposed=False, exceeded=False)


def test_torch_s_own_losses_other_targets_and_losses_with_a_state_are_left_alone():
    class Noisy(Dice):
        def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
            return super().forward(outputs, targets) * torch.rand(())

    assert of(nn.MSELoss()) is None
    assert of(Dice(), targets=2 * TARGETS) is None
    assert of(Dice(), targets=torch.ones(4, 3)) is None
    assert of(Noisy()) is None


MAPS = TARGETS.reshape(4, 1, 3)
CHANCES = OUTPUTS.reshape(4, 1, 3)


class Overlap(Dice):
    """The overlap itself, which grows as outputs become right; of probabilities of logits."""

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return 1 - super().forward(outputs.sigmoid(), targets)


@pytest.mark.parametrize(("outputs", "targets", "opposed"), [(CHANCES, MAPS, True), (OUTPUTS, TARGETS, False)])
def test_a_loss_that_is_least_for_opposite_maps_is_upside_down_and_one_of_columns_may_be_of_distances(
    outputs, targets, opposed
):
    assert of(Overlap(), outputs, targets).opposed is opposed


@pytest.mark.parametrize(("criterion", "exceeded"), [(Dice(), True), (OwnEntropy(), False)])
def test_a_loss_of_probabilities_rewards_outputs_of_2_and_one_of_logits_does_not(criterion, exceeded):
    assert of(criterion).exceeded is exceeded


NUMBERS = torch.randn(16, 2, generator=torch.Generator().manual_seed(0))
GUESSES = torch.randn(16, 2, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("function", "opposed"),
    [
        (lambda o, t: (1 + functional.cosine_similarity(o, t)).mean(), True),
        (lambda o, t: (o + t).square().mean(), True),
        (lambda o, t: (1 - functional.cosine_similarity(o, t)).mean(), False),
        (lambda o, t: (o - t).abs().mean(), False),
        (lambda o, t: (o * t).mean(), False),  # a cost: the larger the outputs that avoid it, the better
        (lambda o, t: (o.softmax(1) * t).sum(1).mean(), False),
        (lambda o, t: (o**2 - t**2).square().mean(), False),  # the sign does not count
    ],
)
def test_of_numbers_a_loss_that_is_best_for_their_opposites_has_the_wrong_sign(function, opposed):
    found = of(OwnLoss(function), GUESSES, NUMBERS)
    assert (found is not None) is opposed
    if found is not None:
        assert found == RightOutputs(None, opposed=True, exceeded=False)
    assert of(OwnLoss(function), GUESSES, NUMBERS.abs()) is None, "numbers of one sign may be distances"
