"""Runs logged to the real MLflow (in a local store) and to the real W&B (offline), where they are installed."""

import json
import sys
from importlib import import_module
from pathlib import Path

import pytest

from gradclinic.client import Clinic, Run
from gradclinic.client.integrations.logged import logged
from gradclinic.kernel import errors
from gradclinic.settings import Settings

from ...api.examples import EXPERIMENT
from ...api.serving import train


@pytest.fixture
def sick(clinic: Clinic, settings: Settings) -> Run:
    run = clinic.run(EXPERIMENT, name="sick")
    train(settings, run.id)
    return run


def test_verdict_metrics_curves_and_profile_are_logged(sick: Run) -> None:
    found = logged(sick)
    assert (found.verdict["condition"], found.verdict["harm"]) == ("vanishing_gradients", "true")
    assert found.metrics["final_validation_loss"] == sick.metrics.final_validation_loss
    assert list(found.rows())[:2] == [0, 1]
    assert len(found.profile["points"]) == 8
    assert "shrink by a factor of" in found.words


@pytest.mark.parametrize("tool", ["mlflow", "wandb"])
def test_a_tracker_that_is_not_installed_is_named_with_its_extra(
    sick: Run, tool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, tool, None)
    module = import_module(f"gradclinic.client.integrations.{tool}")
    with pytest.raises(errors.SetupFailed, match=rf"'gradclinic\[{tool}\]'"):
        module.log_run(sick)


@pytest.mark.filterwarnings("default")
def test_mlflow_has_tags_metrics_by_step_and_artifacts(
    sick: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow = pytest.importorskip("mlflow", reason="needs the extra mlflow")
    from gradclinic.client.integrations.mlflow import log_run

    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    run_id = log_run(sick)
    stored = mlflow.get_run(run_id)
    assert stored.info.run_name == "sick"
    assert stored.data.tags["gradclinic.condition"] == "vanishing_gradients"
    assert stored.data.metrics["gradclinic/final_train_loss"] == sick.metrics.final_train_loss
    steps = mlflow.MlflowClient().get_metric_history(run_id, "gradclinic/curve/train_loss")
    assert [each.step for each in steps] == list(range(30))
    profile = mlflow.artifacts.load_dict(f"runs:/{run_id}/gradclinic/profile.json")
    assert profile["statistic"] == "site_grad_rms"
    with mlflow.start_run() as own:
        assert log_run(sick) == own.info.run_id


@pytest.mark.filterwarnings("default")
def test_wandb_has_summary_and_history(sick: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    wandb = pytest.importorskip("wandb", reason="needs the extra wandb")
    from gradclinic.client.integrations.wandb import log_run

    run = wandb.init(project="clinic")
    assert log_run(sick) == run.id
    summary = dict(run.summary)
    run.finish()
    assert summary["gradclinic/condition"] == "vanishing_gradients"
    assert summary["gradclinic/step"] == max(logged(sick).rows())
    assert summary["gradclinic/final_train_loss"] == sick.metrics.final_train_loss
    (profile,) = tmp_path.rglob("media/table/gradclinic/*.table.json")
    assert len(json.loads(profile.read_text())["data"]) == 8
