"""Specs as files and on standard input."""

import json

import pytest
import yaml

from gradclinic.client import Clinic

from ..api.examples import experiment
from .command import gradclinic, refused


def test_numbers_in_yaml_are_those_of_json(clinic: Clinic) -> None:
    text = yaml.safe_dump(experiment(optimizer={"learning_rate": "RATE"})).replace("RATE", "1e-3")
    done = gradclinic("run", "-", "--no-wait", "--json", "--url", clinic.url, given=text)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["experiment"]["optimizer"]["learning_rate"] == 0.001


@pytest.mark.parametrize(
    ("text", "words"), [("{", "neither JSON"), ("- 1\n- 2\n", "does not contain an object"), ("a: [", "neither JSON")]
)
def test_a_spec_that_cannot_be_read_is_said_so(text: str, words: str) -> None:
    assert words in refused(gradclinic("run", "-", given=text), 2)


def test_a_file_that_is_not_there_is_said_so() -> None:
    assert "nowhere.json cannot be read" in refused(gradclinic("study", "nowhere.json"), 2)


def test_a_study_where_one_experiment_is_expected_names_the_command_for_it() -> None:
    study = yaml.safe_dump({"experiment": experiment(), "arms": [{"name": "norm", "remedies": []}]})
    for command in ("run", "prescribe", "check"):
        assert "`gradclinic study -`" in refused(gradclinic(command, "-", given=study), 2)
