"""The loss of the best constant output through a criterion of one's own, against formulas and a search by hand."""

import math
import random

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import Tensor, nn

from gradclinic_torch import Recording
from gradclinic_torch.preflight.fitted_constant import FittedConstant

from .own_loss import OwnLoss

torch.manual_seed(0)
NUMBERS = torch.randn(96, 2) * 3 + 7
CLASSES = torch.randint(0, 3, (96,)).clamp(max=2)
YES = (torch.rand(96, 1) > 0.8).float()


def log_cosh(outputs, targets):
    return torch.log(torch.cosh(outputs - targets)).mean()


def focal(outputs, targets):
    return (
        (1 - outputs.softmax(1).gather(1, targets[:, None])) ** 2 * -outputs.log_softmax(1).gather(1, targets[:, None])
    ).mean()


def dice(outputs, targets):
    yes = torch.sigmoid(outputs)
    return 1 - (2 * (yes * targets).sum() + 1) / (yes.sum() + targets.sum() + 1)


def weighted(outputs, targets):
    return 0.7 * nn.functional.mse_loss(outputs, targets) + 0.3 * nn.functional.l1_loss(outputs, targets)


def fitted(criterion: nn.Module, batches, *, make=None) -> float | None:
    seen, make = FittedConstant(), make or nn.Linear(4, 2)
    for rest in batches:
        outputs = make(torch.randn(len(rest[0]), 4))
        seen.saw(criterion, (outputs, *rest), {}, criterion(outputs, *rest))
    return seen.value()


def in_three(targets: Tensor) -> list[tuple[Tensor]]:
    return [(part,) for part in targets.split(32)]


def searched(criterion, targets: Tensor, columns: int) -> float:
    """The least over a constant, mean over the three batches, by scipy and without a gradient."""

    def value(row) -> float:
        parts = targets.double().split(32) if targets.is_floating_point() else targets.split(32)
        rows = torch.tensor(row, dtype=torch.float64)
        return float(np.mean([float(criterion(rows.expand(len(part), -1), part)) for part in parts]))

    start = targets.double().mean(0).numpy() if targets.ndim > 1 else np.zeros(columns)
    found = minimize(value, start, method="Nelder-Mead", options={"maxiter": 4000, "xatol": 1e-6, "fatol": 1e-9})
    return float(found.fun)


@pytest.mark.parametrize(
    ("function", "targets", "columns"),
    [(log_cosh, NUMBERS, 2), (focal, CLASSES, 3), (weighted, NUMBERS, 2), (dice, YES, 1)],
)
def test_it_is_the_least_that_a_constant_output_reaches_through_the_criterion(function, targets, columns):
    found = fitted(OwnLoss(function), in_three(targets), make=nn.Linear(4, columns))
    assert found == pytest.approx(searched(function, targets, columns), rel=5e-3)


def test_for_a_loss_that_torch_has_too_it_is_the_formula_s():
    rows = fitted(OwnLoss(nn.functional.cross_entropy), in_three(CLASSES), make=nn.Linear(4, 3))
    shares = torch.bincount(CLASSES).double() / len(CLASSES)
    assert rows == pytest.approx(float(-(shares * shares.log()).sum()), rel=1e-3)


def test_outputs_that_are_probabilities_are_held_to_what_a_softmax_or_a_sigmoid_can_give():
    of_classes = OwnLoss(lambda outputs, targets: -outputs.gather(1, targets[:, None]).log().mean())
    found = fitted(of_classes, in_three(CLASSES), make=nn.Sequential(nn.Linear(4, 3), nn.Softmax(1)))
    shares = torch.bincount(CLASSES).double() / len(CLASSES)
    assert found == pytest.approx(float(-(shares * shares.log()).sum()), rel=1e-3)
    squared = OwnLoss(lambda outputs, targets: ((outputs - targets) ** 2).mean())
    bounded = fitted(squared, in_three(NUMBERS), make=nn.Sequential(nn.Linear(4, 2), nn.Sigmoid()))
    assert bounded == pytest.approx(float(((NUMBERS - 1) ** 2).mean()), rel=2e-2)


def test_three_outputs_of_one_network_have_the_same_constant_so_that_a_triplet_loss_is_its_margin():
    model, seen = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 5)), FittedConstant()
    criterion = nn.TripletMarginLoss(margin=0.4)
    for _ in range(4):
        args = tuple(model(torch.randn(16, 4)) for _ in range(3))
        seen.saw(criterion, args, {}, criterion(*args))
    assert seen.value() == pytest.approx(0.4, rel=1e-3)


