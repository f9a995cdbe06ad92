"""Steps whose loss stood out, and the rows of the batch that carried it."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gradclinic.measurements.spike import Spike
from gradclinic_torch import Recording
from gradclinic_torch.attach.spikes import carriers
from tests.recorder.loops import same, weights_of

BROKEN_STEP, BROKEN_ROWS = 60, (3, 11)


class OwnLoss(nn.Module):
    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return cross_entropy(outputs, targets).clone()


class ContrastiveLoss(nn.Module):
    """No mean over rows: each row's term depends on the others."""

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return cross_entropy(outputs - outputs.mean(dim=0), targets)


def trained(
    criterion: nn.Module, *, record: bool = True, passes: int = 1, in_place: bool = False, seed: int = 0
) -> tuple[nn.Module, list[Spike]]:
    """A linear model of 16 samples a step, two of which have inputs a hundred times too large in one step."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
    truth = torch.randn(8, 4)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    recording = Recording(model, optimizer, criterion) if record else None
    for step in range(80):
        inputs = torch.randn(16, 8)
        targets = (inputs @ truth).argmax(dim=1)
        if step == BROKEN_STEP:
            targets[list(BROKEN_ROWS)] = (targets[list(BROKEN_ROWS)] + 2) % 4
            inputs[list(BROKEN_ROWS)] *= 100.0
        optimizer.zero_grad()
        for rows in torch.arange(16).chunk(passes):
            outputs = model(inputs[rows])
            loss = criterion(outputs, targets[rows]) / passes
            loss.backward()
            if in_place:
                outputs.detach().zero_()
            if recording is not None:
                recording.after_backward(loss)
        optimizer.step()
    if recording is None:
        return model, []
    recording.finish()
    assert recording.over is None
    outcome = recording.record.outcome
    assert outcome is not None
    return model, list(outcome.spikes)


@pytest.mark.parametrize("criterion", [nn.CrossEntropyLoss(), nn.CrossEntropyLoss(reduction="sum"), OwnLoss()])
def test_the_rows_that_carried_a_spike_are_kept_with_the_step(criterion: nn.Module) -> None:
    model, (spike,) = trained(criterion)
    assert (spike.step, spike.batch_rows) == (BROKEN_STEP, 16)
    assert set(spike.rows) <= set(BROKEN_ROWS)
    assert spike.rows
    assert spike.carried is not None
    assert spike.carried >= 0.5
    assert spike.loss > 2 * spike.usual
    assert same(weights_of(model), weights_of(trained(criterion, record=False)[0]))


def test_the_rows_of_accumulated_passes_are_numbered_through() -> None:
    _, (spike,) = trained(nn.CrossEntropyLoss(), passes=2)
    assert (spike.step, spike.batch_rows) == (BROKEN_STEP, 16)
    assert set(spike.rows) <= set(BROKEN_ROWS)
    assert spike.rows


@pytest.mark.parametrize(("criterion", "in_place"), [(ContrastiveLoss(), False), (nn.CrossEntropyLoss(), True)])
def test_a_spike_is_known_without_its_rows_where_they_cannot_be_had(criterion: nn.Module, in_place: bool) -> None:
    """A loss that is no mean over rows; outputs that the program has overwritten."""
    _, spikes = trained(criterion, in_place=in_place)
    assert [spike.step for spike in spikes] == [BROKEN_STEP]
    assert spikes[0].rows == ()
    assert spikes[0].carried is None


def test_carriers_are_the_fewest_rows_with_half_of_the_excess() -> None:
    assert carriers(torch.tensor([1.0, 1.0, 5.0, 1.0, 11.0])) == ([4], pytest.approx(10 / 14))
    assert carriers(torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])) == ([4], pytest.approx(2 / 3))
    assert carriers(torch.ones(4)) == ([], 0.0)
