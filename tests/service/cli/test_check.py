"""The commands check and baseline as a CI job meets them: what they print and write, and how they end."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

from gradclinic.client import Clinic
from gradclinic.settings import Settings

from ..api.examples import explosive
from ..clinics import working
from .command import begun, gradclinic, refused, spec


def test_a_ci_job_pins_checks_and_ends_as_the_verdict_says(
    clinic: Clinic, settings: Settings, study: str, tmp_path: Path
) -> None:
    pinned = gradclinic("baseline", "pin", "main", "--study", study, "--url", clinic.url)
    assert pinned.returncode == 0, pinned.stderr
    assert pinned.stdout.startswith("main: arm `baseline`, 5 runs, seeds 0-4: healthy in ")
    assert f"5 seeds of {study}, arm baseline" in pinned.stdout
    assert "main  5 seeds" in gradclinic("baseline", "list", "--url", clinic.url).stdout
    junit = tmp_path / "check.xml"
    with working(clinic, settings):
        passing = gradclinic("check", "--baseline", "main", "--seeds", "3", "--junit", str(junit), "--url", clinic.url)
        assert passing.returncode == 0, passing.stderr
        assert passing.stdout.startswith("pass  check_")
        assert "x1.00 [1.00, 1.00]" in passing.stdout
        assert "3 of 3 runs have ended" in passing.stderr
        document = ET.parse(junit).getroot()
        assert (document.attrib["failures"], float(document.attrib["time"]) > 0) == ("0", True)
        page = document.find(".//property[@name='url']")
        assert page is not None
        assert page.attrib["value"].startswith(f"{clinic.url}/checks/check_")

        sick = spec(tmp_path, explosive())
        failing = gradclinic("check", sick, "--baseline", "main", "--url", clinic.url)
        assert failing.returncode == 1, failing.stderr
        assert "Worse than the baseline." in failing.stdout

        few = gradclinic("check", "--baseline", "main", "--seeds", "2", "--json", "--url", clinic.url)
        assert few.returncode == 3, few.stderr
        assert json.loads(few.stdout)["seeds_needed"] == 3
        assert few.stderr.startswith("With 2 seeds no metric can fail or pass; 3 can.\n")
    assert gradclinic("baseline", "delete", "main", "--url", clinic.url).returncode == 0
    assert "no baseline 'main'" in refused(gradclinic("baseline", "show", "main", "--url", clinic.url), 2)


def test_a_check_that_the_service_could_not_do_ends_with_4(clinic: Clinic, study: str, tmp_path: Path) -> None:
    clinic.pin("main", study=study)
    junit = tmp_path / "check.xml"
    with begun("check", "--baseline", "main", "--junit", str(junit), "--url", clinic.url) as command:
        assert command.stderr is not None
        first = command.stderr.readline()
        assert first.strip().endswith("0 of 5 runs have ended")
        assert clinic.get_check(first.split(":")[0]).cancel().status == "canceled"
        output, _ = command.communicate(timeout=60)
    assert command.returncode == 4
    assert output.startswith("canceled  check_")
    assert ET.parse(junit).getroot().attrib["errors"] == "1"
    assert "no service answers" in refused(gradclinic("check", "--baseline", "main", "--url", "http://127.0.0.1:1"), 4)


def test_what_is_asked_for_wrongly_is_one_line_and_ends_with_2(clinic: Clinic, study: str, tmp_path: Path) -> None:
    clinic.pin("main", study=study)
    at = ("--url", clinic.url)
    assert "--baseline NAME" in refused(gradclinic("check", *at), 2)
    assert "1 to 5" in refused(gradclinic("check", "--baseline", "main", "--seeds", "9", *at), 2)
    wrong = gradclinic("check", "--baseline", "main", "--margin", "final_validation_loss", *at)
    assert "METRIC=VALUE" in refused(wrong, 2)
    assert "no baseline 'x'" in refused(gradclinic("check", "--baseline", "x", *at), 2)
    assert "unknown key" in refused(gradclinic("check", "--baseline", "main", "--margin", "depth_slope=1", *at), 2)
    both = gradclinic("check", "--baseline", "main", "--no-wait", "--junit", "x.xml", *at)
    assert "--junit or --no-wait" in refused(both, 2)
    missing = str(tmp_path / "missing.json")
    assert "cannot be read" in refused(gradclinic("check", missing, "--baseline", "main", *at), 2)
    assert "one of --study" in refused(gradclinic("baseline", "pin", "main", *at), 2)
    assert list(clinic.checks()) == []
