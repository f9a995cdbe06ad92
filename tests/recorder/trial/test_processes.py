"""A study that several processes train together is one study, with the losses of one process."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, distributed, multiprocessing, nn
from torch.nn.parallel import DistributedDataParallel

from gradclinic import Clinic
from gradclinic.kernel.errors import InvalidRequest, RemedyDoesNotApply
from gradclinic.settings import Settings
from gradclinic_torch import prescribe, study
from gradclinic_torch.trial.processes import Processes

from ...service.api.serving import NOBODY, serving
from ..loops import digits, leave

STEPS = 15
ARMS = {"lower": ["lower_learning_rate"], "norm": ["add_batch_norm"]}


@pytest.fixture
def clinic(sqlite_url: str, tmp_path: Path) -> Iterator[Clinic]:
    settings = Settings(data_dir=tmp_path, database_url=sqlite_url, broker_url=NOBODY)
    with serving(settings) as api, Clinic(str(api.base_url)) as client:
        yield client


def build() -> tuple[nn.Module, torch.optim.Optimizer, nn.Module]:
    model = nn.Sequential(nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 10)).double()
    return model, torch.optim.SGD(model.parameters(), lr=0.5), nn.CrossEntropyLoss()


def halves(rank: int, size: int) -> Any:
    def of_seed(seed: int) -> list[tuple[Tensor, Tensor]]:
        part = slice(rank * 32 // size, (rank + 1) * 32 // size)
        batches = digits(steps=STEPS, batch_size=32, seed=seed)
        return [(inputs[part].double(), targets[part]) for inputs, targets in batches]

    return of_seed


def _train(rank: int, folder: str, url: str) -> None:
    torch.set_num_threads(1)
    store = distributed.FileStore(f"{folder}/store", 2)
    distributed.init_process_group("gloo", store=store, rank=rank, world_size=2)
    said: list[str] = []
    with Clinic(url) as clinic:
        for wrong in ({"none": ["raise_precision"]}, {"lower": ["lower_learning_rate"]}):
            wrapped = (lambda: (DistributedDataParallel(build()[0]), *build()[1:])) if "lower" in wrong else build
            try:
                study(clinic, wrapped, halves(rank, 2), wrong, seeds=[0], progress=False)
            except (InvalidRequest, RemedyDoesNotApply) as error:
                said.append(str(error))
        try:
            prescribe(clinic, build, halves(rank, 2), seeds=[0])
        except InvalidRequest as error:
            said.append(str(error))
        validation = halves(0, 1)(9) if rank == 0 else None
        found = study(clinic, build, halves(rank, 2), ARMS, seeds=[0, 1], validation=validation, key="mine")
        again = study(clinic, build, halves(rank, 2), ARMS, seeds=[0, 1], key="mine")
    torch.save((found.id, again.id, said), f"{folder}/{rank}.pt")
    leave(store, rank)


@pytest.mark.slow
def test_two_processes_train_each_arm_together_and_one_of_them_declares_the_study(
    clinic: Clinic, tmp_path: Path
) -> None:
    multiprocessing.spawn(_train, (str(tmp_path), clinic.url), nprocs=2)  # type: ignore[no-untyped-call]
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1))
    assert first == second
    study_id, again, said = first
    assert again == study_id
    assert [len(each) > 0 for each in said] == [True, True, True]
    assert "already wrapped" in said[1]
    found = clinic.get_study(study_id)
    assert found.status == "succeeded"
    assert sorted((run.answer.arm, run.answer.seed) for run in found.runs()) == [
        (arm, seed) for arm in ("baseline", "lower", "norm") for seed in (0, 1)
    ]
    assert len(list(clinic.studies())) == 1
    alone = study(clinic, build, halves(0, 1), ARMS, seeds=[0, 1], validation=halves(0, 1)(9), progress=False)
    for run, other in zip(by_name(found.runs()), by_name(alone.runs()), strict=True):
        if run.answer.arm == "norm":  # each process normalizes its own samples
            continue
        assert losses(run) == pytest.approx(losses(other), rel=1e-5)
        assert run.answer.metrics.final_validation_loss == pytest.approx(
            other.answer.metrics.final_validation_loss, rel=1e-5
        )


def by_name(runs: Any) -> list[Any]:
    return sorted(runs, key=lambda run: (run.answer.arm, run.answer.seed))


def losses(run: Any) -> list[float]:
    return [row[0] for row in run.statistics("train_loss")["train_loss"].values]


def test_one_process_asks_nobody() -> None:
    processes = Processes.now()
    assert (processes.alone, processes.is_first) == (True, True)
    assert processes.first(lambda: 3) == 3
    model = build()[0]
    assert processes.parallel(model) is model


class Messages:
    """A store that two processes of this one share."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def set(self, key: str, value: str, /) -> None:
        self.values[key] = value

    def get(self, key: str, /) -> bytes:
        return self.values[key].encode()

    def check(self, keys: list[str], /) -> bool:
        return all(key in self.values for key in keys)

    def delete_key(self, key: str, /) -> bool:
        return self.values.pop(key, None) is not None


def test_a_failure_of_the_first_process_is_one_of_all() -> None:
    store = Messages()
    first, second = Processes(0, 2, store), Processes(1, 2, store)

    def fails() -> int:
        raise OSError("no service")

    with pytest.raises(OSError, match="no service"):
        first.first(fails)
    with pytest.raises(RuntimeError, match="the first process failed: OSError: no service"):
        second.first(lambda: 1)
    assert first.first(lambda: [1, 2]) == second.first(list) == [1, 2]
