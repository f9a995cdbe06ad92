"""A recording changes nothing of a training: weights, buffers, random state and hooks are as they were."""

import copy
import pickle
import random
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from gradclinic_torch import Recording

from .loops import digits, fit, mlp, probe, recorded, same, weights_of


class Everything(nn.Module):
    """Dropout, batch norm, in-place functions, a layer that is used twice, a skip connection, randomness of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.again, self.last = nn.Linear(64, 24), nn.Linear(24, 24), nn.Linear(24, 10)
        self.norm, self.drop = nn.BatchNorm1d(24), nn.Dropout(0.2)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = self.relu(self.norm(self.first(inputs)))
        hidden = hidden + functional.gelu(self.again(hidden)) * (1 + random.random() / 100)
        hidden = self.drop(functional.relu_(self.again(hidden)))
        found: Tensor = self.last(hidden + np.random.rand() / 100)
        return found


class Checkpointed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.last = mlp(depth=2), nn.Linear(10, 10)

    def forward(self, inputs: Tensor) -> Tensor:
        found: Tensor = self.last(checkpoint(self.body, inputs, use_reentrant=False))
        return found


class Recurrent(nn.Module):
    def __init__(self, cell: type[nn.Module] | None) -> None:
        super().__init__()
        self.cell = cell(8, 12) if cell is not None else None
        self.fused, self.last = nn.LSTM(8, 12, batch_first=True), nn.Linear(12, 10)

    def forward(self, inputs: Tensor) -> Tensor:
        steps = inputs.reshape(len(inputs), 8, 8)
        if self.cell is None:
            return self.last(self.fused(steps)[0][:, -1])
        state = None
        for t in range(8):
            state = self.cell(steps[:, t], state)
        return self.last(state[0] if isinstance(state, tuple) else state)


MODELS: dict[str, Callable[[], nn.Module]] = {
    "mlp": lambda: mlp(depth=3),
    "everything": Everything,
    "checkpointed": Checkpointed,
    "lstm": lambda: Recurrent(None),
    "lstm cell": lambda: Recurrent(nn.LSTMCell),
    "rnn cell": lambda: Recurrent(nn.RNNCell),
    "transformer": lambda: nn.Sequential(
        nn.Unflatten(1, (8, 8)), nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), nn.Flatten(), nn.Linear(64, 10)
    ),
}


def trained(make: Callable[[], nn.Module], *, record: bool, **options: object) -> tuple[list[Tensor], list[object]]:
    """Weights and buffers after 25 steps, and what every source of randomness would give next."""
    torch.manual_seed(3)
    random.seed(3)
    np.random.seed(3)
    model = make()
    recording = fit(model, digits(steps=25), record=record, **options)
    assert recording is None or recording.over is None
    return weights_of(model), [torch.rand(1).item(), random.random(), float(np.random.rand())]


@cache
def unrecorded(name: str) -> tuple[list[Tensor], list[object]]:
    """A model trained without a recording, once for all tests."""
    return trained(MODELS[name], record=False)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("probed", [False, True])
def test_weights_and_randomness_are_equal_to_the_bit_with_a_recording_and_without(name: str, probed: bool) -> None:
    options = {"probe": probe()} if probed else {}
    without, drawn = unrecorded(name)
    recorded_weights, then = trained(MODELS[name], record=True, **options)
    assert same(without, recorded_weights)
    assert drawn == then


def test_every_hook_is_gone_at_the_end() -> None:
    model, criterion = mlp(depth=2), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    recorded(model, digits(steps=3), optimizer=optimizer)
    hooks = [vars(module)[kind] for module in [*model.modules(), criterion] for kind in vars(module) if "hooks" in kind]
    assert not any(hooks)
    assert not optimizer._optimizer_step_pre_hooks
    assert not optimizer._optimizer_step_post_hooks


def test_a_model_that_is_saved_or_copied_while_it_is_recorded_takes_nothing_of_the_recorder_along() -> None:
    model, criterion = nn.Sequential(nn.Linear(64, 8), nn.BatchNorm1d(8), nn.Linear(8, 10)), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    recording = Recording(model, optimizer, criterion)
    for number, (inputs, targets) in enumerate(digits(steps=4)):
        copied, saved = copy.deepcopy(model), pickle.dumps((model, criterion, optimizer))
        assert b"gradclinic" not in saved
        loaded = pickle.loads(saved)[0]  # written above
        for other in (copied, loaded):
            other(inputs).sum().backward()
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        assert torch.equal(loss, criterion(copy.deepcopy(model)(inputs), targets))
        loss.backward()
        recording.after_backward(loss)
        optimizer.step()
        assert recording.step == number + 1
    recording.finish()
    assert recording.over is None
    assert recording.record.batch_size == 64


def test_validation_passes_are_not_recorded() -> None:
    model, batches = mlp(depth=3), digits(steps=20)
    plain = recorded(model, batches).record
    model = mlp(depth=3)
    optimizer, criterion = torch.optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss()
    with Recording(model, optimizer, criterion) as recording:
        for inputs, targets in batches:
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            model.eval()
            model(inputs)
            model.train()
            with torch.no_grad():
                criterion(model(inputs), targets)
            recording.after_backward(loss)
            optimizer.step()
    assert recording.over is None
    for name, series in plain.series.items():
        np.testing.assert_array_equal(recording.record.get(name).values, series.values, err_msg=name)
