"""What comes back to the value of a loss, and whose loss it is."""

import pytest
import torch
from torch import nn

from gradclinic_torch import Recording
from gradclinic_torch.preflight.loss_gradient import LossGradient

from ..loops import digits, mlp, recorded, same, weights_of


def made(count: int) -> tuple[LossGradient, list[torch.Tensor]]:
    seen, weight = LossGradient(), torch.ones(1, requires_grad=True)
    values = [(weight * (index + 1)).sum() for index in range(count)]
    for value in values:
        seen.saw(value)
    return seen, values


def test_a_loss_that_is_divided_before_its_backward_gets_that_much_less_back() -> None:
    seen, (value,) = made(1)
    (value / 4).backward()
    assert seen.of(value) == pytest.approx(0.25)
    assert seen.of(value / 4) is None


def test_a_sum_of_values_is_one_loss_and_a_value_that_went_back_alone_is_another() -> None:
    seen, (first, second, third) = made(3)
    both = first + second
    both.backward()
    assert not seen.serves_others(both)
    third.backward()
    again = (torch.ones(1, requires_grad=True) * 2).sum()
    assert seen.serves_others(again)
    assert not seen.serves_others(again)  # it was told once


def test_a_value_that_nothing_came_back_to_is_nobody_s_loss() -> None:
    seen, (first, _) = made(2)
    first.backward()
    assert not seen.serves_others(first)


def test_a_backward_that_was_not_told_before_a_step_belongs_to_that_step() -> None:
    seen, (first, second) = made(2)
    first.backward()
    seen.step_done()
    second.backward()
    assert not seen.serves_others(second)


def adversarial(*, record: bool) -> tuple[list[torch.Tensor], list[Recording]]:
    """A generator and a discriminator that share one loss module."""
    torch.manual_seed(0)
    generator, discriminator = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2)), nn.Linear(2, 1)
    criterion = nn.BCEWithLogitsLoss()
    models = (generator, discriminator)
    optimizers = [torch.optim.SGD(model.parameters(), lr=0.1) for model in models]
    pairs = zip(models, optimizers, strict=True)
    recordings = [Recording(model, optimizer, criterion) for model, optimizer in pairs if record]
    for _ in range(5):
        fake, real = generator(torch.randn(16, 4)), torch.randn(16, 2)
        optimizers[1].zero_grad()
        loss = criterion(discriminator(real), torch.ones(16, 1))
        loss = loss + criterion(discriminator(fake.detach()), torch.zeros(16, 1))
        loss.backward()
        if record:
            recordings[1].after_backward(loss)
        optimizers[1].step()
        optimizers[0].zero_grad()
        loss = criterion(discriminator(fake), torch.ones(16, 1))
        loss.backward()
        if record:
            recordings[0].after_backward(loss)
        optimizers[0].step()
    for recording in recordings:
        recording.finish()
    return [*weights_of(generator), *weights_of(discriminator)], recordings


def test_of_a_loss_module_that_serves_two_trainings_no_constant_is_counted() -> None:
    weights, recordings = adversarial(record=True)
    for recording in recordings:
        assert recording.over is None
        assert recording.record.outcome is not None
        assert recording.record.outcome.constant_loss is None
    assert same(weights, adversarial(record=False)[0])


def test_of_a_loss_module_with_one_training_the_constant_is_counted() -> None:
    outcome = recorded(mlp(depth=1), digits(steps=10)).record.outcome
    assert outcome is not None
    assert outcome.constant_loss is not None


def test_inner_steps_whose_gradients_are_part_of_the_loss_serve_no_other_training() -> None:
    torch.manual_seed(0)
    model, criterion = nn.Linear(8, 1), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with Recording(model, optimizer, criterion) as recording:
        for _ in range(10):
            inputs, weights = torch.randn(32, 8), dict(model.named_parameters())
            targets = inputs[:, :1]
            inner = criterion(model(inputs), targets)
            gradients = torch.autograd.grad(inner, list(weights.values()), create_graph=True)
            fast = {name: each - 0.1 * step for (name, each), step in zip(weights.items(), gradients, strict=True)}
            loss = criterion(torch.func.functional_call(model, fast, (inputs,)), targets)
            optimizer.zero_grad()
            loss.backward()
            recording.after_backward(loss)
            optimizer.step()
    assert recording.record.outcome is not None
    assert recording.record.outcome.constant_loss == pytest.approx(1.0, abs=0.2)
