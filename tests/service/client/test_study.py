import threading

import pytest

from gradclinic import Clinic, Experiment, remedies
from gradclinic.kernel.errors import InvalidSpec
from gradclinic.schemas.event import EventAnswer, RunEndedEvent
from gradclinic.settings import Settings

from ..api.examples import EXPERIMENT, experiment
from ..api.serving import train


def test_a_study_goes_from_question_to_answer(clinic: Clinic, settings: Settings) -> None:
    posted = Experiment.model_validate(EXPERIMENT)
    study = clinic.study(
        posted,
        arms={"norm": [remedies.AddBatchNorm()], "shallow": experiment(model={"depth": 3})},
        seeds=range(2),
        name="trial",
    )
    assert study.status == "running"
    events: list[EventAnswer] = []
    training = threading.Thread(target=train, args=(settings, *(run.id for run in study.runs())))
    training.start()
    study.wait(timeout_s=120, progress=events.append)
    training.join()
    assert study.status == "succeeded"
    assert sum(isinstance(event, RunEndedEvent) for event in events) == 6
    comparison = study.comparison()
    assert comparison["norm"].effects["final_validation_loss"].difference < 0
    assert {arm.arm for arm in comparison.arms} == {"norm", "shallow"}
    text = str(comparison)
    assert "norm" in text
    assert "val. loss" in text
    assert [found.id for found in clinic.studies()] == [study.id]


def test_a_study_that_a_program_trains_is_declared_once_for_each_key(clinic: Clinic) -> None:
    body = {"arms": [{"name": "relu", "remedies": [{"kind": "swap_activation"}]}], "seeds": [0, 1]}
    declared = clinic.declare_study(body, key="mine")
    assert (declared.status, declared.answer.progress.by_status) == ("running", {"queued": 4})
    assert clinic.declare_study(body, key="mine").id == declared.id
    assert clinic.declare_study(body).id != declared.id


def test_arms_and_sweeps_that_are_lists_are_refused_with_what_is_allowed(clinic: Clinic) -> None:
    with pytest.raises(InvalidSpec, match=r"/arms: should be a mapping, not a list \(allowed: remedies by name"):
        clinic.study(EXPERIMENT, arms=[{"name": "a", "remedies": []}])  # type: ignore[arg-type]
    with pytest.raises(InvalidSpec, match="/sweep: should be a mapping, not a list"):
        clinic.study(EXPERIMENT, sweep=[{"field": "/model/depth", "values": [1]}])  # type: ignore[arg-type]
