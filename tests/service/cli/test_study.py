"""Commands that queue, compare and judge a study."""

import json
from pathlib import Path

from gradclinic.client import Clinic
from gradclinic.settings import Settings

from ..api.examples import study as study_spec
from ..api.serving import train
from .command import gradclinic, refused, spec


def test_a_study_is_queued_watched_and_compared(clinic: Clinic, settings: Settings, tmp_path: Path) -> None:
    queued = gradclinic("study", spec(tmp_path, study_spec()), "--url", clinic.url, "--no-wait", "--json")
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


def test_studies_are_listed_shown_watched_cancelled_and_deleted(clinic: Clinic, study: str) -> None:
    at = ("--url", clinic.url)
    other = clinic.post_study(study_spec())
    table = gradclinic("studies", "list", *at).stdout.splitlines()
    assert [word for line in table for word in line.split()[:1] if word.startswith("study_")] == [other.id, study]
    assert any("batch norm" in line for line in table)
    ended = gradclinic("studies", "list", "--status", "succeeded", "--json", *at)
    assert [each["id"] for each in json.loads(ended.stdout)] == [study]
    shown = gradclinic("studies", "show", study, *at).stdout
    assert shown.startswith(f"{study}: succeeded, 5 of 5 runs have ended\n")
    assert "baseline: " in shown
    assert gradclinic("studies", "watch", study, *at).returncode == 0
    assert gradclinic("studies", "cancel", other.id, *at).stdout == f"{other.id} is canceled\n"
    assert gradclinic("studies", "delete", other.id, *at).stdout == f"{other.id} was deleted.\n"
    assert "is no study" in refused(gradclinic("studies", "show", other.id, *at), 2)
