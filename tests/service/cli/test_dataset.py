"""The commands upload and datasets."""

import json
from pathlib import Path

from gradclinic.client import Clinic

from ..api.examples import experiment
from .command import gradclinic, refused


def test_rows_are_uploaded_and_the_answer_says_how_to_name_them(clinic: Clinic, tmp_path: Path) -> None:
    table = tmp_path / "own.csv"
    table.write_text("x,y,z\n" + "".join(f"{i % 7},{i % 5},{i * 0.25}\n" for i in range(40)), encoding="utf-8")
    done = gradclinic("upload", str(table), "--url", clinic.url)
    assert done.returncode == 0, done.stderr
    (found,) = clinic.datasets()
    assert f"{found.id}: 40 rows, inputs of shape 2, regression, 1 value" in done.stdout
    data = json.loads(done.stdout.splitlines()[1].partition(": ")[2])["data"]
    queued = {"experiment": experiment(data=data)}
    assert gradclinic("run", "-", "--no-wait", "--url", clinic.url, given=json.dumps(queued)).returncode == 0
    assert "y, z" in refused(gradclinic("upload", str(table), "--target", "w", "--url", clinic.url), 2)
    assert "own.txt" in refused(gradclinic("upload", str(tmp_path / "own.txt"), "--url", clinic.url), 2)


def test_uploaded_rows_are_listed_shown_and_deleted(clinic: Clinic, tmp_path: Path) -> None:
    assert "no data sets yet" in gradclinic("datasets", "list", "--url", clinic.url).stdout
    table = tmp_path / "own.csv"
    table.write_text("x,y,z\n" + "".join(f"{i % 7},{i % 5},{'ab'[i % 2]}\n" for i in range(40)), encoding="utf-8")
    data = clinic.upload(table).id
    listed = gradclinic("datasets", "list", "--url", clinic.url).stdout
    assert data in listed
    assert "2 classes" in listed
    shown = gradclinic("datasets", "show", data, "--url", clinic.url).stdout
    for words in (
        "40 rows, inputs of shape 2, 2 classes",
        "classes   a, b",
        "columns   x, y",
        "runs      0",
        "SHA-256",
    ):
        assert words in shown
    assert json.loads(gradclinic("datasets", "show", data, "--json", "--url", clinic.url).stdout)["runs"] == 0
    assert gradclinic("datasets", "delete", data, "--url", clinic.url).returncode == 0
    assert "there is no data set" in refused(gradclinic("datasets", "delete", data, "--url", clinic.url), 2)
