"""The command prescribe."""

import json
from pathlib import Path

from gradclinic.client import Clinic
from gradclinic.settings import Settings
from gradclinic.use_cases.prescription import step
from gradclinic.use_cases.service import Service

from ..api.examples import EXPERIMENT, experiment
from ..api.serving import train
from .command import begun, gradclinic, refused, spec


def test_a_prescription_is_queued_and_its_budget_is_one_of_two(clinic: Clinic, tmp_path: Path) -> None:
    path = spec(tmp_path, EXPERIMENT)
    queued = gradclinic("prescribe", path, "--runs", "20", "--url", clinic.url, "--no-wait", "--json")
    assert queued.returncode == 0, queued.stderr
    found = clinic.get_prescription(json.loads(queued.stdout)["id"])
    assert found.answer.document["budget"] == {"seconds": None, "runs": 20}
    assert found.cancel().status == "canceled"
    both = gradclinic("prescribe", path, "--runs", "20", "--seconds", "9", "--url", clinic.url)
    assert "--seconds or --runs" in refused(both, 2)


def test_a_prescription_is_watched_until_it_ends_and_told_in_words(
    clinic: Clinic, settings: Settings, tmp_path: Path
) -> None:
    easy = experiment(model={"depth": 1, "activation": "relu"}, optimizer={"learning_rate": 0.5})
    with begun("prescribe", spec(tmp_path, easy), "--runs", "16", "--url", clinic.url) as command:
        assert command.stderr is not None
        first = command.stderr.readline()
        assert first.strip().endswith("training the unchanged experiment; 0 of 3 runs so far have ended")
        found = clinic.get_prescription(first.split(":")[0])
        train(settings, *(run.id for run in clinic.runs(label=f"prescription:{found.id}")))
        service = Service.of(settings)
        step(service, found.id)
        service.close()
        words, _ = command.communicate(timeout=60)
    assert command.returncode == 0
    assert f"{found.id}: nothing to cure" in words
    assert "healthy in 3 of 3 seeds" in words
    assert f"{clinic.url}/prescriptions/{found.id}" in words
