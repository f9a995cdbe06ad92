"""Commands that queue, compare and judge a study."""

import json
from pathlib import Path

from gradclinic.client import Clinic
from gradclinic.settings import Settings

from ..api.examples import study
from ..api.serving import train
from .command import gradclinic, spec


def test_a_study_is_queued_watched_and_compared(clinic: Clinic, settings: Settings, tmp_path: Path) -> None:
    queued = gradclinic("study", spec(tmp_path, study()), "--url", clinic.url, "--no-wait", "--json")
    assert queued.returncode == 0, queued.stderr
    found = clinic.get_study(json.loads(queued.stdout)["id"])
    train(settings, *(run.id for run in found.runs()))
    compared = gradclinic("compare", found.id, "--url", clinic.url)
    assert compared.returncode == 0
    assert "batch norm" in compared.stdout
    assert "vanishing 2/2" in compared.stdout
    assert "baseline: Vanishing gradients in 2 of 2 seeds" in compared.stdout
    assert json.loads(gradclinic("compare", found.id, "--url", clinic.url, "--json").stdout)["complete"]
    sick = next(run.id for run in found.runs() if run.answer.arm == "baseline")
    words = gradclinic("diagnose", sick, GRADCLINIC_URL=clinic.url)
    assert "vanishing gradients" in words.stdout
    assert "shrink by a factor of 10^" in words.stdout
    assert "baseline: Vanishing gradients in 2 of 2 seeds" in words.stdout
    again = gradclinic("diagnose", sick, "--threshold", "depth_slope=40", "--url", clinic.url, "--json")
    assert json.loads(again.stdout)["primary"] != "vanishing_gradients"
    whole = gradclinic("diagnose", found.id, "--url", clinic.url, "--json")
    assert {arm: each[0]["primary"] for arm, each in json.loads(whole.stdout).items()} == {
        "baseline": "vanishing_gradients",
        "batch norm": found.comparison().arms[0].diagnoses[0].primary,
    }
