"""The command line as a person meets it: in a process of its own, with what it prints and how it ends."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from gradclinic.client import Clinic
from gradclinic.settings import Settings
from gradclinic.use_cases.prescription import step
from gradclinic.use_cases.service import Service

from ..api.examples import EXPERIMENT, experiment, study
from ..api.serving import NOBODY, serving, train

COMMAND = [sys.executable, "-c", "from gradclinic.cli import main; main()"]


def gradclinic(*arguments: str, given: str | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GRADCLINIC_")}
    done = subprocess.run(
        [*COMMAND, *arguments],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**environment, **variables},
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def refused(done: subprocess.CompletedProcess[str], status: int) -> str:
    """The one line that says why."""
    assert done.returncode == status, (done.returncode, done.stderr)
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.fixture
def settings(sqlite_url: str, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, database_url=sqlite_url, broker_url=NOBODY)


@pytest.fixture
def clinic(settings: Settings) -> Iterator[Clinic]:
    with serving(settings) as http, Clinic(str(http.base_url)) as client:
        yield client


def spec(folder: Path, body: object, name: str = "spec.yaml") -> str:
    path = folder / name
    path.write_text(yaml.safe_dump(body) if name.endswith(".yaml") else json.dumps(body), encoding="utf-8")
    return str(path)


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
    sick = next(run.id for run in found.runs() if run.data["arm"] == "baseline")
    words = gradclinic("diagnose", sick, GRADCLINIC_URL=clinic.url)
    assert "vanishing gradients" in words.stdout
    assert "decades" in words.stdout
    assert "baseline: Vanishing gradients in 2 of 2 seeds" in words.stdout
    again = gradclinic("diagnose", sick, "--threshold", "depth_slope=40", "--url", clinic.url, "--json")
    assert json.loads(again.stdout)["primary"] != "vanishing_gradients"
    whole = gradclinic("diagnose", found.id, "--url", clinic.url, "--json")
    assert {arm: each[0]["primary"] for arm, each in json.loads(whole.stdout).items()} == {
        "baseline": "vanishing_gradients",
        "batch norm": found.comparison().data["arms"][0]["diagnoses"][0]["primary"],
    }


def test_a_report_is_saved_as_one_file(clinic: Clinic, tmp_path: Path) -> None:
    run = clinic.run(EXPERIMENT, name="one")
    file = tmp_path / "a file.html"
    saved = gradclinic("report", run.id, "--output", str(file), "--url", clinic.url)
    assert saved.returncode == 0, saved.stderr
    assert saved.stdout.startswith(f"{file} has the report of {run.id} (")
    assert file.read_text("utf-8").startswith("<!doctype html>")
    assert sorted(tmp_path.glob("*a file.html*")) == [file]
    piped = gradclinic("report", run.id, "-o", "-", GRADCLINIC_URL=clinic.url)
    assert piped.stdout.startswith("<!doctype html>")
    assert run.id in piped.stdout
    study = clinic.study(EXPERIMENT, seeds=[0])
    by = ("--metric", "final_train_loss")
    told = gradclinic("report", study.id, "-o", str(file), *by, "--json", "--url", clinic.url)
    assert json.loads(told.stdout) == {"id": study.id, "file": str(file), "bytes": file.stat().st_size}
    assert "Final train loss" in file.read_text("utf-8")


def test_a_report_that_cannot_be_made_says_why(clinic: Clinic, tmp_path: Path) -> None:
    run = clinic.run(EXPERIMENT)
    assert "run_, study_" in refused(gradclinic("report", "nonsense", "--url", clinic.url), 2)
    assert "run_nowhere" in refused(gradclinic("report", "run_nowhere", "--url", clinic.url), 2)
    by = gradclinic("report", run.id, "--metric", "final_train_loss", "--url", clinic.url)
    assert "only a study's arms" in refused(by, 2)
    for place in (tmp_path, tmp_path / "missing" / "a.html"):
        assert str(place) in refused(gradclinic("report", run.id, "-o", str(place), "--url", clinic.url), 4)


def test_a_prescription_is_queued_and_its_budget_is_one_of_two(clinic: Clinic, tmp_path: Path) -> None:
    path = spec(tmp_path, EXPERIMENT)
    queued = gradclinic("prescribe", path, "--runs", "20", "--url", clinic.url, "--no-wait", "--json")
    assert queued.returncode == 0, queued.stderr
    found = clinic.get_prescription(json.loads(queued.stdout)["id"])
    assert found.data["budget"] == {"seconds": None, "runs": 20}
    assert found.cancel().status == "canceled"
    both = gradclinic("prescribe", path, "--runs", "20", "--seconds", "9", "--url", clinic.url)
    assert "--seconds or --runs" in refused(both, 2)


def begun(*arguments: str) -> subprocess.Popen[str]:
    """A command that goes on, to be spoken with."""
    return subprocess.Popen(
        [*COMMAND, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_a_prescription_is_watched_until_it_ends_and_told_in_words(
    clinic: Clinic, settings: Settings, tmp_path: Path
) -> None:
    easy = experiment(model={"depth": 1, "activation": "relu"}, optimizer={"learning_rate": 0.5})
    with begun("prescribe", spec(tmp_path, easy), "--runs", "8", "--url", clinic.url) as command:
        assert command.stderr is not None
        first = command.stderr.readline()
        assert first.strip().endswith("training it as it is; 0 of 3 runs so far have ended")
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


@pytest.mark.slow
def test_a_claim_is_tested_and_ruled_on_in_words_and_as_json(clinic: Clinic, settings: Settings) -> None:
    with begun("claims", "lower_rate_avoids_divergence", "--quick", "--url", clinic.url, "--json") as command:
        assert command.stderr is not None
        claim = next(
            each for each in clinic.get("/v1/claims", quick=True)["items"] if each["id"].endswith("avoids_divergence")
        )
        while len(runs := list(clinic.runs())) < claim["runs"]:
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


def test_a_run_is_read_from_standard_input(clinic: Clinic) -> None:
    done = gradclinic("run", "-", "--no-wait", "--url", clinic.url, given=json.dumps(EXPERIMENT))
    assert done.returncode == 0, done.stderr
    assert "is queued" in done.stdout


def test_rows_are_uploaded_and_the_answer_says_how_to_name_them(clinic: Clinic, tmp_path: Path) -> None:
    table = tmp_path / "own.csv"
    table.write_text("x,y,z\n" + "".join(f"{i % 7},{i % 5},{i * 0.25}\n" for i in range(40)), encoding="utf-8")
    done = gradclinic("upload", str(table), "--url", clinic.url)
    assert done.returncode == 0, done.stderr
    (found,) = clinic.datasets()
    assert f"{found['id']}: 40 rows of 2 input(s), regression, 1 value" in done.stdout
    data = json.loads(done.stdout.splitlines()[1].partition(": ")[2])["data"]
    queued = {"experiment": experiment(data=data)}
    assert gradclinic("run", "-", "--no-wait", "--url", clinic.url, given=json.dumps(queued)).returncode == 0
    assert "y, z" in refused(gradclinic("upload", str(table), "--target", "w", "--url", clinic.url), 2)
    assert "own.txt" in refused(gradclinic("upload", str(tmp_path / "own.txt"), "--url", clinic.url), 2)


def test_uploaded_rows_are_listed_shown_and_deleted(clinic: Clinic, tmp_path: Path) -> None:
    assert "None yet" in gradclinic("datasets", "list", "--url", clinic.url).stdout
    table = tmp_path / "own.csv"
    table.write_text("x,y,z\n" + "".join(f"{i % 7},{i % 5},{'ab'[i % 2]}\n" for i in range(40)), encoding="utf-8")
    data = clinic.upload(table)["id"]
    listed = gradclinic("datasets", "list", "--url", clinic.url).stdout
    assert data in listed
    assert "2 classes" in listed
    shown = gradclinic("datasets", "show", data, "--url", clinic.url).stdout
    for words in ("40 rows of 2 input(s), 2 classes", "classes   a, b", "columns   x, y", "runs      0", "SHA-256"):
        assert words in shown
    assert json.loads(gradclinic("datasets", "show", data, "--json", "--url", clinic.url).stdout)["runs"] == 0
    assert gradclinic("datasets", "delete", data, "--url", clinic.url).returncode == 0
    assert "there is no data set" in refused(gradclinic("datasets", "delete", data, "--url", clinic.url), 2)


def test_numbers_in_yaml_are_those_of_json(clinic: Clinic) -> None:
    text = yaml.safe_dump(experiment(optimizer={"learning_rate": "RATE"})).replace("RATE", "1e-3")
    done = gradclinic("run", "-", "--no-wait", "--json", "--url", clinic.url, given=text)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["experiment"]["optimizer"]["learning_rate"] == 0.001


def test_a_bad_spec_is_named_with_place_value_and_what_is_allowed(clinic: Clinic, tmp_path: Path) -> None:
    bad = spec(tmp_path, {"experiment": experiment(model={"depth": 0})}, "spec.json")
    line = refused(gradclinic("run", bad, "--url", clinic.url), 2)
    assert line == (
        "gradclinic: /experiment/model/depth: should be greater than or equal to 1 (got 0); "
        "allowed: an integer from 1 to 1,000"
    )


@pytest.mark.parametrize(
    ("text", "words"), [("{", "neither JSON"), ("- 1\n- 2\n", "holds no object"), ("a: [", "neither JSON")]
)
def test_a_spec_that_cannot_be_read_is_said_so(text: str, words: str) -> None:
    assert words in refused(gradclinic("run", "-", given=text), 2)


def test_a_file_that_is_not_there_is_said_so() -> None:
    assert "nowhere.json cannot be read" in refused(gradclinic("study", "nowhere.json"), 2)


def test_a_service_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    line = refused(gradclinic("run", spec(tmp_path, EXPERIMENT), "--url", "http://127.0.0.1:1"), 4)
    assert "no service answers at http://127.0.0.1:1" in line
    assert "gradclinic serve" in line


def test_a_port_in_use_is_said_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = refused(gradclinic("serve", "--port", port, "--data-dir", str(tmp_path)), 4)
        assert f"port {port} on 127.0.0.1 is in use" in line
        gradclinic("db", "upgrade", "--data-dir", str(tmp_path))
        line = refused(gradclinic("serve", "--api-only", "--port", port, "--data-dir", str(tmp_path)), 4)
        assert f"port {port} on 127.0.0.1 is in use" in line


def test_a_broken_data_folder_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for command in ("serve", "demo"):
        done = gradclinic(command, "--data-dir", str(tmp_path / "file"))
        assert done.returncode == 4
        assert "a file is in its place" in done.stderr.strip().splitlines()[-1]


def test_a_broken_database_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "gradclinic.db").write_bytes(b"no database at all, just text" * 100)
    done = gradclinic("serve", "--port", "0", "--data-dir", str(tmp_path))
    assert done.returncode == 4
    assert "gradclinic.db" in done.stderr.strip().splitlines()[-1]


def test_a_schema_that_is_too_old_is_said_so(tmp_path: Path) -> None:
    line = refused(gradclinic("serve", "--api-only", "--port", "0", "--data-dir", str(tmp_path)), 4)
    assert "gradclinic db upgrade" in line
    assert gradclinic("db", "upgrade", "--data-dir", str(tmp_path)).returncode == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GRADCLINIC_PORT", "many"),
        ("GRADCLINIC_DATABASE_URL", "mysql://host/name"),
        ("GRADCLINIC_DATABASE_URL", "nonsense"),
        ("GRADCLINIC_BROKER_URL", "amqp://host"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(name: str, value: str) -> None:
    for command in ("serve", "worker", "reconciler"):
        assert name in refused(gradclinic(command, **{name: value}), 4)


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["compare"], ["serve", "--port", "99999"], ["run", "-", "--colour"]]
)
def test_a_command_line_that_makes_no_sense_shows_its_usage(arguments: list[str]) -> None:
    done = gradclinic(*arguments)
    assert done.returncode == 2
    assert "Usage: gradclinic" in done.stderr


def test_the_catalogue_needs_no_service() -> None:
    shown = gradclinic("catalogue", "remedies").stdout.splitlines()
    assert shown[0] == "remedies"
    assert shown[1].split()[0] == "swap_activation"
    assert json.loads(gradclinic("catalogue", "rules", "--json").stdout)["rules"]
    assert "activations" in refused(gradclinic("catalogue", "beauty"), 2)


def test_output_for_pipes_has_no_colours_and_no_trailing_blanks() -> None:
    shown = gradclinic("catalogue", "layers", TERM="xterm-256color").stdout
    assert "\x1b" not in shown
    assert all(line == line.rstrip() for line in shown.splitlines())


def test_a_reader_that_leaves_early_is_no_error() -> None:
    with subprocess.Popen([*COMMAND, "catalogue"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as command:
        assert command.stdout is not None
        command.stdout.close()
        assert command.stderr is not None
        assert command.stderr.read() == b""
