"""What goes wrong, in one line."""

import os
import subprocess
from pathlib import Path

from gradclinic.client import Clinic

from ..api.examples import EXPERIMENT, experiment
from .command import COMMAND, gradclinic, refused, spec


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


def test_a_hint_names_the_command_as_it_was_called() -> None:
    called = {**os.environ, "GRADCLINIC_COMMAND": "./run gradclinic"}
    done = subprocess.run(
        [*COMMAND, "datasets", "list", "--url", "http://127.0.0.1:1"],
        env=called,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "`./run gradclinic serve`" in refused(done, 4)


def test_a_value_that_the_message_quotes_is_not_said_twice(clinic: Clinic, tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("x,y,kind\n1,2,a\n1,2\n", encoding="utf-8")
    line = refused(gradclinic("upload", str(table), "--url", clinic.url), 2)
    assert "row 2 and the header have different lengths (got 2); allowed: 3 values, as in the header" in line
    line = refused(gradclinic("upload", str(table), "--target", "z", "--url", clinic.url), 2)
    assert line.endswith("there is no column 'z'; allowed: x, y, kind")


def test_an_address_or_a_file_that_cannot_be_is_wrong_usage(tmp_path: Path) -> None:
    line = refused(gradclinic("runs", "list", "--url", "nonsense"), 2)
    assert line == "gradclinic: 'nonsense' is no address of a service; allowed: http://HOST:PORT, or https://HOST"
    assert "nothing.csv: No such file" in refused(gradclinic("upload", str(tmp_path / "nothing.csv")), 2)


def test_a_list_with_nothing_in_it_says_so_beside_its_output(clinic: Clinic) -> None:
    done = gradclinic("webhooks", "list", "--url", clinic.url)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "There are no webhooks yet.\n")
