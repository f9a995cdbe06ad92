"""A training on two processes is one record, equal to that of one process."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, distributed, multiprocessing, nn
from torch.nn.parallel import DistributedDataParallel

from gradclinic.diagnosis import diagnose
from gradclinic.measurements.record import RunRecord
from gradclinic_torch import Recording

from ..loops import leave, mlp, same, weights_of

try:
    from torch.distributed.fsdp import fully_shard
except ImportError:  # before torch 2.6
    from torch.distributed._composable.fsdp import fully_shard

STEPS = 30


def batches() -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(STEPS, 32, 64, generator=generator, dtype=torch.float64)
    return list(zip(inputs, torch.randint(10, (STEPS, 32), generator=generator), strict=True))


def model() -> nn.Sequential:
    return mlp(depth=4, act=nn.Tanh).double()


def fit(network: nn.Module, part: slice, *, record: bool = True, factor: float = 1.0) -> Recording | None:
    criterion, optimizer = nn.CrossEntropyLoss(), torch.optim.SGD(network.parameters(), lr=0.1)
    recording = Recording(network, optimizer, criterion, constant_loss=2.3) if record else None
    for inputs, targets in batches():
        optimizer.zero_grad()
        loss = factor * criterion(network(inputs[part]), targets[part])
        loss.backward()
        if recording is not None:
            recording.after_backward(loss)
        optimizer.step()
    if recording is not None:
        recording.finish()
    return recording


def _train(rank: int, folder: str, recorders: tuple[int, ...], factor: float) -> None:
    torch.set_num_threads(1)
    store = distributed.FileStore(f"{folder}/store", 2)
    distributed.init_process_group("gloo", store=store, rank=rank, world_size=2)
    network = DistributedDataParallel(model())
    part = slice(rank * 16, rank * 16 + 16)
    recording = fit(network, part, record=rank in recorders, factor=factor if rank else 1.0)
    found = recording.record if recording is not None and rank == 0 else None
    torch.save((found, weights_of(network.module)), f"{folder}/{rank}.pt")
    leave(store, rank)


def trained(folder: Path, *recorders: int, factor: float = 1.0) -> tuple[RunRecord, list[Tensor]]:
    """The record of rank 0, and its weights, of a training on two processes of which these record.

    factor: what the loss of rank 1 is multiplied by.
    """
    multiprocessing.spawn(_train, (str(folder), recorders, factor), nprocs=2)  # type: ignore[no-untyped-call]
    record, weights = torch.load(folder / "0.pt", weights_only=False)
    return record, weights


@pytest.mark.slow
def test_two_processes_are_one_record_equal_to_that_of_one_process(tmp_path: Path) -> None:
    record, _ = trained(tmp_path, 0, 1)
    alone = fit(model(), slice(None))
    assert alone is not None
    assert [site.name for site in record.sites] == [site.name for site in alone.record.sites]
    assert [weight.name for weight in record.weights] == [weight.name for weight in alone.record.weights]
    assert record.batch_size == alone.record.batch_size == 32
    assert record.outcome is not None
    assert record.series.keys() == alone.record.series.keys()
    for name, series in record.series.items():
        expected = alone.record.get(name)
        assert np.array_equal(series.steps, expected.steps), name
        if name != "activation_batch_std":  # of one process's samples
            assert series.values == pytest.approx(expected.values, rel=1e-6, abs=1e-9, nan_ok=True), name
    assert [each.rank for each in record.outcome.ranks] == [0, 1]
    assert all(1 / 1.5 < each.gradient < 1.5 for each in record.outcome.ranks)
    assert not any(finding.condition == "uneven_ranks" for finding in diagnose(record).findings)


@pytest.mark.slow
def test_a_process_whose_loss_is_of_another_scale_is_named(tmp_path: Path) -> None:
    record, _ = trained(tmp_path, 0, 1, factor=8.0)
    (finding,) = [each for each in diagnose(record).findings if each.condition == "uneven_ranks"]
    assert "gradients of process 1 are 8 times those of the other process" in finding.summary


@pytest.mark.slow
def test_a_recording_in_one_of_two_processes_waits_for_nobody_and_says_so(tmp_path: Path) -> None:
    record, weights = trained(tmp_path, 0)
    assert "1 of 2 processes record" in str(record.environment["notes"])
    _, plain = torch.load(tmp_path / "1.pt", weights_only=False)
    assert same(weights, plain)


def narrow() -> nn.Sequential:
    """A network whose layers have odd widths, one of them a single unit: one process holds nothing of that layer."""
    torch.manual_seed(0)
    widths = (64, 33, 1, 32)
    hidden = [layer for pair in pairwise(widths) for layer in (nn.Linear(*pair), nn.PReLU())]
    return nn.Sequential(*hidden, nn.Linear(32, 10)).double()


def _train_sharded(rank: int, folder: str, recorded: bool) -> None:
    torch.set_num_threads(1)
    store = distributed.FileStore(f"{folder}/{recorded}", 2)
    distributed.init_process_group("gloo", store=store, rank=rank, world_size=2)
    network = narrow()
    for layer in network:
        if isinstance(layer, nn.Linear):
            fully_shard(layer)
    fully_shard(network)
    recording = fit(network, slice(rank * 16, rank * 16 + 16), record=recorded)
    weights = [each.full_tensor().detach().clone() for each in network.parameters()]
    torch.save((recording.record if recording is not None and rank == 0 else None, weights), f"{folder}/{rank}.pt")
    leave(store, rank)


@pytest.mark.slow
def test_two_processes_with_parts_of_a_network_are_one_record_equal_to_that_of_one_process(tmp_path: Path) -> None:
    found = []
    for recorded in (True, False):
        multiprocessing.spawn(_train_sharded, (str(tmp_path), recorded), nprocs=2)  # type: ignore[no-untyped-call]
        found.append(torch.load(tmp_path / "0.pt", weights_only=False))
    (record, weights), (_, plain) = found
    assert same(weights, plain)
    alone = fit(narrow(), slice(None))
    assert alone is not None
    assert [site.name for site in record.sites] == [site.name for site in alone.record.sites]
    assert record.weights == alone.record.weights
    assert alone.record.series.keys() - record.series.keys() == {"grad_cosine"}
    for name, series in record.series.items():
        expected = alone.record.get(name)
        both = np.isin(series.steps, expected.steps)  # alone, norms are taken at some steps only
        assert np.array_equal(series.steps[both], expected.steps), name
        if name != "activation_batch_std":  # of one process's samples
            assert series.values[both] == pytest.approx(expected.values, rel=1e-6, abs=1e-9, nan_ok=True), name
    assert "11 parameters are sharded" in str(record.environment["notes"])
