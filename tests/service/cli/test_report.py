"""The command report."""

import json
from pathlib import Path

from gradclinic.client import Clinic
from gradclinic.settings import Settings

from ..api.examples import EXPERIMENT
from ..api.serving import train
from .command import gradclinic, refused


def test_a_report_is_saved_as_one_file(clinic: Clinic, settings: Settings, tmp_path: Path) -> None:
    run = clinic.run(EXPERIMENT, name="one")
    file = tmp_path / "a file.html"
    saved = gradclinic("report", run.id, "--output", str(file), "--url", clinic.url)
    assert saved.returncode == 0, saved.stderr
    assert saved.stdout.startswith(f"Saved the report of {run.id} to {file} (")
    assert file.read_text("utf-8").startswith("<!doctype html>")
    assert sorted(tmp_path.glob("*a file.html*")) == [file]
    piped = gradclinic("report", run.id, "-o", "-", GRADCLINIC_URL=clinic.url)
    assert piped.stdout.startswith("<!doctype html>")
    assert run.id in piped.stdout
    study = clinic.study(EXPERIMENT, {"norm": ["add_batch_norm"]}, seeds=[0])
    train(settings, *(each.id for each in study.runs()))
    by = ("--metric", "final_train_loss")
    told = gradclinic("report", study.id, "-o", str(file), *by, "--json", "--url", clinic.url)
    assert json.loads(told.stdout) == {"id": study.id, "file": str(file), "bytes": file.stat().st_size}
    assert "Training loss" in file.read_text("utf-8")


def test_a_report_that_cannot_be_made_says_why(clinic: Clinic, tmp_path: Path) -> None:
    run = clinic.run(EXPERIMENT)
    assert "the id of a run, a study" in refused(gradclinic("report", "nonsense", "--url", clinic.url), 2)
    assert "run_nowhere" in refused(gradclinic("report", "run_nowhere", "--url", clinic.url), 2)
    by = gradclinic("report", run.id, "--metric", "final_train_loss", "--url", clinic.url)
    assert "only studies have arms" in refused(by, 2)
    for place in (tmp_path, tmp_path / "missing" / "a.html"):
        assert str(place) in refused(gradclinic("report", run.id, "-o", str(place), "--url", clinic.url), 2)
