"""Samples that a model mixes are told from samples that it keeps apart, by models whose answer is known."""

import copy
import random

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gradclinic.measurements.preflight import MixingFacts
from gradclinic_torch import Recording
from gradclinic_torch.preflight.sample_mixing import SampleMixing

SEQUENCES = torch.randn(16, 6, 5, generator=torch.Generator().manual_seed(0))
POINTS = torch.randn(16, 5, generator=torch.Generator().manual_seed(1))
ANSWERS = torch.randn(16, 2, generator=torch.Generator().manual_seed(2))


def mixing(model: nn.Module, *inputs: Tensor, targets: Tensor = ANSWERS) -> MixingFacts | None:
    seen = SampleMixing(model)
    seen.before_forward(inputs, {})
    seen.after_loss(model(*inputs), targets)
    return seen.facts()


class Does(nn.Module):
    """Parts, and a function of them and the inputs."""

    def __init__(self, function, *parts: nn.Module) -> None:
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(parts)

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(*inputs, *self.parts)


def last(states):
    return states[0][:, -1]


APART = {
    "layers": (nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 2)), POINTS),
    "a batch norm": (nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2)), POINTS),
    "dropout": (nn.Sequential(nn.Linear(5, 8), nn.Dropout(0.5), nn.Linear(8, 2)), POINTS),
    "a recurrent layer": (
        Does(lambda x, cell, head: head(last(cell(x))), nn.LSTM(5, 7, batch_first=True), nn.Linear(7, 2)),
        SEQUENCES,
    ),
    "attention": (
        Does(
            lambda x, layer, head: head(layer(x).mean(1)),
            nn.TransformerEncoderLayer(5, 1, 8, batch_first=True),
            nn.Linear(5, 2),
        ),
        SEQUENCES,
    ),
    "word vectors": (
        Does(lambda x, words, head: head(words(x).mean(1)), nn.Embedding(9, 4), nn.Linear(4, 2)),
        torch.randint(9, (16, 6)),
    ),
}
MIXED = {
    "a recurrent layer without batch_first": (
        Does(lambda x, cell, head: head(last(cell(x))), nn.LSTM(5, 7), nn.Linear(7, 2)),
        SEQUENCES,
    ),
    "attention over the batch": (
        Does(
            lambda x, layer, head: head(layer(x).mean(1)),
            nn.TransformerEncoderLayer(5, 1, 8),
            nn.Linear(5, 2),
        ),
        SEQUENCES,
    ),
    "axes exchanged by a view": (
        Does(
            lambda x, cell, head: head(cell(x.view(6, -1, 5))[0][-1]),
            nn.GRU(5, 7),
            nn.Linear(7, 2),
        ),
        SEQUENCES,
    ),
}


@pytest.mark.parametrize("name", APART)
def test_samples_that_are_kept_apart_do_not_influence_each_other(name):
    found = mixing(*APART[name])
    assert found is not None
    assert found.influence == 0.0


@pytest.mark.parametrize("name", MIXED)
def test_samples_that_are_mixed_influence_each_other(name):
    found = mixing(*MIXED[name])
    assert found is not None
    assert found.influence > 0.01
    assert found.has_axes


def test_a_batch_that_is_read_as_time_changes_later_samples_only():
    assert mixing(*MIXED["a recurrent layer without batch_first"]).later_only
    assert not mixing(*MIXED["attention over the batch"]).later_only


@pytest.mark.parametrize("rows", [slice(0, 1), slice(-1, None)])
def test_one_sample_that_is_taken_for_all_is_seen_where_it_stands_at_an_end(rows):
    found = mixing(Does(lambda x, layer: layer(x * x[rows]), nn.Linear(5, 2)), POINTS)
    assert (found.of_ends, found.later_only) == (True, False)
    assert found.influence > 0.1


