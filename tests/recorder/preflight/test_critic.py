"""A loss that judges a network's output through another network."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from gradclinic_torch import Recording
from gradclinic_torch.preflight.critic import Critic

from ..loops import same, weights_of


def is_judged(output: object, judged: Tensor, *trained: nn.Module) -> bool:
    critic = Critic(each for module in trained for each in module.parameters())
    critic.after_forward(output)
    critic.after_loss(judged)
    return critic.seen


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize(
    "other", [lambda: nn.Linear(4, 1), lambda: nn.Sequential(nn.Linear(4, 3, bias=False), nn.ELU())]
)
def test_a_discriminator_judges_a_generator(frozen: bool, other: Callable[[], nn.Module]) -> None:
    generator, discriminator = nn.Linear(3, 4), other().requires_grad_(not frozen)
    made = generator(torch.randn(2, 3))
    assert is_judged(made, discriminator(torch.tanh(made)), generator)


def test_a_head_that_is_trained_as_well_is_a_part_of_the_model() -> None:
    body, head = nn.Linear(3, 4), nn.Linear(4, 2)
    made = body(torch.randn(2, 3))
    assert not is_judged(made, head(made), body, head)


def test_outputs_that_are_only_changed_or_multiplied_by_each_other_are_the_model_s_own() -> None:
    model = nn.Linear(3, 4)
    first, second = model(torch.randn(2, 3)), model(torch.randn(2, 3))
    assert not is_judged(first, first, model)
    assert not is_judged(first, first.reshape(-1).sigmoid() * 2, model)
    assert not is_judged((first, second), first @ second.T, model)
    assert not is_judged({"features": first, "scores": second}, second, model)


def test_another_output_than_the_one_that_is_judged_says_nothing() -> None:
    model, other = nn.Linear(3, 4), nn.Linear(3, 4)
    made = model(torch.randn(2, 3))
    assert not is_judged(made, other(torch.randn(2, 3)), model)


def test_a_generator_s_targets_are_not_its_labels() -> None:
    def trained(*, record: bool) -> tuple[list[Tensor], Recording | None]:
        torch.manual_seed(0)
        generator, discriminator = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2)), nn.Linear(2, 1)
        criterion, optimizer = nn.BCEWithLogitsLoss(), torch.optim.Adam(generator.parameters())
        recording = Recording(generator, optimizer, criterion) if record else None
        for _ in range(40):
            optimizer.zero_grad()
            loss = criterion(discriminator(generator(torch.randn(32, 8))), torch.ones(32, 1))
            loss.backward()
            if recording is not None:
                recording.after_backward(loss)
            optimizer.step()
        if recording is not None:
            recording.finish()
        return weights_of(generator), recording

    weights, recording = trained(record=True)
    assert recording is not None
    assert same(weights, trained(record=False)[0])
    assert recording.record.outcome is not None
    assert recording.record.outcome.constant_loss is None
    assert recording.diagnosis().primary == "insufficient_evidence"
