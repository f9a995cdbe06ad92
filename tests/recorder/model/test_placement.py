"""Parameters whose numbers are complex, or not all in this process."""

from collections.abc import Iterator
from inspect import signature

import numpy as np
import pytest
import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import init_device_mesh

from gradclinic_torch import Recording
from gradclinic_torch.measure.recording_steps import NORMS_DENSE
from gradclinic_torch.model.placement import is_split, plain

from ..loops import digits, fit, recorded, same, weights_of

try:
    from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor
except ImportError:  # before torch 2.5
    from torch.distributed._tensor import DTensor, Replicate, Shard, distribute_tensor

SPLITS_ALONE = pytest.mark.skipif(
    "src_data_rank" not in signature(distribute_tensor).parameters,
    reason="torch splits a tensor without the other processes since 2.6",
)


class Spectral(nn.Module):
    """A layer that multiplies a spectrum by complex weights."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Linear(64, 16), nn.Linear(16, 10)
        self.spectrum = nn.Parameter(torch.randn(9, 9, dtype=torch.cfloat) / 3)

    def forward(self, x: Tensor) -> Tensor:
        mixed = torch.fft.irfft(torch.fft.rfft(torch.relu(self.first(x))) @ self.spectrum, n=16)
        found: Tensor = self.last(torch.relu(mixed))
        return found


class Rotated(nn.Module):
    """A layer of one's own whose only weight is complex."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(9, 9, dtype=torch.cfloat) / 3)

    def forward(self, x: Tensor) -> Tensor:
        return torch.fft.irfft(torch.fft.rfft(x) @ self.weight, n=16)


def test_a_complex_parameter_is_recorded_with_its_norm_and_changes_no_weight() -> None:
    batches = digits(steps=12)
    model, plain_model = Spectral(), Spectral()
    recording = recorded(model, batches)
    fit(plain_model, batches, record=False)
    assert recording.over is None
    assert same(weights_of(model), weights_of(plain_model))
    assert len(recording.record.get("train_loss")) == 12
    assert len(recording.record.get("grad_norm_l2")) == NORMS_DENSE


def test_statistics_of_complex_weights_are_those_of_their_real_and_imaginary_parts() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), Rotated(), nn.ReLU(), nn.Linear(16, 10))
    start = model[2].weight.detach().clone()
    record = recorded(model, digits(steps=12)).record
    column = [weight.name for weight in record.weights].index("2")
    assert record.get("weight_norm_l2").values[0, column] == pytest.approx(float(start.abs().square().sum() ** 0.5))
    assert (np.abs(record.get("grad_cosine").values) <= 1 + 1e-6).all()
    assert (record.get("update_to_weight_ratio").values[:, column] > 0).all()


@pytest.fixture
def two_processes() -> Iterator[None]:
    """The first of two processes, where the other only seems to be there."""
    distributed.init_process_group("fake", rank=0, world_size=2, store=distributed.HashStore())
    yield
    distributed.destroy_process_group()


@pytest.mark.usefixtures("two_processes")
def test_only_a_tensor_of_which_a_part_is_elsewhere_is_split() -> None:
    mesh = init_device_mesh("cpu", (2,))
    whole = torch.randn(4, 2)
    assert not is_split(whole)
    assert not is_split(DTensor.from_local(whole, mesh, [Replicate()], run_check=False))
    assert is_split(DTensor.from_local(whole, mesh, [Shard(0)], run_check=False))
    assert torch.equal(plain(DTensor.from_local(whole, mesh, [Replicate()], run_check=False)), whole)


class HalfElsewhere(nn.Module):
    """Computes with the part of a split parameter that is here, as after the parts were gathered."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Linear(64, 16), nn.Linear(16, 10)
        mesh = init_device_mesh("cpu", (2,))
        self.shift = nn.Parameter(distribute_tensor(torch.zeros(32), mesh, [Shard(0)], src_data_rank=None))

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.last(torch.relu(self.first(x) + self.shift.to_local()))
        return found


@SPLITS_ALONE
@pytest.mark.usefixtures("two_processes")
def test_if_the_process_with_the_other_part_of_a_parameter_does_not_record_no_norm_is_known() -> None:
    batches = digits(steps=6)
    model, plain_model = HalfElsewhere(), HalfElsewhere()
    groups = [{"params": [*model.first.parameters(), *model.last.parameters()]}, {"params": [model.shift]}]
    recording = recorded(model, batches, optimizer=torch.optim.SGD(groups, lr=0.1, foreach=False))
    fit(plain_model, batches, record=False, optimizer=torch.optim.SGD(plain_model.parameters(), 0.1, foreach=False))
    assert recording.over is None
    record = recording.record
    notes = record.environment["notes"]
    assert "1 parameter is sharded over several processes" in notes[0]
    assert "1 of 2 processes record" in notes[-1]
    assert not {"grad_norm_l2", "weight_grad_norm_l2"} & record.series.keys()  # the norm of a part would be too small
    assert len(record.get("site_grad_rms")) == 6
    assert torch.equal(model.first.weight, plain_model.first.weight)
    assert torch.equal(model.shift.to_local(), plain_model.shift.to_local())


@SPLITS_ALONE
@pytest.mark.usefixtures("two_processes")
def test_a_probe_of_a_model_that_is_split_is_refused() -> None:
    model = HalfElsewhere()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ValueError, match="sharded over several"):
        Recording(model, optimizer, nn.CrossEntropyLoss(), probe=digits(steps=1)[0])
