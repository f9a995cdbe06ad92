import pytest

from gradclinic import Clinic, remedies
from gradclinic.kernel import errors
from gradclinic.settings import Settings

from ..api.examples import EXPERIMENT
from ..api.serving import train


def test_a_run_can_be_read_in_every_way(clinic: Clinic, settings: Settings) -> None:
    run = clinic.run(EXPERIMENT, [remedies.SwapActivation(activation="tanh")], name="one", labels={"a": "b"})
    train(settings, run.id)
    assert run.wait(timeout_s=60).status == "succeeded"
    assert run.metrics is not None
    assert run.metrics.final_train_loss > 0
    assert run.diagnosis().findings
    assert str(run.diagnosis()).endswith(run.diagnosis().findings[-1].summary)
    assert run.judge(thresholds={"depth_slope": 40.0}).rule_set
    assert run.statistics("site_grad_rms", steps="0:3")["site_grad_rms"].steps == [0, 1, 2]
    assert len(run.profile().points) == 8
    assert run.curves(max_points=4).sampled
    assert [found.id for found in clinic.runs(label="a:b")] == [run.id]
    report = run.report()
    assert report.startswith("<!doctype html>")
    assert all(words in report for words in (run.id, run.diagnosis().findings[0].source, "<svg"))
    assert clinic.get_run(run.id).answer == run.answer
    assert clinic.get(f"/v1/runs/{run.id}")["name"] == "one"
    assert clinic.post(f"/v1/runs/{run.id}/diagnoses", {"rule_set": "sagemaker"})["rule_set"] == "sagemaker"
    assert run.diagnosis().findings[0]["condition"] == run.diagnosis().findings[0].condition
    run.delete()
    with pytest.raises(errors.NotFound):
        run.refresh()


def test_a_cancelled_run_has_ended(clinic: Clinic) -> None:
    run = clinic.run(EXPERIMENT)
    assert run.cancel().ended
    study = clinic.study(EXPERIMENT, seeds=[0])
    assert study.cancel().status == "canceled"


def test_waiting_has_an_end(clinic: Clinic) -> None:
    with pytest.raises(TimeoutError):
        clinic.run(EXPERIMENT).wait(timeout_s=0)
