"""The outputs and the targets of a loss."""

import torch
from torch import nn

from gradclinic_torch import Recording
from gradclinic_torch.preflight.loss_arguments import outputs_and_targets

from ..loops import digits, mlp

MADE, GIVEN = torch.zeros(2, 3, requires_grad=True) * 2, torch.ones(2, 3)


def test_a_loss_that_is_the_same_either_way_may_take_its_targets_first() -> None:
    assert outputs_and_targets(nn.MSELoss(), (MADE, GIVEN)) == (MADE, GIVEN)
    assert outputs_and_targets(nn.MSELoss(), (GIVEN, MADE)) == (MADE, GIVEN)
    assert outputs_and_targets(nn.CrossEntropyLoss(), (GIVEN, MADE)) == (GIVEN, None)
    assert outputs_and_targets(nn.TripletMarginLoss(), (MADE, MADE, MADE)) == (MADE, None)


def test_what_a_network_computes_is_not_judged_as_targets() -> None:
    model, criterion = mlp(depth=2, act=nn.ReLU), nn.TripletMarginLoss()
    with torch.no_grad():
        model[-1].weight *= 1e4  # outputs that would be targets of a wrong scale
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-9)
    with Recording(model, optimizer, criterion) as recording:
        for inputs, _ in digits(steps=25):
            optimizer.zero_grad()
            loss = criterion(model(inputs), model(inputs + 0.1), model(inputs.flip(0)))
            loss.backward()
            recording.after_backward(loss)
            optimizer.step()
    assert recording.record.preflight.targets is None
    assert "unscaled_targets" not in {finding.condition for finding in recording.diagnosis().findings}
