"""The command init."""

from pathlib import Path

import pytest

from gradclinic.cli.init import example
from gradclinic.cli.specs import read_spec, with_experiment
from gradclinic.schemas.requests.prescription import PrescriptionRequest
from gradclinic.schemas.requests.run import RunRequest
from gradclinic.schemas.requests.study import StudyRequest

from .command import gradclinic, refused


@pytest.mark.parametrize(
    ("kind", "requests"), [("experiment", (RunRequest, PrescriptionRequest)), ("study", (StudyRequest,))]
)
def test_an_example_is_a_valid_request_with_comments(kind, requests, tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    written = gradclinic("init", kind, "-o", str(file))
    assert written.returncode == 0
    assert f"{file}" in written.stdout
    assert file.read_text().count("#") > 4
    for request in requests:
        request.model_validate(with_experiment(read_spec(str(file))))
    assert gradclinic("init", kind, "-o", "-").stdout == example(kind)


def test_a_file_that_exists_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("mine", encoding="utf-8")
    assert "--force" in refused(gradclinic("init", "-o", str(file)), 2)
    assert file.read_text() == "mine"
    assert gradclinic("init", "-o", str(file), "--force").returncode == 0
    assert "learning_rate" in file.read_text()
