"""What goes wrong, in one line."""

from pathlib import Path

from gradclinic.client import Clinic

from ..api.examples import EXPERIMENT, experiment
from .command import gradclinic, refused, spec


def test_a_bad_spec_is_named_with_place_value_and_what_is_allowed(clinic: Clinic, tmp_path: Path) -> None:
    bad = spec(tmp_path, {"experiment": experiment(model={"depth": 0})}, "spec.json")
    line = refused(gradclinic("run", bad, "--url", clinic.url), 2)
    assert line == (
        "gradclinic: /experiment/model/depth: should be greater than or equal to 1 (got 0); "
        "allowed: an integer from 1 to 1,000"
    )


def test_a_service_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    line = refused(gradclinic("run", spec(tmp_path, EXPERIMENT), "--url", "http://127.0.0.1:1"), 4)
    assert "no service answers at http://127.0.0.1:1" in line
    assert "gradclinic serve" in line
