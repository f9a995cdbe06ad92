"""Every kind of job over every kind of data: accepted by one process, trained by another, taken on by a third."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradclinic.comparison.study import ArmSpec, StudySpec
from gradclinic.experiments.datasets import DATASETS
from gradclinic.experiments.experiment import Experiment
from gradclinic.experiments.uploads import from_npz
from gradclinic.prescription import PrescriptionSpec, RequestedBudget
from gradclinic.queue.messages import Queue
from gradclinic.reconciler import Reconciler
from gradclinic.regression import CheckSpec, PinSpec, ScheduleSpec
from gradclinic.remedies.lower_learning_rate import LowerLearningRate
from gradclinic.settings import Settings
from gradclinic.store import Store
from gradclinic.use_cases.baseline import pin_baseline
from gradclinic.use_cases.check import submit_check
from gradclinic.use_cases.comparison import compare_study
from gradclinic.use_cases.dataset import keep
from gradclinic.use_cases.diagnosis import judge_again
from gradclinic.use_cases.prescription import submit_prescription
from gradclinic.use_cases.run import submit_run
from gradclinic.use_cases.schedule import create_schedule, fire
from gradclinic.use_cases.service import Service
from gradclinic.use_cases.statistic import read_profile
from gradclinic.use_cases.study import submit_study

from ..api.serving import NOBODY, train
from ..experiments.datasets.test_uploaded import as_npz

KINDS = [kind for kind in DATASETS if kind != "uploaded"]
MODELS: dict[str, dict[str, Any]] = {
    "flat": {"kind": "mlp", "depth": 8, "width": 8, "activation": "sigmoid"},
    "sequence": {"kind": "rnn", "width": 8},
    "tokens": {"kind": "transformer", "depth": 3, "width": 8, "heads": 2},
}
"""A small model for each form that data comes in, the first that it has."""


class Installation:
    """One database, and processes that share nothing else: each has a service of its own."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.service = Service.of(settings)

    def close(self) -> None:
        self.service.close()

    def upload(self) -> str:
        drawn = np.random.default_rng(0)
        inputs = drawn.normal(size=(80, 5))
        body = as_npz(inputs=inputs, targets=(inputs[:, 0] > 0).astype(np.int64))
        table = from_npz(body, task=None, most_bytes=1 << 20)
        return keep(self.service.store, table.packed()).item.id

    def finish(self) -> None:
        """Train, judge and search until nothing is left to do."""
        while self._train() + self._reconcile():
            pass

    def _train(self) -> int:
        waiting = [run.id for run in self.service.store.runs.page(status="queued", limit=200).items]
        train(self.settings, *waiting)
        return len(waiting)

    def _reconcile(self) -> int:
        store, queue = Store(self.settings.database_url), Queue(self.settings)
        try:
            reconciler = Reconciler(Service(self.settings, store, queue))
            return reconciler.prescribe() + reconciler.check()
        finally:
            queue.close()
            store.close()

    def fire(self) -> int:
        """Start what is due an hour from now, as a reconciler of that time would."""
        other = Service.of(self.settings)
        try:
            now, active = other.store.schedules.active()
            return sum(fire(other, each, since=since, now=now + timedelta(hours=1)) for each, since in active)
        finally:
            other.close()


@pytest.fixture
def installation(sqlite_url: str, tmp_path: Path) -> Iterator[Installation]:
    made = Installation(Settings(data_dir=tmp_path, database_url=sqlite_url, broker_url=NOBODY))
    yield made
    made.close()


def experiment(data: dict[str, Any], model: dict[str, Any]) -> Experiment:
    return Experiment.model_validate(
        {
            "model": model,
            "data": data,
            "optimizer": {"kind": "sgd", "learning_rate": 0.05},
            "training": {"steps": 25, "batch_size": 8},
        }
    )


def test_every_kind_of_job_over_uploaded_data_comes_to_its_end(installation: Installation) -> None:
    data = {"kind": "uploaded", "id": installation.upload(), "standardize": False}
    check_every_job(installation, experiment(data, MODELS["flat"]))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_job_over_built_in_data_comes_to_its_end(installation: Installation, kind: str) -> None:
    form = next(iter(DATASETS[kind]().forms()))  # type: ignore[call-arg]  # what has no default is not built in
    check_every_job(installation, experiment({"kind": kind}, MODELS[form]))


def check_every_job(installation: Installation, declared: Experiment) -> None:
    service, store = installation.service, installation.service.store
    run = submit_run(service, declared).item
    study = submit_study(
        service,
        StudySpec(
            experiment=declared,
            arms=(ArmSpec(name="slower", remedies=(LowerLearningRate(factor=0.5),)),),
            seeds=(0, 1),
            control="random_remedy",
        ),
    ).item
    installation.finish()
    assert store.runs.get(run.id).status == "succeeded"
    assert judge_again(service, store.runs.get(run.id)).findings
    assert read_profile(service, store.runs.get(run.id), statistic="site_grad_rms", step=0).prediction is not None
    assert {each.status for each in store.runs.of_study(study.id)} == {"succeeded"}
    assert len(compare_study(service, study.id).arms) == 2

    pin_baseline(service, "main", PinSpec(study_id=study.id, arm="baseline"))
    check = submit_check(service, CheckSpec(baseline="main"))
    prescription = submit_prescription(service, PrescriptionSpec(experiment=declared, budget=RequestedBudget(runs=16)))
    create_schedule(service, ScheduleSpec(name="hourly", cron="* * * * *", check=CheckSpec(baseline="main")))
    assert installation.fire() == 2
    installation.finish()
    scheduled = store.checks.page(schedule="hourly").items[0]
    assert [store.checks.get(each).status for each in (check.id, scheduled.id)] == ["succeeded", "succeeded"]
    assert store.prescriptions.get(prescription.id).status == "succeeded"
