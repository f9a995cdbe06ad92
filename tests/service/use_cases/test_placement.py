"""Two workers that claim different devices stand in for a machine with a GPU."""

from gradclinic.comparison.study import ArmSpec, StudySpec
from gradclinic.experiments.experiment import Experiment
from gradclinic.prescription import PrescriptionSpec, RequestedBudget
from gradclinic.regression import CheckSpec, PinSpec
from gradclinic.remedies.clip_gradients import ClipGradients
from gradclinic.use_cases.baseline import pin_baseline
from gradclinic.use_cases.check import submit_check
from gradclinic.use_cases.placement import queue_for
from gradclinic.use_cases.prescription import step, submit_prescription
from gradclinic.use_cases.run import submit_run
from gradclinic.use_cases.service import Service
from gradclinic.use_cases.study import submit_study

from ..api.examples import experiment
from ..api.serving import train

AUTO = Experiment.model_validate(experiment(training={"steps": 20}))
ON_CPU = Experiment.model_validate(experiment(training={"steps": 20, "device": "cpu"}))


def with_gpu(service: Service, *, queues: str = "gpu") -> None:
    service.store.reconciliation.saw_worker("vm/1/1", queue="cpu", device="cpu", run_id=None)
    service.store.reconciliation.saw_worker("vm/1/2", queue=queues, device="cuda", run_id=None)


def test_what_asks_for_a_device_gets_it_whatever_auto_means() -> None:
    assert queue_for("auto", auto="gpu") == "gpu"
    assert queue_for("auto", auto="cpu") == "cpu"
    assert queue_for("cuda", auto="cpu") == "gpu"
    assert queue_for("cpu", auto="gpu") == "cpu"


def test_auto_is_a_gpu_while_a_worker_with_one_is_alive(service: Service) -> None:
    assert submit_run(service, AUTO).item.queue == "cpu"
    with_gpu(service, queues="cpu,gpu")
    assert submit_run(service, AUTO).item.queue == "gpu"
    assert submit_run(service, ON_CPU).item.queue == "cpu"
    service.store.reconciliation.worker_left("vm/1/2")
    assert submit_run(service, AUTO).item.queue == "cpu"


def test_all_arms_of_a_study_train_on_one_kind_of_device(service: Service) -> None:
    with_gpu(service)
    arms = (ArmSpec(name="clipped", remedies=(ClipGradients(threshold=1.0),)),)
    study = submit_study(service, StudySpec(experiment=AUTO, arms=arms, seeds=(0, 1, 2))).item
    runs = service.store.runs.page(study_id=study.id).items
    assert [run.queue for run in runs] == ["gpu"] * 6


def test_every_round_of_a_search_trains_where_the_first_did(service: Service) -> None:
    begun = submit_prescription(service, PrescriptionSpec(experiment=AUTO, budget=RequestedBudget(runs=16)))
    with_gpu(service)  # only now
    first = service.store.prescriptions.trials(begun.id)
    train(service.settings, *(run.id for run in first.values()))
    step(service, begun.id)
    later = service.store.prescriptions.trials(begun.id)
    assert len(later) > len(first)
    assert {run.queue for run in later.values()} == {"cpu"}


def test_a_check_trains_where_its_baseline_trained(service: Service) -> None:
    run = submit_run(service, AUTO).item
    train(service.settings, run.id)
    pin_baseline(service, "main", PinSpec(run_ids=(run.id,)))
    with_gpu(service)  # only now
    (checked,) = service.store.checks.runs(submit_check(service, CheckSpec(baseline="main")).id)
    assert checked.queue == "cpu"