def test_time_may_come_first_as_in_ctc_whose_constant_says_the_same_at_every_step():
    head, criterion, seen = nn.Linear(4, 4), nn.CTCLoss(), FittedConstant()
    words = torch.randint(1, 4, (32, 2))
    lengths = (torch.full((32,), 6), torch.full((32,), 2))
    for _ in range(2):
        outputs = head(torch.randn(6, 32, 4)).log_softmax(2)
        seen.saw(criterion, (outputs, words, *lengths), {}, criterion(outputs, words, *lengths))

    def value(row) -> float:
        rows = torch.tensor(row, dtype=torch.float64).log_softmax(0).expand(6, 32, 4)
        return float(criterion(rows, words, *lengths))

    least = minimize(value, np.zeros(4), method="Nelder-Mead", options={"maxiter": 4000, "fatol": 1e-9})
    assert seen.value() == pytest.approx(float(least.fun), rel=1e-3)


class Counting(nn.Module):
    """A loss with a state: it grows with every call."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, outputs, targets):
        self.calls += 1
        return ((outputs - targets) ** 2).mean() * self.calls


class Weighing(nn.Module):
    """A loss with a weight that is learned."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, outputs, targets):
        return ((outputs - targets) ** 2).mean() * self.weight.exp()


@pytest.mark.parametrize(
    "criterion",
    [
        Counting(),
        Weighing(),
        OwnLoss(lambda outputs, targets: ((outputs - targets) ** 2).mean() * (1 + torch.rand(()))),
        OwnLoss(lambda outputs, _: -outputs.mean()),
        OwnLoss(lambda outputs, targets: (outputs * targets).mean()),
    ],
    ids=["with a state", "with weights", "that draws numbers", "without a bound", "of a product"],
)
def test_a_loss_that_cannot_be_fitted_has_none(criterion):
    assert fitted(criterion, in_three(NUMBERS)) is None


def test_a_loss_that_refuses_to_be_called_again_has_none_and_raises_nothing():
    class Once(nn.Module):
        spent = False

        def forward(self, outputs, targets):
            if self.spent:
                raise RuntimeError("once")
            return (outputs - targets).abs().mean()

    criterion = Once()
    seen = FittedConstant()
    outputs = nn.Linear(4, 2)(torch.randn(96, 4))
    seen.saw(criterion, (outputs, NUMBERS), {}, criterion(outputs, NUMBERS))
    criterion.spent = True
    assert seen.value() is None


def test_a_loss_that_a_constant_brings_to_zero_is_zero():
    ones = torch.ones(32, dtype=torch.long)
    assert fitted(OwnLoss(nn.functional.cross_entropy), [(ones,)] * 3, make=nn.Linear(4, 3)) == pytest.approx(
        0, abs=1e-4
    )


def test_it_draws_from_no_generator_and_leaves_the_criterion_as_it_is():
    class Noting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.calls = 0
            self.register_buffer("scale", torch.ones(()))

        def forward(self, outputs, targets):
            self.calls += 1
            torch.rand(3), np.random.rand(), random.random()
            return (outputs - targets).square().mean() * self.scale

    criterion, seen = Noting(), FittedConstant()
    outputs = nn.Linear(4, 2)(torch.randn(96, 4))
    seen.saw(criterion, (outputs, NUMBERS), {}, criterion(outputs, NUMBERS))
    before = (torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist())
    assert seen.value() == pytest.approx(float(NUMBERS.var(0, unbiased=False).mean()), rel=1e-3)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before[1:]
    assert (criterion.calls, criterion.scale.dtype) == (1, torch.float32)


def recorded(criterion: nn.Module, *, rate: float, model: nn.Module | None = None) -> Recording:
    torch.manual_seed(1)
    model = model or nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 2))
    inputs = torch.randn(256, 4)
    targets = inputs[:, :2].sin() * 3 + 5
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    with Recording(model, optimizer, criterion) as recording:
        for step in range(300):
            rows = torch.arange(32) + 32 * (step % 8)
            optimizer.zero_grad()
            loss = criterion(model(inputs[rows]), targets[rows])
            loss.backward()
            recording.after_backward(loss)
            optimizer.step()
    return recording


def test_a_training_under_a_loss_of_one_s_own_is_judged_by_it():
    assert recorded(OwnLoss(log_cosh), rate=1e-2).diagnosis().primary == "healthy"
    assert recorded(OwnLoss(log_cosh), rate=1e-7).diagnosis().findings[0].harm


def test_a_class_that_is_derived_from_one_of_torch_s_is_fitted_where_it_computes_something_else():
    class Doubled(nn.MSELoss):
        def forward(self, outputs, targets):
            return 2 * super().forward(outputs, targets) + 1

    constant = recorded(Doubled(), rate=1e-7).record.outcome.constant_loss
    variance = 9 * (1 - math.exp(-2)) / 2  # of three times the sine of a normal number
    assert constant == pytest.approx(2 * variance + 1, rel=0.15)


