"""Runs logged to the real MLflow (in a local store) and to the real W&B (offline), where they are installed."""

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from gradclinic.client import Clinic, Run, Study
from gradclinic.client.integrations.logged import logged, logged_study
from gradclinic.kernel import errors
from gradclinic.settings import Settings

from ...api.examples import EXPERIMENT
from ...api.serving import train


@pytest.fixture
def sick(clinic: Clinic, settings: Settings) -> Run:
    run = clinic.run(EXPERIMENT, name="sick")
    train(settings, run.id)
    return run


@pytest.fixture
def compared(clinic: Clinic, settings: Settings) -> Study:
    study = clinic.study(EXPERIMENT, arms={"batch <norm>": ["add_batch_norm"]}, seeds=[0, 1], name="trial")
    train(settings, *(run.id for run in study.runs()))
    return study


@pytest.fixture
def wandb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """W&B without a network, which writes to the folder of the test."""
    for name, value in {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    module = pytest.importorskip("wandb", reason="needs the extra wandb")
    yield module
    module.teardown()  # otherwise the next test would write here


def test_the_arms_of_a_study_are_a_table_with_the_baseline_first(compared: Study) -> None:
    found = logged_study(compared)
    assert found.arms["arm"] == ["baseline", "batch <norm>"]
    assert found.arms["runs"] == [2, 2]
    assert found.verdict["best_arm"] == "batch <norm>"
    effect = compared.comparison()["batch <norm>"].effects[found.verdict["metric"]]
    assert found.arms[found.verdict["metric"]] == [effect.baseline_mean, effect.arm_mean]
    assert found.arms_csv().splitlines()[0].startswith("arm,runs,")
    assert "batch <norm>" in found.words


def test_a_study_of_the_baseline_alone_has_no_best_arm(clinic: Clinic, settings: Settings) -> None:
    study = clinic.study(EXPERIMENT, seeds=[0])
    train(settings, *(run.id for run in study.runs()))
    found = logged_study(study)
    assert found.arms["arm"] == ["baseline"]
    assert "best_arm" not in found.verdict


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
    with pytest.raises(errors.SetupFailed, match=rf"'gradclinic\[{tool}\]'"):
        module.log_study(sick)


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
def test_mlflow_has_a_study_with_its_runs_below(
    compared: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow = pytest.importorskip("mlflow", reason="needs the extra mlflow")
    from gradclinic.client.integrations.mlflow import log_study

    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    study_id = log_study(compared)
    stored = mlflow.get_run(study_id)
    assert (stored.info.run_name, stored.data.tags["gradclinic.best_arm"]) == ("trial", "batch <norm>")
    assert "batch <norm>" in mlflow.artifacts.load_text(f"runs:/{study_id}/gradclinic/arms.csv")
    below = mlflow.search_runs(
        [stored.info.experiment_id], f"tags.mlflow.parentRunId = '{study_id}'", output_format="list"
    )
    assert {each.info.run_name for each in below} == {
        f"{arm}, seed {seed}" for arm in ("baseline", "batch <norm>") for seed in (0, 1)
    }
    assert {each.data.tags["gradclinic.arm"] for each in below} == {"baseline", "batch <norm>"}
    assert all("gradclinic/final_train_loss" in each.data.metrics for each in below)


@pytest.mark.filterwarnings("default")
def test_wandb_has_a_study_with_its_table_and_its_runs_as_a_group(
    compared: Study, tmp_path: Path, wandb: ModuleType
) -> None:
    from gradclinic.client.integrations.wandb import log_study

    run = wandb.init(project="clinic")
    assert log_study(compared) == run.id
    assert dict(run.summary)["gradclinic/best_arm"] == "batch <norm>"
    run.finish()
    (arms,) = tmp_path.rglob("media/table/gradclinic/arms*.table.json")
    assert [row[0] for row in json.loads(arms.read_text())["data"]] == ["baseline", "batch <norm>"]
    assert len(list(tmp_path.glob("wandb/offline-run-*"))) == 5


@pytest.mark.filterwarnings("default")
def test_wandb_has_summary_and_history(sick: Run, tmp_path: Path, wandb: ModuleType) -> None:
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
