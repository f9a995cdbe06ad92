"""The command claims."""

import json

import pytest

from gradclinic.client import Clinic
from gradclinic.settings import Settings

from ..api.serving import train
from .command import begun, gradclinic, refused


@pytest.mark.slow
def test_a_claim_is_tested_and_ruled_on_in_words_and_as_json(clinic: Clinic, settings: Settings) -> None:
    with begun("claims", "lower_rate_avoids_divergence", "--quick", "--url", clinic.url, "--json") as command:
        assert command.stderr is not None
        claim = next(each for each in clinic.claims(quick=True) if each.id.endswith("avoids_divergence"))
        while len(runs := list(clinic.runs())) < claim.runs:
            pass
        train(settings, *(run.id for run in runs))
        printed, errors = command.communicate(timeout=120)
    assert command.returncode == 0, errors
    (ruling,) = json.loads(printed)
    assert ruling["verdict"] in {"supported", "mixed", "refuted"}
    assert ruling["figures"]
    assert clinic.get_study(ruling["study_id"]).status == "succeeded"


def test_a_claim_that_nobody_makes_is_named_with_those_that_are_made(clinic: Clinic) -> None:
    line = refused(gradclinic("claims", "beauty", "--url", clinic.url), 2)
    assert "'beauty'" in line
    assert "xavier_helps" in line
