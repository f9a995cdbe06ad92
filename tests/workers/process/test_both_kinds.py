"""A host with workers of both kinds: two trainers, one of which claims to have a GPU."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gradclinic.comparison.study import ArmSpec, StudySpec
from gradclinic.experiments.experiment import Experiment
from gradclinic.remedies.clip_gradients import ClipGradients
from gradclinic.settings import Settings
from gradclinic.use_cases.comparison import compare_study
from gradclinic.use_cases.run import submit_run
from gradclinic.use_cases.study import submit_study
from gradclinic_workers.process.tasks import Trainer
from gradclinic_workers.train import device

from ...service.api.serving import NOBODY
from .test_tasks import EXPERIMENT

GPU = "cuda:0, a simulated GPU"


@pytest.fixture
def host(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Trainer, Trainer]]:
    """The trainer of the queue `cpu`, and that of the queue `gpu`, which computes on the CPU and says otherwise."""
    taken = device.fingerprint

    def fingerprint(where: str, **named: str | None) -> dict[str, str | int | bool]:
        return taken("cpu", **named) | ({"device": GPU} if where == "cpu:0" else {})

    monkeypatch.setattr(device, "prove", lambda _: None)
    monkeypatch.setattr(device, "limit_memory", lambda *_, **__: None)
    monkeypatch.setattr(device, "of_queue", lambda queue: "cpu:0" if queue == "gpu" else "cpu")
    monkeypatch.setattr(device, "fingerprint", fingerprint)
    settings = Settings(data_dir=tmp_path, database_url=sqlite_url, broker_url=NOBODY, max_lanes=1)
    on_cpu, on_gpu = (Trainer(settings, owner=f"vm/1/{queue}", queues=queue) for queue in ("cpu", "gpu"))
    yield on_cpu, on_gpu
    on_cpu.close()
    on_gpu.close()


@pytest.mark.parametrize("kind", ["auto", "cpu"])
def test_every_arm_of_a_study_trains_on_one_kind_of_device(host: tuple[Trainer, Trainer], kind: str) -> None:
    service = host[0].service.within("default")
    for trainer in host:
        service.store.reconciliation.saw_worker(trainer.owner, queue=trainer.queues, device=trainer.device, run_id=None)
    asked = {**EXPERIMENT, "training": {**EXPERIMENT["training"], "steps": 20, "device": kind}}
    arms = (ArmSpec(name="clipped", remedies=(ClipGradients(threshold=1.0),)),)
    study = submit_study(service, StudySpec(experiment=Experiment.model_validate(asked), arms=arms, seeds=(0, 1))).item
    other = "cpu" if kind == "auto" else "cuda"
    single = {**asked, "training": {**asked["training"], "device": other, "seed": 7}}
    alone = submit_run(service, Experiment.model_validate(single)).item
    waiting = [alone.id, *(run.id for run in service.store.runs.of_study(study.id))]
    for _ in waiting:
        for trainer in host:  # each is told of the runs of its queue, and takes what waits there
            hinted = [run for run in waiting if service.store.runs.get(run).queue == trainer.queues]
            trainer.train(hinted[0])
    ended = [service.store.runs.get(run.id) for run in service.store.runs.of_study(study.id)]
    assert {run.status for run in ended} == {"succeeded"}
    assert {(run.environment or {})["device"] for run in ended} == {GPU if kind == "auto" else "cpu"}
    assert (service.store.runs.get(alone.id).environment or {})["device"] == ("cpu" if kind == "auto" else GPU)
    assert compare_study(service, study.id).notes == ()