def test_a_softmax_over_the_batch_is_told():
    found = mixing(nn.Sequential(nn.Linear(5, 2), nn.Softmax(0)), POINTS)
    assert (found.over_samples, found.influence > 0) == (True, True)
    assert mixing(nn.Sequential(nn.Linear(5, 2), nn.Softmax(1)), POINTS).influence == 0.0


def test_where_time_may_come_first_in_inputs_and_outputs_nothing_is_said():
    words = nn.Sequential(
        nn.Embedding(9, 4), Does(lambda x, cell, head: head(cell(x)[0]), nn.GRU(4, 5), nn.Linear(5, 9))
    )
    found = mixing(words, torch.randint(9, (16, 6)), targets=torch.randint(9, (16, 6)))
    assert found.influence == 0.0


class Turning(nn.Module):
    """A model with a state that every call changes."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.hidden = nn.Linear(5, 2), 0.0

    def forward(self, inputs):
        outputs = self.layer(inputs) + self.hidden
        self.hidden = outputs.mean()
        return outputs


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (Turning(), (POINTS,)),
        (Does(lambda x, graph, head: head(graph @ x), nn.Linear(5, 2)), (POINTS, torch.eye(16))),
        (nn.Sequential(nn.Linear(5, 2), nn.BatchNorm1d(2, track_running_stats=False)), (POINTS,)),
    ],
    ids=["with a state", "over all nodes of a graph", "with a norm over each batch"],
)
def test_models_that_cannot_be_asked_are_left_alone(model, inputs):
    if len(inputs) > 1:
        model.function = lambda x, graph, head: head(graph[: len(x), :16] @ x)
    assert mixing(model, *inputs) is None


def test_a_model_is_not_called_nor_changed_and_no_generator_advances():
    def noisy(x, norm, head):
        return head(norm(x)) + torch.rand(()) + random.random() + np.random.rand()

    model, calls = Does(noisy, nn.BatchNorm1d(5), nn.Linear(5, 2)), []
    model.register_forward_hook(lambda *_: calls.append(1))
    seen = SampleMixing(model)
    seen.before_forward((POINTS,), {})
    seen.after_loss(model(POINTS), ANSWERS)
    before, weights = (torch.get_rng_state(), random.getstate()), copy.deepcopy(model.state_dict())
    of_numpy = np.random.get_state()[1].tolist()
    assert seen.facts().influence == 0.0
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (random.getstate(), np.random.get_state()[1].tolist()) == (before[1], of_numpy)
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
    assert (len(calls), model.training) == (1, True)


def test_a_recorded_training_whose_samples_are_mixed_is_told_so():
    torch.manual_seed(0)
    signals = torch.randn(512, 6, 5)
    targets = signals[:, :, 0].sum(1, keepdim=True)

    def primary(*, batch_first: bool) -> str:
        model = Does(
            lambda x, cell, head: head(last(cell(x))), nn.LSTM(5, 16, batch_first=batch_first), nn.Linear(16, 1)
        )
        optimizer, criterion = torch.optim.Adam(model.parameters(), lr=1e-2), nn.MSELoss()
        with Recording(model, optimizer, criterion) as recording:
            for _ in range(300):
                rows = torch.randint(512, (32,))
                optimizer.zero_grad()
                loss = criterion(model(signals[rows]), targets[rows])
                loss.backward()
                recording.after_backward(loss)
                optimizer.step()
        return recording.diagnosis().primary

    assert primary(batch_first=True) == "healthy"
    assert primary(batch_first=False) == "mixed_samples"


def test_outputs_that_sum_to_one_over_the_batch_are_told_where_the_model_takes_numbers_of_rows():
    def looked_up(numbers, layer):
        return layer(torch.arange(48.0).reshape(16, 3)).softmax(0)[numbers[:, 0]]

    found = mixing(Does(looked_up, nn.Linear(3, 2)), torch.arange(16)[:, None])
    assert (found.over_samples, found.influence) == (True, 1.0)
