"""Where the first number that is not finite came from, injected at a known place."""

from contextlib import nullcontext

import pytest
import torch
from torch import nn

from gradclinic_torch import Recording
from gradclinic_torch.measure.recording_steps import NORMS_DENSE

INPUTS = torch.randn(64, 6, generator=torch.Generator().manual_seed(0))
CLASSES = (INPUTS[:, 0] > 0).long()
AT = 4


class Switch(nn.Module):
    """Passes its input on, until it is told to compute something else."""

    def __init__(self) -> None:
        super().__init__()
        self.does = lambda x: x

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.does(x)


class Loss(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.does = nn.functional.cross_entropy

    def forward(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return self.does(outputs, targets)


def origin(*, break_inputs: bool = False, layer=None, loss=None, at=AT):
    """What a recording found of a loop in which something breaks, at step 4 of 8 unless told otherwise."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), Switch(), nn.Tanh(), nn.Linear(8, 2))
    criterion = Loss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with Recording(model, optimizer, criterion) as recording:
        for step in range(at + 4):
            inputs = INPUTS.clone()
            if step == at:
                if break_inputs:
                    inputs[5, 2] = float("nan")
                model[1].does = layer or model[1].does
                criterion.does = loss or criterion.does
            optimizer.zero_grad()
            value = criterion(model(inputs), CLASSES)
            value.backward()
            recording.after_backward(value)
            optimizer.step()
    return recording.record.outcome.nonfinite_origin


class NanBackward(torch.autograd.Function):
    @staticmethod
    def forward(_, x):
        return x.clone()

    @staticmethod
    def backward(_, gradient):
        return gradient * float("nan")


def root_of_zero(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    distance = outputs.softmax(1) - nn.functional.one_hot(targets, 2)
    distance = torch.cat([distance[:1] * 0, distance[1:]])
    return distance.square().sum(1).sqrt().mean()


def log_of_zero(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return -(outputs.softmax(1)[torch.arange(len(targets)), targets] * 0).log().mean()


def test_a_nan_in_the_inputs_is_told_with_its_row():
    found = origin(break_inputs=True)
    assert (found.where, found.rows, found.step) == ("inputs", (5,), AT)


def test_the_module_whose_forward_made_it_is_named():
    found = origin(layer=lambda x: torch.log(x - 100.0))
    assert (found.where, found.module, found.step) == ("forward", "1", AT)


def test_a_log_of_zero_stands_in_the_loss():
    assert (origin(loss=log_of_zero).where, origin(loss=log_of_zero).step) == ("loss", AT)


def test_a_root_at_zero_stands_in_the_backward_of_the_loss():
    found = origin(loss=root_of_zero)
    assert (found.where, found.rows) == ("loss_backward", (0,))


def test_a_backward_that_breaks_within_the_network_is_told_with_its_operation_and_module():
    found = origin(layer=NanBackward.apply)
    assert (found.where, found.operation, found.module) == ("backward", "NanBackward", "1")


def test_a_gradient_that_breaks_in_a_step_whose_norms_are_not_taken_is_seen_all_the_same():
    at = NORMS_DENSE + 1
    found = origin(layer=NanBackward.apply, at=at)
    assert (found.where, found.module, found.step) == ("backward", "1", at)


def test_nothing_is_found_where_nothing_breaks():
    assert origin() is None


@pytest.mark.parametrize("error", [RuntimeError("gone"), ValueError("odd")])
def test_an_error_of_the_search_ends_nothing(monkeypatch, error):
    def fails(*_, **__):
        raise error

    monkeypatch.setattr("gradclinic_torch.non_finite.origin.LastBatch.origin", fails)
    assert origin(break_inputs=True) is None


def test_the_search_leaves_weights_buffers_and_random_numbers_as_they_were():
    model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2))
    from gradclinic_torch.non_finite.origin import LastBatch

    last = LastBatch(model, torch.optim.SGD(model.parameters(), lr=0.1))
    last.before_forward(INPUTS, (INPUTS,), {})
    outputs = model(INPUTS)
    last.after_forward(outputs * float("inf"))
    last.after_backward(torch.tensor(float("inf")))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.random.get_rng_state()
    assert last.origin(step=0).where == "forward"
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert torch.equal(state, torch.random.get_rng_state())


def test_the_step_is_replayed_with_the_random_numbers_that_it_had():
    zeroed = []

    def ratio(x):
        kept = nn.functional.dropout(torch.ones(64, 1), 0.3)
        zeroed.append(tuple((kept[:, 0] == 0).nonzero()[:, 0].tolist()))
        return x / kept

    found = origin(layer=ratio)
    assert (found.operation, found.rows) == ("div", zeroed[0])
    assert zeroed[0] == zeroed[1] != ()  # the step, and its replay


def test_the_replay_changes_no_gradient_and_no_random_number():
    def ended(*, recorded: bool):
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(6, 8), Switch(), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 2))
        model[1].does = NanBackward.apply
        criterion = nn.CrossEntropyLoss()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with Recording(model, optimizer, criterion) if recorded else nullcontext() as recording:
            value = criterion(model(INPUTS), CLASSES)
            value.backward()
            if recorded:
                recording.after_backward(value)
            optimizer.step()
        return model[4].weight.detach(), model[0].weight.grad, torch.rand(1)

    for recorded, alone in zip(ended(recorded=True), ended(recorded=False), strict=True):
        torch.testing.assert_close(recorded, alone, rtol=0, atol=0, equal_nan=True)


def test_a_loss_that_is_not_the_criterion_is_seen_as_well():
    model, criterion = nn.Sequential(nn.Linear(6, 2)), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with Recording(model, optimizer, criterion) as recording:
        for step in range(4):
            optimizer.zero_grad()
            outputs = model(INPUTS)
            value = root_of_zero(outputs, CLASSES) if step == 2 else criterion(outputs, CLASSES)
            value.backward()
            recording.after_backward(value)
            optimizer.step()
    assert recording.record.outcome.nonfinite_origin.where == "loss_backward"


@pytest.mark.parametrize(
    ("weight", "made"),
    [
        (lambda targets: (targets.float() - 0.5).log(), "nan"),
        (lambda targets: 1 / targets.float(), "infinity"),
    ],
)
def test_what_the_loss_makes_of_targets_alone_is_told_from_what_it_makes_of_outputs(weight, made):
    def loss(outputs, targets):
        return (weight(targets) * nn.functional.cross_entropy(outputs, targets, reduction="none")).mean()

    found = origin(loss=loss)
    assert (found.where, found.step, found.of_targets) == ("loss", AT, made)
    assert origin(loss=log_of_zero).of_targets is None


def test_what_the_loss_is_not_defined_for_is_told_from_an_infinity_of_outputs():
    assert origin(loss=lambda outputs, _: (outputs - 9).log().mean()).of_outputs_undefined
    assert not origin(loss=log_of_zero).of_outputs_undefined


def test_statistics_that_the_broken_step_wrote_are_not_its_cause():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), Switch(), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
    criterion, optimizer = nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.01)
    with Recording(model, optimizer, criterion) as recording:
        for step in range(8):
            if step == AT:
                model[1].does = lambda x: x / x.sub(x[:, :1]).mul(0)
            optimizer.zero_grad()
            value = criterion(model(INPUTS), CLASSES)
            value.backward()
            recording.after_backward(value)
            optimizer.step()
    found = recording.record.outcome.nonfinite_origin
    assert (found.step, found.where, found.module, found.operation) == (AT, "forward", "1", "div")