def test_a_function_as_criterion_is_refused_since_its_calls_cannot_be_seen():
    model = nn.Linear(4, 2)
    with pytest.raises(ValueError, match="the criterion must be a module"):
        Recording(model, torch.optim.SGD(model.parameters()), nn.functional.mse_loss)


def test_targets_in_the_thousands_are_reached_through_a_likelihood_of_mean_and_spread():
    def likelihood(outputs, targets):
        mean, spread = outputs[:, :1], outputs[:, 1:]
        return (0.5 * spread + 0.5 * (targets - mean) ** 2 / spread.exp()).mean()

    targets = 4000 + 800 * torch.randn(96, 1, generator=torch.Generator().manual_seed(3))
    least = 0.5 * math.log(float(targets.double().var(unbiased=False))) + 0.5
    assert fitted(OwnLoss(likelihood), in_three(targets)) == pytest.approx(least, rel=2e-2)


def kept(function, outputs, targets, *, calls=1):
    """A fitted constant that saw calls of this loss with the same batch."""
    fitted, criterion = FittedConstant(), OwnLoss(function)
    for scale in np.linspace(1.0, 1.0 / calls, calls):
        made = (outputs * float(scale)).requires_grad_() * 1
        fitted.saw(criterion, (made, targets), {}, criterion(made, targets))
    return fitted


def test_the_floor_of_a_poisson_likelihood_is_that_of_each_rate_and_its_constant_that_of_the_mean():
    """exp(o) - t o is least at o = ln t: t - t ln t; of one output for all, at the mean."""
    counts = torch.arange(1.0, 65.0)[:, None]
    fitted = kept(nn.functional.poisson_nll_loss, torch.zeros(64, 1), counts)
    numbers, mean = counts.double(), counts.double().mean()
    assert fitted.value() is None
    assert fitted.constant() == pytest.approx(float(mean - mean * mean.log()), rel=1e-4)
    assert fitted.floor() == pytest.approx(float((numbers - numbers * numbers.log()).mean()), rel=1e-3)


def test_a_density_that_can_narrow_without_end_has_no_floor():
    def surprise(outputs, targets):
        return (outputs[:, 1:] + 0.5 * ((targets - outputs[:, :1]) / outputs[:, 1:].exp()) ** 2).mean()

    fitted = kept(surprise, torch.randn(96, 2), NUMBERS[:, :1])
    assert fitted.constant() == pytest.approx(float(NUMBERS[:, 0].std(unbiased=False).log()) + 0.5, rel=1e-3)
    assert fitted.floor() is None


def test_a_cosine_has_no_constant_at_the_zero_where_a_search_would_stay():
    def unlike(outputs, _):
        return (1 - (outputs[:, 0] * outputs[:, 1]).sum(1)).mean()

    fitted = kept(unlike, nn.functional.normalize(torch.randn(96, 2, 3) + 1, dim=2), torch.zeros(96))
    assert fitted.constant() is None


def test_the_spread_that_is_left_compares_the_last_call_with_the_first():
    assert kept(log_cosh, torch.randn(96, 2), NUMBERS, calls=10).spread_left() == pytest.approx(0.1)
    assert kept(log_cosh, torch.ones(96, 2), NUMBERS).spread_left() is None


@pytest.mark.parametrize(
    ("function", "is_so"),
    [
        (lambda outputs, _: (outputs[:, 0].square() + outputs[:, 1]).mean(), True),
        (lambda outputs, _: (outputs[:, 0].square() - outputs[:, 1].exp()).mean(), True),
        (lambda outputs, _: -outputs.square().mean(), True),
        (lambda outputs, targets: (outputs - targets).square().mean() - 1e4, False),
        (lambda outputs, targets: ((outputs - targets).square() / outputs.exp() + outputs).mean(), False),
    ],
)
def test_a_loss_that_one_output_for_all_lowers_without_end_is_endless(function, is_so):
    criterion, seen = OwnLoss(function), FittedConstant()
    for targets in NUMBERS.split(32):
        outputs = nn.Linear(4, 2)(torch.randn(32, 4))
        seen.saw(criterion, (outputs, targets), {}, criterion(outputs, targets))
    assert seen.is_endless() is is_so
    if is_so:
        assert seen.constant() is None


def test_tuples_of_outputs_and_targets_have_no_constant_and_end_no_recording():
    model, x, y = nn.Linear(4, 2), torch.randn(32, 4), torch.randn(32, 1)
    both = OwnLoss(lambda out, t: nn.functional.mse_loss(out[0], t[0]) + nn.functional.l1_loss(out[1], t[1]))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Recording(model, optimizer, both) as recording:
        loss = both(model(x).split(1, dim=1), (y, y))
        loss.backward()
        recording.after_backward(loss)
        optimizer.step()
    assert len(recording.record.get("train_loss")) == 1
    assert recording.record.outcome.constant_loss is None
