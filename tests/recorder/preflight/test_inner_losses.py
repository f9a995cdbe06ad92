"""Losses of torch's that are called as functions, in losses of a program's own."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from gradclinic_torch.preflight.inner_losses import inner_losses

from .own_loss import OwnLoss

LOGITS = torch.randn(12, 4, generator=torch.Generator().manual_seed(0), requires_grad=True)
CLASSES = torch.arange(12) % 4


def of(function, outputs=LOGITS, targets=CLASSES):
    criterion = OwnLoss(function)
    return inner_losses(criterion, outputs, targets, criterion(outputs, targets))


@pytest.mark.parametrize(
    ("function", "form", "activation"),
    [
        (lambda o, t: functional.nll_loss(o.log_softmax(1), t), "log_probabilities", "log_softmax"),
        (lambda o, t: functional.nll_loss(o.softmax(1), t), "probabilities", "softmax"),
        (lambda o, t: nn.NLLLoss()(input=o.softmax(1), target=t), "probabilities", "softmax"),
        (lambda o, t: functional.cross_entropy(o / 0.1, t), "numbers", None),
    ],
)
def test_what_a_loss_gets_is_described_whether_it_is_called_as_a_function_or_as_a_module(function, form, activation):
    (call,) = of(function)
    assert (call.form, call.activation) == (form, activation)


def test_the_calls_come_in_their_order_and_arithmetic_is_none():
    def both(outputs, targets):
        return functional.cross_entropy(outputs, targets) + functional.kl_div(
            outputs.log_softmax(1), outputs.detach().softmax(1), reduction="batchmean"
        )

    assert [call.function for call in of(both)] == ["cross_entropy", "kl_div"]
    assert of(lambda o, t: (o.sum(1) - t).square().mean()) == ()
    assert inner_losses(nn.CrossEntropyLoss(), LOGITS, CLASSES, torch.tensor(0.0)) == ()


@pytest.mark.parametrize(("blank", "there"), [(0, True), (5, False)])
def test_symbols_with_the_number_of_the_blank_are_seen_and_padding_behind_the_lengths_is_none(blank, there):
    frames = torch.randn(3, 9, 6, generator=torch.Generator().manual_seed(1), requires_grad=True)
    symbols = torch.tensor([[1, 0, 2, 5], [0, 3, 4, 5], [2, 1, 3, 5]])

    def ctc(outputs, targets):
        made = outputs.log_softmax(2).transpose(0, 1)
        return functional.ctc_loss(made, targets, torch.full((3,), 9), torch.full((3,), 3), blank=blank)

    (call,) = of(ctc, frames, symbols)
    assert (call.form, call.blank_in_targets) == ("log_probabilities", there)


@pytest.mark.parametrize(("scale", "outside"), [(1.0, 0.0), (2.0, 0.5)])
def test_targets_outside_0_to_1_are_counted_and_a_sigmoid_that_a_split_hides_is_seen_by_its_values(scale, outside):
    logits = torch.randn(64, 8, generator=torch.Generator().manual_seed(0), requires_grad=True)
    targets = scale * (torch.arange(64 * 4) % 2).reshape(64, 4).float()
    outputs = torch.cat([logits[:, :4].sigmoid(), logits[:, 4:]], 1)

    def part(outputs, targets):
        kept, rest = outputs.split(4, 1)
        return functional.binary_cross_entropy_with_logits(kept, targets) + rest.square().mean()

    (call,) = of(part, outputs, targets)
    assert (call.form, call.entries, call.targets_outside_unit) == ("unit_interval", 256, outside)
    (right,) = of(part, logits, targets)
    assert right.form == "numbers"


@pytest.mark.parametrize(
    "function",
    [
        functional.mse_loss,
        functional.l1_loss,
        functional.smooth_l1_loss,
        functional.poisson_nll_loss,
        functional.hinge_embedding_loss,
        functional.gaussian_nll_loss,
    ],
)
@pytest.mark.filterwarnings("ignore:Using a target size")  # of some of them, torch warns
def test_a_loss_of_numbers_is_seen_where_it_compares_each_with_each(function):
    numbers = torch.arange(12.0)

    def each(outputs, targets):
        return function(outputs[:, :1], targets, **more)

    more = {"var": torch.ones(12, 1)} if function is functional.gaussian_nll_loss else {}
    (call,) = of(each, targets=numbers)
    assert call.broadcasts
    assert of(each, targets=numbers[:, None]) == ()
    assert of(lambda o, t: function(input=o[:, :1], target=t[:, None], **more), targets=numbers) == ()


def test_other_functions_of_two_tensors_hide_no_call():
    """Shapes that a product takes cannot be broadcast to each other."""

    def projected(outputs, targets):
        spread = (outputs @ torch.ones(outputs.shape[1], 7)).square().mean()
        return functional.cross_entropy(outputs.softmax(1), targets) + 0.0 * spread

    (call,) = of(projected)
    assert (call.function, call.activation) == ("cross_entropy", "softmax")
