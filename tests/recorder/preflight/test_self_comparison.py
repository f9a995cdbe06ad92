"""Likenesses of samples, of which a sample's own is the largest."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gradclinic_torch.preflight.inner_losses import inner_losses
from gradclinic_torch.preflight.self_comparison import FEWEST, self_comparison

from .own_loss import OwnLoss

SAMPLES = 16
PARTNERS = torch.arange(SAMPLES).roll(SAMPLES // 2)


def likenesses(samples: int = SAMPLES) -> Tensor:
    vectors = torch.randn(samples, 6, generator=torch.Generator().manual_seed(0))
    unit = functional.normalize(vectors, dim=1)
    return unit @ unit.T / 0.2


@pytest.mark.parametrize(
    ("targets", "masked", "found"),
    [
        (torch.arange(SAMPLES), False, "partner"),
        (PARTNERS, False, "other"),
        (PARTNERS, True, None),
    ],
)
def test_a_sample_that_is_compared_with_itself_is_seen_unless_it_is_masked(targets, masked, found):
    logits = likenesses()
    assert self_comparison(logits.fill_diagonal_(-torch.inf) if masked else logits, targets) == found


def test_likenesses_of_two_networks_and_of_vectors_of_any_size_are_none_of_a_sample_with_itself():
    """Those of pictures and their texts, as of CLIP, differ from pair to pair."""
    draw = torch.Generator().manual_seed(1)
    pictures, texts = (torch.randn(SAMPLES, 6, generator=draw) for _ in range(2))
    assert self_comparison(5 * pictures @ (pictures + 0.1 * texts).T, torch.arange(SAMPLES)) is None


@pytest.mark.parametrize(
    ("logits", "targets"),
    [
        (torch.zeros(SAMPLES, SAMPLES), torch.arange(SAMPLES)),  # none is larger
        (likenesses(FEWEST - 1), torch.arange(FEWEST - 1)),
        (likenesses(), torch.full((SAMPLES,), -100)),
        (likenesses(), torch.eye(SAMPLES)),
        (torch.randn(SAMPLES, 10, 4), torch.zeros(SAMPLES, 4, dtype=torch.int64)),
    ],
)
def test_classes_of_other_kinds_are_no_likenesses(logits, targets):
    assert self_comparison(logits, targets) is None


def test_it_is_seen_in_a_loss_that_a_loss_of_one_s_own_calls():
    def contrast(outputs: Tensor, _: Tensor) -> Tensor:
        unit = functional.normalize(outputs, dim=1)
        return nn.CrossEntropyLoss()(unit @ unit.T, PARTNERS)

    outputs = torch.randn(SAMPLES, 6, generator=torch.Generator().manual_seed(2), requires_grad=True)
    criterion = OwnLoss(contrast)
    (call,) = inner_losses(criterion, outputs, PARTNERS, criterion(outputs, PARTNERS))
    assert call.self_compared == "other"
